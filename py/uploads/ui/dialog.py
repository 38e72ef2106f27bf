"""A dialog over the page: made when it is opened, gone when it is closed. The browser keeps the keyboard in it, and gives it

back to where it was.
"""

from uploads.ui import dom, panel_dom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Dialog:
    """From a template that holds a `<dialog>` with a `[data-close]`. `closed()` is called once."""

    def __init__(self, template: str, closed: "Callable[[], None]") -> None:
        self.js_element: Any = dom.clone(template)
        self._closed = closed
        dom.listen(self.js_element, "close", self._gone)
        dom.listen(self.js_element, "click", self._clicked)
        panel_dom.show_dialog(self.js_element)

    def find(self, selector: str) -> "Any":
        """The first element in it that matches."""
        return dom.find(selector, self.js_element)

    def _clicked(self, js_event: "Any") -> None:
        """On its button, or beside it: what is clicked there is the dialog itself, around its content."""
        if dom.closest(js_event, "[data-close]") is not None or panel_dom.is_outside(
            js_event, self.js_element
        ):
            self.js_element.close()

    def _gone(self, _js_event: "Any") -> None:
        self.js_element.remove()
        self._closed()
