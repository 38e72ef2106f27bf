"""Which language the page speaks: fetches its catalogue, and has everything said anew."""

import json

from uploads.ui import dom, intl, speech
from uploads.ui import format as fmt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Speaking:
    """English until `use` is called. A language whose catalogue does not come leaves it as it was."""

    def __init__(self) -> None:
        self._spoken: Callable[[], None] = lambda: None
        self._tag = speech.ENGLISH
        self._wanted = self._tag

    def listen(self, spoken: "Callable[[], None]") -> None:
        """Calls `spoken()` whenever another language has come into use."""
        self._spoken = spoken

    def use(self, tag: str = "") -> bool:
        """Speaks this language, a BCP 47 tag, soon; "": the browser's. False for what is no tag, and then nothing changes.

        What the page cannot speak becomes English.
        """
        known = intl.canonical(tag) if tag else ""
        if tag and not known:
            return False
        language, tag = speech.language_of([known] if known else intl.preferred())
        self._wanted = tag
        if tag != self._tag and language != speech.ENGLISH:
            js_link: Any = dom.find("#catalogues").content.querySelector(f"[hreflang={language}]")
            address = str(js_link.getAttribute("href"))
            intl.fetch_text(address, lambda text: self._fetched(language, tag, text))
            return True
        if tag != self._tag:
            self._speak(language, tag, {})
        dom.show_words()
        return True

    def _fetched(self, language: str, tag: str, text: str) -> None:
        if text and tag == self._wanted:
            self._speak(language, tag, json.loads(text))
        dom.show_words()

    def _speak(self, language: str, tag: str, catalogue: "dict[str, Any]") -> None:
        numbers = None if language == speech.ENGLISH else intl.LocalNumbers(tag)
        was_english = self._tag.startswith(speech.ENGLISH)
        self._tag = tag
        dom.set_language(tag, right_to_left=language in speech.RIGHT_TO_LEFT)
        if numbers is not None or not was_english:
            speech.speak(language, catalogue, numbers)
            fmt.use_numbers(numbers)
            dom.say_anew(speech.say)
            self._spoken()
