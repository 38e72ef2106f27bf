"""The page's JavaScript edge: finding, cloning and changing elements, events, timers. Files have
an edge of their own, `files`; no other module of `ui` imports `js`.

Only text is written to the page: MicroPython's bridge wraps whole numbers to 32 bits. Nothing here can make
JavaScript throw, except where `attempt` is used, because MicroPython cannot catch such an error.
"""

import js

from uploads.client.link import attempt

try:
    from pyodide.ffi import create_proxy
except ImportError:
    from jsffi import create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

js_root: "Any" = js.document.documentElement


def find(selector: str, js_parent: "Any" = None) -> "Any":
    """The first element that matches; there must be one, as in index.html."""
    return (js_parent or js.document).querySelector(selector)


def clone(template: str) -> "Any":
    """A copy of the one element inside a `<template>`."""
    return find(template).content.firstElementChild.cloneNode(True)


def element(tag: str, text: str) -> "Any":
    """A new element that holds text."""
    js_element = js.document.createElement(tag)
    js_element.textContent = text
    return js_element


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


def same(js_one: "Any", js_other: "Any") -> bool:
    """Whether two windows are the same one. Nothing else may be asked of a window of another origin."""
    return bool(getattr(js.Object, "is")(js_one, js_other))


def is_framed() -> bool:
    """Whether there is a window around this one."""
    return not same(js.window.parent, js.window)


def has_flag(name: str) -> bool:
    """Whether the page's address has this name in its query."""
    return bool(js.URLSearchParams.new(js.location.search).has(name))


def set_language(locale: str) -> str:
    """Sets the page's language, a BCP 47 tag. What stands before the decimals in it; "" when there is no such tag, and

    then nothing changes.
    """
    js_canonical = js.uploadWorker.attempt(js.Intl, "getCanonicalLocales", locale)
    if js_canonical[0] is not True:
        return ""
    js_root.setAttribute("lang", str(js_canonical[1][0]))
    half = str(js.Intl.NumberFormat.new(locale).format(0.5))
    return half[1] if len(half) == 3 else "."


def has_gesture() -> bool:
    """Whether a person has just pressed something here, so that a picker may open. Where the browser cannot tell: yes."""
    if not js.Reflect.has(js.navigator, "userActivation"):
        return True
    return bool(js.navigator.userActivation.isActive)


def watch_height(told: "Callable[[int], None]") -> None:
    """Calls `told(the CSS pixels that the page takes)` now and whenever that changes."""
    js_body = js.document.body

    def changed(*_: object) -> None:
        told(int(js.Math.ceil(js_body.getBoundingClientRect().height)))

    js.ResizeObserver.new(create_proxy(changed)).observe(js_body)


def copy_text(text: str, done: "Callable[[bool], None]") -> None:
    """Puts text on the clipboard, in answer to a click; calls `done(whether it is there)`, once."""
    js_clipboard = js.Reflect.get(js.navigator, "clipboard")  # missing where the page is not served securely
    attempt(lambda *_: done(True), lambda *_: done(False), js_clipboard, "writeText", text)


def log(text: str) -> None:
    """A line on the browser's console."""
    js.console.info(text)


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
