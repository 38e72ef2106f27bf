"""Where files come in: the pickers, and a drop or a paste anywhere on the page."""

from uploads.ui import dom, files, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploads.ui.adding import Adding
    from uploads.ui.files import Found


class Intake:
    """Hands every file that a person gives to `adding`, those given before this code ran included.

    `tell`: says a sentence to the person.
    """

    def __init__(self, adding: "Adding", allowed_types: "list[str]", tell: "Callable[[str], None]") -> None:
        self._adding = adding
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
        dom.listen(js_window, "paste", self._pasted)
        if allowed_types:
            dom.set_attribute(self._js_input, "accept", ",".join(allowed_types))
        self._chosen(None)

    def focus(self) -> None:
        """Puts the keyboard on the picker."""
        self._js_input.focus()

    def open(self) -> None:
        """Opens the picker, as a click does."""
        if self._has_picker:
            files.pick_files(self._adding.take_all, self._do_without)
        else:
            self._js_input.click()

    def ask_for_one(self, take: "Callable[[Any], None]") -> None:
        """Opens a picker for one file; `take` gets it."""

        def take_first(found: "Found") -> None:
            for js_file, _ in found:
                take(js_file)
                return

        def do_without() -> None:
            self._has_picker = False
            files.ask_for_files(take_first)

        if self._has_picker:
            files.pick_files(take_first, do_without, many=False)
        else:
            files.ask_for_files(take_first)

    def _clicked(self, js_event: "Any") -> None:
        """Where the browser has a picker that gives handles it opens instead of the input's own."""
        if self._has_picker:
            js_event.preventDefault()
            files.pick_files(self._adding.take_all, self._do_without)

    def _do_without(self) -> None:
        self._has_picker = False
        self._js_input.click()

    def _chosen(self, _js_event: "Any") -> None:
        self._adding.take_all(files.files_in(self._js_input.files))
        self._js_input.value = ""  # so that the same file can be chosen again

    def _folder_wanted(self, _js_event: "Any") -> None:
        files.ask_for_files(self._adding.batch().take_all, folder=True)

    def _pasted(self, js_event: "Any") -> None:
        js_files = js_event.clipboardData.files
        if int(js_files.length):
            js_event.preventDefault()
            self._adding.take_all(files.files_in(js_files))

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
            batch = self._adding.batch()
            files.take_dropped(js_event, batch.take_all, batch.take, self._unreadable)

    def _unreadable(self) -> None:
        self._tell(words.UNREADABLE)
