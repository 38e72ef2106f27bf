"""Files from the browser's hands: pickers, inputs, drops, folders. With `dom` the page's JavaScript edge.

A file is a `FileSystemFileHandle` where the browser gives one, which can be kept, and a `File` elsewhere.
"""

import js

from uploads.client.link import attempt, tag_of

try:
    from pyodide.ffi import create_proxy
except ImportError:
    from jsffi import create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Take = Callable[[Any], None]

FILE_HANDLE, FOLDER_HANDLE = "[object FileSystemFileHandle]", "[object FileSystemDirectoryHandle]"


def files_in(js_file_list: "Any") -> "list[Any]":
    """The `File`s of an input or a drop."""
    return [js_file_list.item(index) for index in range(int(js_file_list.length))]


def carries_files(js_event: "Any") -> bool:
    """Whether something dragged over the page holds files."""
    js_data = js_event.dataTransfer
    return bool(js_data) and bool(js_data.types.includes("Files"))


# Pickers.


def offers_picker() -> bool:
    """Whether the browser has a picker that gives handles."""
    return hasattr(js.window, "showOpenFilePicker")


def pick_files(take: "Take", failed: "Callable[[], None]", *, many: bool = True) -> None:
    """Opens that picker, and calls `take` with the handle of each chosen file.

    Calls `failed` when there can be no picker here, as in another site's frame, or under a debugger that takes the
    place of pickers and knows the input's alone; not when the person chose nothing.
    """
    js_options = js.Object.new()
    js_options.multiple = many

    def chosen(js_handles: "Any") -> None:
        for index in range(int(js_handles.length)):
            take(js_handles[index])

    def refused(js_error: "Any") -> None:
        if js_error is None or js_error.name != "AbortError" or "Intercepted" in str(js_error.message):
            failed()

    attempt(chosen, refused, js.window, "showOpenFilePicker", js_options)


def offers_folders() -> bool:
    """Whether an input can ask for a folder: on phones it cannot."""
    return bool(js.Reflect.has(js.HTMLInputElement.prototype, "webkitdirectory"))


def ask_for_files(take: "Take", *, folder: bool = False) -> None:
    """Opens an input's picker for one file, or for a folder with all that is in it; `take` gets each chosen file."""
    js_input = js.document.createElement("input")
    js_input.type = "file"
    if folder:
        js_input.webkitdirectory = True

    def chosen(_js_event: object) -> None:
        for js_file in files_in(js_input.files):
            take(js_file)

    js_input.addEventListener("change", create_proxy(chosen))
    js.uploadWorker.attempt(js_input, "click")


# Drops.


def take_dropped(js_event: "Any", take: "Take", failed: "Callable[[], None]") -> None:
    """Calls `take` for each dropped file, in order, and for the files in dropped folders.

    Calls `failed` for each folder or file that cannot be read. Handles and entries have to be asked for while the event
    lasts; handles come a moment later.
    """
    js_items = js_event.dataTransfer.items
    js_files = files_in(js_event.dataTransfer.files)
    js_entries = []
    js_asked = js.Array.new()
    for index in range(int(js_items.length)):
        js_item = js_items[index]
        if js_item.kind == "file":
            js_entries.append(_ask(js_item, "webkitGetAsEntry"))
            js_asked.push(_ask(js_item, "getAsFileSystemHandle"))

    def answered(js_answers: "Any") -> None:
        same = int(js_answers.length) == len(js_files)
        for index, js_file in enumerate(js_files):
            js_handle = js_answers[index].value if same and js_answers[index].status == "fulfilled" else None
            js_entry = js_entries[index] if same else None
            if tag_of(js_handle) == FOLDER_HANDLE:
                _HandleWalk(js_handle, take, failed).go_on()
            elif js_entry and js_entry.isDirectory:
                _EntryWalk(js_entry, take, failed).go_on()
            else:
                take(js_handle if tag_of(js_handle) == FILE_HANDLE else js_file)

    js.Promise.allSettled(js_asked).then(create_proxy(answered))


def _ask(js_item: "Any", method: str) -> "Any":
    js_answer = js.uploadWorker.attempt(js_item, method)
    return js_answer[1] if js_answer[0] is True else None


class _HandleWalk:
    """Through a folder and all folders in it, by their handles, one entry at a time."""

    def __init__(self, js_folder: "Any", take: "Take", failed: "Callable[[], None]") -> None:
        self._take, self._failed = take, failed
        self._js_iterators = [js_folder.values()]
        self._js_callbacks = (create_proxy(self._stepped), create_proxy(self._refused))

    def go_on(self) -> None:
        if self._js_iterators:
            self._js_iterators[-1].next().then(*self._js_callbacks)

    def _stepped(self, js_step: "Any") -> None:
        if js_step.done:
            self._js_iterators.pop()
        elif js_step.value.kind == "directory":
            self._js_iterators.append(js_step.value.values())
        else:
            self._take(js_step.value)
        self.go_on()

    def _refused(self, *_: object) -> None:
        self._js_iterators.pop()
        self._failed()
        self.go_on()


class _EntryWalk:
    """The same by `FileSystemEntry`, which Firefox and WebKit have; a reader gives entries until it has none left."""

    def __init__(self, js_folder: "Any", take: "Take", failed: "Callable[[], None]") -> None:
        self._take, self._failed = take, failed
        self._js_readers = [js_folder.createReader()]
        self._js_callbacks = (create_proxy(self._read), create_proxy(self._refused))
        self._js_file_callbacks = (create_proxy(take), create_proxy(lambda *_: failed()))

    def go_on(self) -> None:
        if self._js_readers:
            self._js_readers[0].readEntries(*self._js_callbacks)

    def _read(self, js_entries: "Any") -> None:
        if not int(js_entries.length):
            self._js_readers.pop(0)
        for index in range(int(js_entries.length)):
            js_entry = js_entries[index]
            if js_entry.isDirectory:
                self._js_readers.append(js_entry.createReader())
            else:
                js_entry.file(*self._js_file_callbacks)
        self.go_on()

    def _refused(self, *_: object) -> None:
        self._js_readers.pop(0)
        self._failed()
        self.go_on()
