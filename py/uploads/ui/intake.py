"""Where files come in: the pickers, and a drop anywhere on the page."""

from uploads.ui import dom, files, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Intake:
    """Calls `take(js_file)` for every file that a person gives, those given before this code ran included.

    `tell`: says a sentence to the person.
    """

    def __init__(self, take: "Callable[[Any], None]", tell: "Callable[[str], None]") -> None:
        self._take = take
        self._tell = tell
        self._js_input = dom.find("#files")
        self._js_folder = dom.find("#folder")
        js_window = dom.window()
        self._has_picker = files.offers_picker()
        dom.listen(self._js_input, "click", self._clicked)
        dom.listen(self._js_input, "change", self._chosen)
        dom.listen(self._js_folder, "click", self._folder_wanted)
        dom.set_shown(self._js_folder, files.offers_folders())
        dom.listen(js_window, "dragenter", self._dragged)
        dom.listen(js_window, "dragover", self._dragged)
        dom.listen(js_window, "dragleave", self._left)
        dom.listen(js_window, "drop", self._dropped)
        self._chosen(None)

    def focus(self) -> None:
        """Puts the keyboard on the picker."""
        self._js_input.focus()

    def open(self) -> None:
        """Opens the picker, as a click does."""
        if self._has_picker:
            files.pick_files(self._take, self._do_without)
        else:
            self._js_input.click()

    def ask_for_one(self, take: "Callable[[Any], None]") -> None:
        """Opens a picker for one file; `take` gets it."""

        def do_without() -> None:
            self._has_picker = False
            files.ask_for_files(take)

        if self._has_picker:
            files.pick_files(take, do_without, many=False)
        else:
            files.ask_for_files(take)

    def _clicked(self, js_event: "Any") -> None:
        """Where the browser has a picker that gives handles it opens instead of the input's own."""
        if self._has_picker:
            js_event.preventDefault()
            files.pick_files(self._take, self._do_without)

    def _do_without(self) -> None:
        self._has_picker = False
        self._js_input.click()

    def _chosen(self, _js_event: "Any") -> None:
        chosen = files.files_in(self._js_input.files)
        if chosen:
            self._js_input.value = ""  # so that the same file can be chosen again
        for js_file in chosen:
            self._take(js_file)

    def _folder_wanted(self, _js_event: "Any") -> None:
        files.ask_for_files(self._take, folder=True)

    def _dragged(self, js_event: "Any") -> None:
        if files.carries_files(js_event):
            js_event.preventDefault()
            js_event.dataTransfer.dropEffect = "copy"
            dom.set_attribute(dom.js_root, "data-dragging", "")

    def _left(self, js_event: "Any") -> None:
        if not js_event.relatedTarget:  # out of the window, not from one element to the next
            dom.js_root.removeAttribute("data-dragging")

    def _dropped(self, js_event: "Any") -> None:
        dom.js_root.removeAttribute("data-dragging")
        if files.carries_files(js_event):
            js_event.preventDefault()
            files.take_dropped(js_event, self._take, self._unreadable)

    def _unreadable(self) -> None:
        self._tell(words.UNREADABLE)
