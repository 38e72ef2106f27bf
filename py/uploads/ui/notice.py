"""One line above the list for what concerns no single upload: the engine's state, its warnings, refusals.

Below the list, once something has gone wrong: a report to copy.
"""

from uploads.ui import dom, words
from uploads.ui.speech import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Notice:
    """`#notice` (told at once, can be dismissed), `#engine` and `#warnings` (quiet)."""

    def __init__(self) -> None:
        self._js_box: Any = dom.find("#notice")
        self._js_text = dom.find("#notice p")
        self._js_engine = dom.find("#engine")
        self._js_warnings = dom.find("#warnings")
        self._written = dom.Written()
        self._report: Callable[[], str] | None = None
        dom.listen(dom.find("#notice button"), "click", self._dismiss)

    def offer_report(self, report: "Callable[[], str]") -> None:
        """Shows the button that copies what `report()` says, which goes to the console as well."""
        if self._report is None:
            dom.listen(dom.find("#report button"), "click", self._copy_report)
            dom.set_shown(dom.find("#report"), True)
        self._report = report

    def _copy_report(self, _js_event: "Any") -> None:
        assert self._report is not None, "the button is shown with a report"
        text = self._report()
        dom.log(text)
        dom.copy_text(text, lambda copied: self.tell(words.REPORT[copied]))

    def tell(self, text: str) -> None:
        """Shows a sentence until it is dismissed."""
        dom.set_text(self._js_text, say(text))
        dom.set_shown(self._js_box, True)

    def show_engine(self, engine: str, failure: str, warnings: "list[str]") -> None:
        """Shows the engine's state; `html[data-engine]` is part of the page's contract."""
        if self._written.changed("warnings", warnings):
            dom.set_text(self._js_warnings, say(" ".join(warnings)))
            dom.set_shown(self._js_warnings, bool(warnings))
        if self._written.changed("engine", (engine, failure)):
            dom.set_text(self._js_engine, say(words.ENGINE[engine]))
            dom.set_attribute(dom.js_root, "data-engine", engine)
            if failure:
                self.tell(failure)

    def say_anew(self) -> None:
        """Another language is spoken: the engine's state and its warnings are to be shown again."""
        self._written.forget()

    def _dismiss(self, _js_event: "Any") -> None:
        dom.set_shown(self._js_box, False)
