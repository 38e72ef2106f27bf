"""Files from the browser's hands: pickers, inputs, drops, folders. With `dom` the page's JavaScript edge.

A file is a `FileSystemFileHandle` where the browser gives one, which can be kept, and a `File` elsewhere. With it comes the
path of the folder that it was in, as far as that was given, too: "" or "holiday/2024".

What is found comes as an iterator, because ten thousand files are not to be looked at in one go.
"""

import js

from uploads.client.link import attempt, tag_of

try:
    from pyodide.ffi import create_proxy
except ImportError:
    from jsffi import create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Found = Iterator[tuple[Any, str]]
    Take = Callable[[Any, str], None]
    TakeAll = Callable[[Found], None]

FILE_HANDLE, FOLDER_HANDLE = "[object FileSystemFileHandle]", "[object FileSystemDirectoryHandle]"


def files_in(js_file_list: "Any", *, with_folders: bool = False) -> "Found":
    """The `File`s of an input or a paste, copied at once; `with_folders`: they were chosen as a folder."""
    return _each(getattr(js.Array, "from")(js_file_list), with_folders)


def _each(js_files: "Any", with_folders: bool) -> "Found":
    for index in range(int(js_files.length)):
        js_file = js_files[index]
        yield js_file, _folder(str(js_file.webkitRelativePath)) if with_folders else ""


def _folder(path: str) -> str:
    """A path without its last step."""
    return "/".join(path.split("/")[:-1])


def carries_files(js_event: "Any") -> bool:
    """Whether something dragged over the page holds files."""
    js_data = js_event.dataTransfer
    return bool(js_data) and bool(js_data.types.includes("Files"))


# Pickers.


def offers_picker() -> bool:
    """Whether the browser has a picker that gives handles."""
    return hasattr(js.window, "showOpenFilePicker")


def pick_files(take_all: "TakeAll", failed: "Callable[[], None]", *, many: bool = True) -> None:
    """Opens that picker, and calls `take_all` with the handles of the chosen files.

    Calls `failed` when there can be no picker here, as in another site's frame, or under a debugger that takes the
    place of pickers and knows the input's alone; not when the person chose nothing.
    """
    js_options = js.Object.new()
    js_options.multiple = many

    def chosen(js_handles: "Any") -> None:
        take_all(_each(js_handles, False))

    def refused(js_error: "Any") -> None:
        if js_error is None or js_error.name != "AbortError" or "Intercepted" in str(js_error.message):
            failed()

    attempt(chosen, refused, js.window, "showOpenFilePicker", js_options)


def offers_folders() -> bool:
    """Whether an input can ask for a folder: on phones it cannot."""
    return bool(js.Reflect.has(js.HTMLInputElement.prototype, "webkitdirectory"))


def ask_for_files(take_all: "TakeAll", *, folder: bool = False) -> None:
    """Opens an input's picker for one file, or for a folder with all that is in it; `take_all` gets what is chosen."""
    js_input = js.document.createElement("input")
    js_input.type = "file"
    if folder:
        js_input.webkitdirectory = True

    def chosen(_js_event: object) -> None:
        take_all(files_in(js_input.files, with_folders=folder))

    js_input.addEventListener("change", create_proxy(chosen))
    js.uploadWorker.attempt(js_input, "click")


# Drops.


def take_dropped(js_event: "Any", take_all: "TakeAll", take: "Take", failed: "Callable[[], None]") -> None:
    """Calls `take_all` with the dropped files, in their order, and `take` for each file in dropped folders, later.

    Calls `failed` for each folder or file that cannot be read. Handles and entries have to be asked for while the event
    lasts, of all items at once; handles come a moment later.
    """
    js_items = getattr(js.Array, "from")(js_event.dataTransfer.items)
    js_items = js_items.filter(_unbound("getAsFile"))  # not the texts among them
    js_files = getattr(js.Array, "from")(js_event.dataTransfer.files)
    js_entries = _of_each(js_items, "webkitGetAsEntry")
    js_asked = _of_each(js_items, "getAsFileSystemHandle")

    def found(js_answers: "Any") -> "Found":
        same = int(js_items.length) == int(js_files.length)
        has_entries, has_handles = int(js_entries.length) > 0, int(js_answers.length) > 0
        for index in range(int(js_files.length)):
            js_handle = None
            if same and has_handles and js_answers[index].status == "fulfilled":
                js_handle = js_answers[index].value
            js_entry = js_entries[index] if same and has_entries else None
            kind = tag_of(js_handle)
            if kind == FOLDER_HANDLE:
                _HandleWalk(js_handle, take, failed).go_on()
            elif js_entry and js_entry.isDirectory:
                _EntryWalk(js_entry, take, failed).go_on()
            else:
                yield js_handle if kind == FILE_HANDLE else js_files[index], ""

    js.Promise.allSettled(js_asked).then(create_proxy(lambda js_answers: take_all(found(js_answers))))


def _of_each(js_items: "Any", method: str) -> "Any":
    """What a method of `DataTransferItem` gives for each item; an empty array where there is no such method."""
    if not js.Reflect.has(js.DataTransferItem.prototype, method):
        return js.Array.new()
    return getattr(js.Array, "from")(js_items, _unbound(method))


def _unbound(method: str) -> "Any":
    """A method of `DataTransferItem` as a function of the item: JavaScript calls it ten thousand times in one step."""
    js_method = js.Reflect.get(js.DataTransferItem.prototype, method)
    js_bind, js_call = [js.Reflect.get(js.Function.prototype, name) for name in ("bind", "call")]
    return js.Reflect.apply(js_bind, js_call, js.Array.of(js_method))


class _HandleWalk:
    """Through a folder and all folders in it, by their handles, one entry at a time."""

    def __init__(self, js_folder: "Any", take: "Take", failed: "Callable[[], None]") -> None:
        self._take, self._failed = take, failed
        self._folders = [str(js_folder.name)]
        self._js_iterators = [js_folder.values()]
        self._js_callbacks = (create_proxy(self._stepped), create_proxy(self._refused))

    def go_on(self) -> None:
        if self._js_iterators:
            self._js_iterators[-1].next().then(*self._js_callbacks)

    def _stepped(self, js_step: "Any") -> None:
        if js_step.done:
            self._leave()
        elif js_step.value.kind == "directory":
            self._folders.append(self._folders[-1] + "/" + str(js_step.value.name))
            self._js_iterators.append(js_step.value.values())
        else:
            self._take(js_step.value, self._folders[-1])
        self.go_on()

    def _leave(self) -> None:
        self._js_iterators.pop()
        self._folders.pop()

    def _refused(self, *_: object) -> None:
        self._leave()
        self._failed()
        self.go_on()


class _EntryWalk:
    """The same by `FileSystemEntry`, which Firefox and WebKit have; a reader gives entries until it has none left."""

    def __init__(self, js_folder: "Any", take: "Take", failed: "Callable[[], None]") -> None:
        self._take, self._failed = take, failed
        self._js_readers = [js_folder.createReader()]
        self._js_callbacks = (create_proxy(self._read), create_proxy(self._refused))
        self._js_refused = create_proxy(lambda *_: failed())

    def go_on(self) -> None:
        if self._js_readers:
            self._js_readers[0].readEntries(*self._js_callbacks)

    def _giver(self, folder: str) -> "Callable[[Any], None]":
        return lambda js_file: self._take(js_file, folder)

    def _read(self, js_entries: "Any") -> None:
        if not int(js_entries.length):
            self._js_readers.pop(0)
        for index in range(int(js_entries.length)):
            js_entry = js_entries[index]
            if js_entry.isDirectory:
                self._js_readers.append(js_entry.createReader())
            else:
                folder = _folder(str(js_entry.fullPath).lstrip("/"))
                js_entry.file(create_proxy(self._giver(folder)), self._js_refused)
        self.go_on()

    def _refused(self, *_: object) -> None:
        self._js_readers.pop(0)
        self._failed()
        self.go_on()
