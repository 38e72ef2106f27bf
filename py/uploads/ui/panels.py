"""The dialogs over the page, of which one is open at a time. Each is loaded when it is first wanted."""

from uploads.ui import dom, later, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploads.client import UploadClient
    from uploads.ui.preferences import Preferences


class Panels:
    """`ask_for_one(take)` opens a picker for one file; `tell` says a sentence to the person."""

    def __init__(
        self,
        client: "UploadClient",
        preferences: "Preferences",
        ask_for_one: "Callable[[Callable[[Any], None]], None]",
        tell: "Callable[[str], None]",
    ) -> None:
        self._client = client
        self._preferences = preferences
        self._ask_for_one = ask_for_one
        self._tell = tell
        self._open: Any = None
        self._is_opening = False
        dom.listen(dom.find("#open-settings"), "click", lambda _js_event: self.open_settings())

    def open_settings(self) -> None:
        """What a person may set."""

        def made() -> "Any":
            from uploads.ui.settings_panel import SettingsPanel

            return SettingsPanel(self._client, self._preferences, self._tell, self._closed)

        self._show(made)

    def open_details(self, upload_id: str) -> None:
        """What happens to one upload."""

        def made() -> "Any":
            from uploads.ui.details import Details

            if upload_id not in self._client.heads:  # it has gone meanwhile
                return None
            return Details(self._client, upload_id, self._ask_for_one, self._closed)

        self._show(made)

    def open_statistics(self) -> None:
        """What all uploads took."""

        def made() -> "Any":
            from uploads.ui.statistics import Statistics

            return Statistics(self._client, self._closed)

        self._show(made)

    def _show(self, made: "Callable[[], Any]") -> None:
        if self._open is not None or self._is_opening:
            return
        self._is_opening = True

        def loaded(is_there: bool) -> None:
            self._is_opening = False
            if is_there:
                self._open = made()
            else:
                self._tell(words.NOT_LOADED)

        later.load(loaded)

    def refresh(self) -> None:
        """What is shown may have been changed by another tab."""
        if self._open is not None:
            self._open.refresh()

    def _closed(self) -> None:
        self._open = None
