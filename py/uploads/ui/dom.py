"""The page's JavaScript edge: finding, cloning and changing elements, events, timers. No other module of `ui` imports `js`.

Only text is written to the page: MicroPython's bridge wraps whole numbers to 32 bits. Nothing here can make
JavaScript throw, except where `attempt` is used, because MicroPython cannot catch such an error.
"""

import js

try:
    from pyodide.ffi import create_proxy
except ImportError:
    from jsffi import create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HANDLE_TAG = "[object FileSystemFileHandle]"

js_root: "Any" = js.document.documentElement


def find(selector: str, js_parent: "Any" = None) -> "Any":
    """The first element that matches; there must be one, as in index.html."""
    return (js_parent or js.document).querySelector(selector)


def clone(template: str) -> "Any":
    """A copy of the one element inside a `<template>`."""
    return find(template).content.firstElementChild.cloneNode(True)


def closest(js_event: "Any", selector: str) -> "Any":
    """The element that an event happened in, by selector; None when it happened elsewhere."""
    return js_event.target.closest(selector) or None


def set_text(js_element: "Any", text: str) -> None:
    """Replaces what an element holds by text."""
    js_element.textContent = text


def set_attribute(js_element: "Any", name: str, value: str) -> None:
    """Sets an attribute."""
    js_element.setAttribute(name, value)


def set_shown(js_element: "Any", shown: bool) -> None:
    """Shows or hides an element, for eyes and ears alike."""
    js_element.toggleAttribute("hidden", not shown)


def set_enabled(js_button: "Any", enabled: bool) -> None:
    """Enables or disables a button."""
    js_button.toggleAttribute("disabled", not enabled)


def set_property(js_element: "Any", name: str, value: str) -> None:
    """Sets a CSS custom property, through the CSSOM: a style attribute would need more from the site's CSP."""
    js_element.style.setProperty(name, value)


def has_focus(js_element: "Any") -> bool:
    """Whether the keyboard is somewhere in an element."""
    return bool(js_element.contains(js.document.activeElement))


def listen(js_target: "Any", event: str, handler: "Callable[[Any], None]") -> None:
    """Calls `handler(js_event)` for as long as the page lives."""
    js_target.addEventListener(event, create_proxy(handler))


def window() -> "Any":
    """The page's window."""
    return js.window


def set_title(text: str) -> None:
    """Sets the tab's title."""
    js.document.title = text


def title() -> str:
    """The tab's title."""
    return str(js.document.title)


def has_flag(name: str) -> bool:
    """Whether the page's address has this name in its query."""
    return bool(js.URLSearchParams.new(js.location.search).has(name))


def copy_text(text: str, done: "Callable[[bool], None]") -> None:
    """Puts text on the clipboard, in answer to a click; calls `done(whether it is there)`, once."""
    js_answer = js.uploadWorker.attempt(js.Reflect.get(js.navigator, "clipboard"), "writeText", text)
    if js_answer[0] is not True:  # no clipboard: the page is not served securely
        done(False)
        return
    js_answer[1].then(create_proxy(lambda *_: done(True)), create_proxy(lambda *_: done(False)))


def log(text: str) -> None:
    """A line on the browser's console."""
    js.console.info(text)


def files_in(js_file_list: "Any") -> "list[Any]":
    """The `File`s of an input or a drop."""
    return [js_file_list.item(index) for index in range(int(js_file_list.length))]


def take_dropped(js_event: "Any", take: "Callable[[Any], None]") -> None:
    """Calls `take` for each dropped file, in order: with its handle where the browser gives one, else with its `File`.

    Both have to be asked for while the event lasts; handles come a moment later.
    """
    js_items = js_event.dataTransfer.items
    js_files = files_in(js_event.dataTransfer.files)
    js_asked = js.Array.new()
    for index in range(int(js_items.length)):
        js_item = js_items[index]
        if js_item.kind == "file" and hasattr(js_item, "getAsFileSystemHandle"):
            js_answer = js.uploadWorker.attempt(js_item, "getAsFileSystemHandle")
            js_asked.push(js_answer[1] if js_answer[0] is True else None)

    def answered(js_answers: "Any") -> None:
        same = int(js_answers.length) == len(js_files)
        for index, js_file in enumerate(js_files):
            take(_handle_of(js_answers[index]) or js_file if same else js_file)

    js.Promise.allSettled(js_asked).then(create_proxy(answered))


def _handle_of(js_settled: "Any") -> "Any":
    """The handle of a file that a settled promise brought, or None; a folder's handle leads to no file."""
    if js_settled.status != "fulfilled":
        return None
    js_value = js_settled.value
    return js_value if str(js.Object.prototype.toString.call(js_value)) == HANDLE_TAG else None


def offers_picker() -> bool:
    """Whether the browser has a picker that gives handles."""
    return hasattr(js.window, "showOpenFilePicker")


def pick_files(take: "Callable[[Any], None]", failed: "Callable[[], None]") -> None:
    """Opens that picker, and calls `take` with the handle of each chosen file.

    Calls `failed` when there can be no picker here, as in another site's frame, or under a debugger that takes the
    place of pickers and knows the input's alone; not when the person chose nothing.
    """
    js_options = js.Object.new()
    js_options.multiple = True

    def chosen(js_handles: "Any") -> None:
        for index in range(int(js_handles.length)):
            take(js_handles[index])

    def refused(js_error: "Any") -> None:
        if js_error.name != "AbortError" or "Intercepted" in str(js_error.message):
            failed()

    js_answer = js.uploadWorker.attempt(js.window, "showOpenFilePicker", js_options)
    if js_answer[0] is True:
        js_answer[1].then(create_proxy(chosen), create_proxy(refused))
    else:
        failed()


def carries_files(js_event: "Any") -> bool:
    """Whether something dragged over the page holds files."""
    js_data = js_event.dataTransfer
    return bool(js_data) and bool(js_data.types.includes("Files"))


def ask_for_file(accept: "Callable[[Any], None]") -> None:
    """Opens the browser's picker for one file, and calls `accept(js_file)` when one is chosen."""
    js_input = js.document.createElement("input")
    js_input.type = "file"

    def chosen(_js_event: object) -> None:
        files = files_in(js_input.files)
        if files:
            accept(files[0])

    js_input.addEventListener("change", create_proxy(chosen))
    js.uploadWorker.attempt(js_input, "click")


class LeaveQuestion:
    """The browser's own question whether to leave the page. Listening for nothing would keep Firefox from its back/forward

    cache, so it is listened for only while there is something to ask.
    """

    def __init__(self) -> None:
        self._asks = False
        self._js_before = create_proxy(self._before)

    def ask(self, wanted: bool) -> None:
        """Has it asked from now on, or no more."""
        if wanted and not self._asks:
            js.window.addEventListener("beforeunload", self._js_before)
        elif self._asks and not wanted:
            js.window.removeEventListener("beforeunload", self._js_before)
        self._asks = wanted

    def _before(self, js_event: "Any") -> None:
        js_event.preventDefault()
        js_event.returnValue = "uploads"  # for browsers that ask by this alone; none shows the text


class Later:
    """Calls a function once, some milliseconds after it was last not waiting. One proxy serves all calls."""

    def __init__(self, callback: "Callable[[], None]", milliseconds: int) -> None:
        self._callback = callback
        self._milliseconds = milliseconds
        self._waiting = False
        self._js_run = create_proxy(self._run)

    def ask(self) -> None:
        """Arms the timer, unless it is armed."""
        if not self._waiting:
            self._waiting = True
            js.setTimeout(self._js_run, self._milliseconds)

    def _run(self, *_: object) -> None:
        self._waiting = False
        self._callback()


class Written:
    """What was last written where, so that nothing is written twice: touching the page is the costly part."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}

    def changed(self, name: str, value: object) -> bool:
        """Whether `value` differs from the last one under this name; it is remembered."""
        if name in self._values and self._values[name] == value:
            return False
        self._values[name] = value
        return True
