"""The settings' dialog: every choice counts as soon as it is made."""

from uploads.client import ClientError
from uploads.ui import dom, panel_dom, panel_words, settings_view
from uploads.ui.dialog import Dialog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploads.client import UploadClient
    from uploads.ui.preferences import Preferences


class SettingsPanel:
    """Open as long as it exists; `closed()` is called once, `tell` says a sentence to the person."""

    def __init__(
        self,
        client: "UploadClient",
        preferences: "Preferences",
        tell: "Callable[[str], None]",
        closed: "Callable[[], None]",
    ) -> None:
        self._client = client
        self._preferences = preferences
        self._tell = tell
        self._dialog = Dialog("#settings-dialog", closed)
        self._js_selects = {name: self._dialog.find(f"[name={name}]") for name in settings_view.CHOICES}
        self._js_language = self._dialog.find("[name=language]")
        self._js_theme = self._dialog.find("[name=theme]")
        self._js_notify = self._dialog.find("[name=notify]")
        for js_select in self._js_selects.values():
            dom.listen(js_select, "change", self._chosen)
        dom.listen(self._js_language, "change", self._language_chosen)
        dom.listen(self._js_theme, "change", self._theme_chosen)
        dom.listen(self._js_notify, "change", self._notify_chosen)
        dom.listen(self._dialog.find("[data-reset]"), "click", self._reset)
        self.refresh()

    def refresh(self) -> None:
        """Shows what counts now, which another tab may have changed."""
        settings, site = self._client.settings, self._client.site_settings
        for name, js_select in self._js_selects.items():
            is_known = name in site
            dom.set_enabled(js_select, is_known)  # once the engine has told what counts
            if is_known:
                panel_dom.fill_select(js_select, settings_view.options(name, settings[name], site[name]))
        panel_dom.fill_select(self._js_language, settings_view.languages(self._preferences.language))
        self._js_theme.value = self._preferences.theme
        self._js_notify.checked = self._preferences.notify

    def _chosen(self, _js_event: "Any") -> None:
        texts = {name: str(js_select.value) for name, js_select in self._js_selects.items()}
        self._change(settings_view.chosen(texts))

    def _reset(self, _js_event: "Any") -> None:
        self._preferences.change(language="", theme="", notify=False)
        self._change({})

    def _change(self, settings: "dict[str, Any]") -> None:
        try:
            self._client.change_settings(settings)
        except ClientError as error:
            self._tell(str(error))

    def _language_chosen(self, _js_event: "Any") -> None:
        self._preferences.change(language=str(self._js_language.value))

    def _theme_chosen(self, _js_event: "Any") -> None:
        self._preferences.change(theme=str(self._js_theme.value))

    def _notify_chosen(self, _js_event: "Any") -> None:
        if not self._js_notify.checked:
            self._preferences.change(notify=False)
            return

        def answered(allowed: bool) -> None:
            if not allowed:
                self._tell(panel_words.NOT_ALLOWED_TO_NOTIFY)
            self._preferences.change(notify=allowed)
            self._js_notify.checked = allowed

        panel_dom.ask_to_notify(answered)
