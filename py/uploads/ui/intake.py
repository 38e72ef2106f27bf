"""Where files come in: the picker, and a drop anywhere on the page."""

from uploads.ui import dom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Intake:
    """Calls `take(js_file)` for every file that a person gives, those given before this code ran included."""

    def __init__(self, take: "Callable[[Any], None]") -> None:
        self._take = take
        self._js_input = dom.find("#files")
        js_window = dom.window()
        self._has_picker = dom.offers_picker()
        dom.listen(self._js_input, "click", self._clicked)
        dom.listen(self._js_input, "change", self._chosen)
        dom.listen(js_window, "dragenter", self._dragged)
        dom.listen(js_window, "dragover", self._dragged)
        dom.listen(js_window, "dragleave", self._left)
        dom.listen(js_window, "drop", self._dropped)
        self._chosen(None)

    def focus(self) -> None:
        """Puts the keyboard on the picker."""
        self._js_input.focus()

    def _clicked(self, js_event: "Any") -> None:
        """Where the browser has a picker that gives handles it opens instead of the input's own."""
        if self._has_picker:
            js_event.preventDefault()
            dom.pick_files(self._take, self._do_without)

    def _do_without(self) -> None:
        self._has_picker = False
        self._js_input.click()

    def _chosen(self, _js_event: "Any") -> None:
        files = dom.files_in(self._js_input.files)
        if files:
            self._js_input.value = ""  # so that the same file can be chosen again
        for js_file in files:
            self._take(js_file)

    def _dragged(self, js_event: "Any") -> None:
        if dom.carries_files(js_event):
            js_event.preventDefault()
            js_event.dataTransfer.dropEffect = "copy"
            dom.set_attribute(dom.js_root, "data-dragging", "")

    def _left(self, js_event: "Any") -> None:
        if not js_event.relatedTarget:  # out of the window, not from one element to the next
            dom.js_root.removeAttribute("data-dragging")

    def _dropped(self, js_event: "Any") -> None:
        dom.js_root.removeAttribute("data-dragging")
        if dom.carries_files(js_event):
            js_event.preventDefault()
            dom.take_dropped(js_event, self._take)
