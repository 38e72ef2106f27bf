"""The demo's panel: levers on the simulated network, and what comes of them."""

from uploads.ui import demo_view, demo_words, dom
from uploads.ui import format as fmt
from uploads.ui.speech import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class DemoPanel:
    """The element `#demo`, made from `<template id="demo-panel">`.

    `turned(network)`: a person has moved a lever; `pressed(action)`: or pressed a button.
    """

    def __init__(self, turned: "Callable[[dict[str, Any]], None]", pressed: "Callable[[str], None]") -> None:
        self.js_element: Any = dom.clone("#demo-panel")
        self._turned = turned
        self._pressed = pressed
        self._wanted: dict[str, Any] | None = None
        self._written = dom.Written()
        self._js_controls = {name: dom.find(f"[name={name}]", self.js_element) for name in demo_view.CONTROLS}
        self._js_said = {
            name: dom.find(f"[data-said={name}]", self.js_element)
            for name in ("bandwidth", "latency", "loss")
        }
        self._js_counters = {
            name: dom.find(f"[data-counter={name}]", self.js_element) for name, _ in demo_words.COUNTERS
        }
        self._js_kept = dom.find("[data-counter=kept]", self.js_element)
        self._js_events = dom.find(".events", self.js_element)
        self._js_status = dom.find("[role=status]", self.js_element)
        self._js_make = dom.find("[data-demo=make]", self.js_element)
        dom.listen(self.js_element, "input", self._moved)
        dom.listen(self.js_element, "click", self._clicked)
        dom.find("#uploads").after(self.js_element)

    def show_network(self, network: "dict[str, Any]") -> None:
        """Brings the levers up to date with what is in force; not while what a person has just set is on its way there."""
        if self._wanted is not None and self._wanted != network:
            return
        self._wanted = None
        self._js_controls["bandwidth"].value = str(demo_view.position_of(network["bandwidth"]))
        self._js_controls["latency"].value = str(network["latency"])
        self._js_controls["loss"].value = str(network["loss"])
        for name in ("offline", "failing"):
            self._js_controls[name].checked = network[name]
        self._say(network)

    def show_state(self, history: "demo_view.History", kept: str) -> None:
        """What was counted, and what happened last."""
        for name, count in history.counters().items():
            if self._written.changed(name, count):
                dom.set_text(self._js_counters[name], fmt.number(count))
        if self._written.changed("kept", kept):
            dom.set_text(self._js_kept, kept)
        events = history.events() or [demo_words.NO_EVENTS]
        if self._written.changed("events", events):
            js_items = [dom.element("li", say(sentence)) for sentence in events]
            js_items.reverse()
            self._js_events.replaceChildren(*js_items)

    def say_anew(self) -> None:
        """All is to be written again, in another language."""
        self._written.forget()

    def show_making(self, making: bool) -> None:
        """Whether the file is being made."""
        dom.set_text(dom.find("span", self._js_make), say(demo_words.MAKE[making]))
        dom.set_enabled(self._js_make, not making)

    def announce(self, sentence: str) -> None:
        """Tells a screen reader what it would otherwise miss."""
        dom.set_text(self._js_status, sentence)

    def _read(self) -> "dict[str, Any]":
        controls = self._js_controls
        return {
            "bandwidth": demo_view.bandwidth_at(int(controls["bandwidth"].value)),
            "latency": int(controls["latency"].value),
            "loss": int(controls["loss"].value),
            "offline": bool(controls["offline"].checked),
            "failing": bool(controls["failing"].checked),
        }

    def _moved(self, _js_event: "Any") -> None:
        self._wanted = self._read()
        self._say(self._wanted)
        self._turned(self._wanted)

    def _clicked(self, js_event: "Any") -> None:
        js_button = dom.closest(js_event, "button[data-demo]")
        if js_button is not None:
            self._pressed(str(js_button.getAttribute("data-demo")))

    def _say(self, network: "dict[str, Any]") -> None:
        for name, words in demo_view.said(network).items():
            if self._written.changed("said " + name, words):
                dom.set_text(self._js_said[name], words)
                dom.set_attribute(self._js_controls[name], "aria-valuetext", words)
