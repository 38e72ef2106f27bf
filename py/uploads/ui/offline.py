"""Below the list: whether this page opens without a network, and a button to change that. Above it: a newer version.

Made when the engine is ready: fetching what is to be kept would be in its way.
"""

from uploads.ui import dom, words
from uploads.ui.installed import SiteCopy
from uploads.ui.speech import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Offline:
    """`#offline` and `#renewal`. `allowed`: whether whoever publishes the site wants copies of it kept at all."""

    def __init__(self, allowed: bool) -> None:
        self._copy = SiteCopy(self._told, self._renewed)
        self._allowed = allowed
        self._is_kept = False
        self._js_line: Any = dom.find("#offline")
        self._js_text = dom.find("#offline span")
        self._js_label = dom.find("#offline button span")
        self._js_icon = dom.find("#offline button use")
        self._js_renewal = dom.find("#renewal")
        dom.listen(dom.find("#offline button"), "click", self._clicked)
        dom.listen(dom.find("#renewal button"), "click", self._wanted)
        if not self._copy.is_possible:
            return
        if not allowed:
            self._copy.remove(remember=False)
        elif self._copy.is_wanted:
            self._copy.keep()
        else:
            self._told(False)

    def _told(self, is_kept: bool) -> None:
        self._is_kept = is_kept
        dom.set_text(self._js_text, say(words.SITE_COPY[is_kept]))
        dom.set_text(self._js_label, say(words.SITE_COPY_ACTIONS[is_kept]))
        dom.set_attribute(self._js_icon, "href", "#icon-remove" if is_kept else "#icon-download")
        dom.set_shown(self._js_line, self._allowed)

    def say_anew(self) -> None:
        """Another language is spoken."""
        if self._copy.is_possible:
            self._told(self._is_kept)

    def _renewed(self) -> None:
        dom.set_shown(self._js_renewal, True)

    def _clicked(self, _js_event: "Any") -> None:
        if self._is_kept:
            self._copy.remove()
        else:
            self._copy.keep()

    def _wanted(self, _js_event: "Any") -> None:
        self._copy.take_over()
