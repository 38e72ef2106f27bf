"""The page's JavaScript edge: finding, cloning and changing elements, events, timers. What has
an edge of its own (files, dialogs, numbers …) is named in `tests/contracts/test_layering.py`; no other module of `ui` imports `js`.

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

STEP = 10
"""Milliseconds of work after which a person's next click should be heard."""


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


def place_after(js_parent: "Any", js_before: "Any", js_element: "Any") -> None:
    """Puts an element behind another one, or first in its parent; one that is there already is left alone."""
    js_next = js_parent.firstElementChild if js_before is None else js_before.nextElementSibling
    if js_next is None:
        js_parent.append(js_element)
    elif not same(js_next, js_element):
        js_next.before(js_element)


def has_focus(js_element: "Any") -> bool:
    """Whether the keyboard is somewhere in an element."""
    return bool(js_element.contains(js.document.activeElement))


def listen(js_target: "Any", event: str, handler: "Callable[[Any], None]") -> None:
    """Calls `handler(js_event)` for as long as the page lives."""
    js_target.addEventListener(event, create_proxy(handler))


def listen_to_scrolling(handler: "Callable[[Any], None]") -> None:
    """Calls it when anything on the page is scrolled, or the window has another size."""
    js_handler = create_proxy(handler)
    js_options = js.Object.new()
    js_options.capture = True
    js_options.passive = True
    js.window.addEventListener("scroll", js_handler, js_options)
    js.window.addEventListener("resize", js_handler)


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


def set_language(tag: str, *, right_to_left: bool) -> None:
    """Says in which language the page is, by a BCP 47 tag, and in which direction it is read."""
    js_root.setAttribute("lang", tag)
    js_root.setAttribute("dir", "rtl" if right_to_left else "ltr")


def show_words() -> None:
    """Shows what has been hidden from people of another language until their words were there."""
    js_root.removeAttribute("data-words")


def say_anew(say: "Callable[[str], str]") -> None:
    """Has all that is said in index.html itself, `[data-say]` and `[data-say-label]`, said by `say(English)`."""
    js_roots = [js.document]
    js_templates = js.document.querySelectorAll("template")
    js_roots += [js_templates.item(index).content for index in range(int(js_templates.length))]
    for js_part in js_roots:
        js_found = js_part.querySelectorAll("[data-say], [data-say-label]")
        for index in range(int(js_found.length)):
            js_element = js_found.item(index)
            if js_element.hasAttribute("data-say"):
                english = str(js_element.getAttribute("data-say")) or str(js_element.textContent)
                js_element.setAttribute("data-say", english)  # once it has been said otherwise
                js_element.textContent = say(english)
            if js_element.hasAttribute("data-say-label"):
                english = str(js_element.getAttribute("data-say-label")) or str(
                    js_element.getAttribute("aria-label")
                )
                js_element.setAttribute("data-say-label", english)
                js_element.setAttribute("aria-label", say(english))


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


def now() -> float:
    """Milliseconds on a clock that only runs."""
    return float(js.performance.now())


def visible_band(js_list: "Any") -> "tuple[int, int]":
    """What of a list can be seen: from which pixel of all that is in it to which. It may scroll by itself."""
    js_box = js_list.getBoundingClientRect()
    top, bottom, window_height = float(js_box.top), float(js_box.bottom), float(js.window.innerHeight)
    scrolled = float(js_list.scrollTop)
    return int(max(0.0, -top) + scrolled), int(min(bottom, window_height) - top + scrolled)


def height_of(js_element: "Any") -> int:
    """In CSS pixels."""
    return int(js_element.offsetHeight)


def focused_in(js_element: "Any", selector: str) -> "Any":
    """The element with this selector that the keyboard is in, within another one; or None."""
    js_active = js.document.activeElement
    if js_active is None or not js_element.contains(js_active):
        return None
    return js_active.closest(selector) or None


def copy_text(text: str, done: "Callable[[bool], None]") -> None:
    """Puts text on the clipboard, in answer to a click; calls `done(whether it is there)`, once."""
    js_clipboard = js.Reflect.get(js.navigator, "clipboard")  # missing where the page is not served securely
    attempt(lambda *_: done(True), lambda *_: done(False), js_clipboard, "writeText", text)


def log(text: str) -> None:
    """A line on the browser's console."""
    js.console.info(text)


def _storage(name: str) -> "Any":
    """`localStorage` or `sessionStorage`, or None where the browser has none to give: asking for it may throw."""
    js_answer = js.uploadWorker.attempt(js.Reflect, "get", js.window, name)
    return js_answer[1] if js_answer[0] is True else None


STORAGE = ("localStorage", "sessionStorage")


def read_kept(name: str, *, in_tab: bool = False) -> str:
    """What was kept in this browser under a name, or with this tab alone; "" for nothing."""
    js_storage = _storage(STORAGE[in_tab])
    if js_storage is None:
        return ""
    js_answer = js.uploadWorker.attempt(js_storage, "getItem", name)
    return js_answer[1] if js_answer[0] is True and isinstance(js_answer[1], str) else ""


def keep(name: str, text: str, *, in_tab: bool = False) -> None:
    """Keeps text in this browser, or with this tab alone, if it lets us."""
    js_storage = _storage(STORAGE[in_tab])
    if js_storage is not None:
        js.uploadWorker.attempt(js_storage, "setItem", name, text)


def watch_kept(name: str, changed: "Callable[[str], None]") -> None:
    """Calls `changed(text)` when another tab keeps something else under this name."""

    def heard(js_event: "Any") -> None:
        if js_event.key == name and isinstance(js_event.newValue, str):
            changed(js_event.newValue)

    listen(js.window, "storage", heard)


def is_hidden() -> bool:
    """Whether the page is behind another one."""
    return str(js.document.visibilityState) == "hidden"


def notify(title_text: str, text: str) -> None:
    """Shows a notification, if this page may. Several tabs that show the same one show it once."""
    if not js.Reflect.has(js.window, "Notification") or str(js.Notification.permission) != "granted":
        return
    js_options = js.Object.new()
    js_options.body = text
    js_options.tag = "uploads"
    js.uploadWorker.attempt(js.Reflect, "construct", js.Notification, js.Array.of(title_text, js_options))


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


class Work:
    """A generator that is gone through in steps, so that the page stays quick; a new one takes the place of one at work."""

    def __init__(self) -> None:
        self._steps: Any = None
        self._later = Later(self._go_on, 0)

    def begin(self, steps: "Any") -> None:
        """Goes through it, from now on."""
        self._steps = steps
        self._later.ask()

    def _go_on(self) -> None:
        end = now() + STEP
        for _ in self._steps:
            if now() >= end:
                self._later.ask()
                return


class Written:
    """What was last written where, so that nothing is written twice: touching the page is the costly part."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}

    def value(self, name: str) -> object:
        """The last value under a name, or None."""
        return self._values.get(name)

    def forget(self) -> None:
        """Everything is to be written again."""
        self._values.clear()

    def changed(self, name: str, value: object) -> bool:
        """Whether `value` differs from the last one under this name; it is remembered."""
        if name in self._values and self._values[name] == value:
            return False
        self._values[name] = value
        return True
