"""The live region: tells a screen reader what happened, gathered so that it does not chatter."""

from uploads.ui import dom, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

GATHERING = 900
"""Milliseconds."""


class Announcer:
    """Speaks through `#announcer`, at most once per `GATHERING`. `name_of(upload_id)`: the file's, or "" when it is gone."""

    def __init__(self, name_of: "Callable[[str], str]") -> None:
        self._name_of = name_of
        self._js_region = dom.find("#announcer")
        self._happened: list[tuple[str, str]] = []
        self._later = dom.Later(self._speak, GATHERING)

    def tell(self, what: str, upload_id: str) -> None:
        """Something happened to an upload; "" is nothing."""
        if what:
            self._happened.append((what, upload_id))
            self._later.ask()

    def say(self, text: str) -> None:
        """Says a sentence at once: what a person has just done."""
        dom.set_text(self._js_region, text)

    def _speak(self) -> None:
        text = words.announcement(self._happened, self._name_of)
        self._happened = []
        if text:
            dom.set_text(self._js_region, text)
