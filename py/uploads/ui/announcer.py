"""The live region: tells a screen reader what happened, gathered so that it does not chatter."""

from uploads.ui import dom, words

GATHERING = 900
"""Milliseconds."""


class Announcer:
    """Speaks through `#announcer`, at most once per `GATHERING`."""

    def __init__(self) -> None:
        self._js_region = dom.find("#announcer")
        self._happened: list[tuple[str, str]] = []
        self._later = dom.Later(self._speak, GATHERING)

    def tell(self, what: str, name: str) -> None:
        """Something happened to the upload of this file; "" is nothing."""
        if what:
            self._happened.append((what, name))
            self._later.ask()

    def _speak(self) -> None:
        text = words.announcement(self._happened)
        self._happened = []
        if text:
            dom.set_text(self._js_region, text)
