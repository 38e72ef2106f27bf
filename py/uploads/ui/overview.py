"""The bar above the list: all uploads together, and what can be done with all of them."""

from uploads.ui import dom, view, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploads.client.tally import Tally


class Overview:
    """The element `#overview`, shown from the second upload on, and the tab's title."""

    def __init__(self) -> None:
        self.js_element: Any = dom.find("#overview")
        self._js_bar = dom.find("[role=progressbar]", self.js_element)
        self._js_state = dom.find(".state", self.js_element)
        self._js_numbers = dom.find(".numbers", self.js_element)
        self._js_buttons = {
            name: dom.find(f"[data-action={name}]", self.js_element)
            for name in ("pause_all", "resume_all", "cancel_all")
        }
        self._js_hide = dom.find("[data-action=hide_finished]", self.js_element)
        self._title = dom.title()
        self._written = dom.Written()

    def say_anew(self) -> None:
        """Another language is spoken: all is to be written again."""
        self._written.forget()

    def show(self, tally: "Tally", is_hiding: bool) -> None:
        """Brings the bar and the title up to date. `is_hiding`: finished uploads are out of sight."""
        shown = view.overall(tally)
        changed = self._written.changed
        title = words.title(self._title, shown["active"], shown["percent"])
        if changed("title", title):
            dom.set_title(title)
        is_shown = shown["shown"] or (is_hiding and shown["finished"] > 0)  # or nobody could show them again
        if changed("shown", is_shown):
            dom.set_shown(self.js_element, is_shown)
        if not is_shown:
            return
        if changed("percent", shown["percent"]):
            dom.set_attribute(self._js_bar, "aria-valuenow", str(shown["percent"]))
            dom.set_property(self._js_bar, "--fraction", shown["fraction"])
        if changed("state", shown["state"]):
            dom.set_text(self._js_state, shown["state"])
        if changed("numbers", shown["numbers"]):
            dom.set_text(self._js_numbers, shown["numbers"])
        label = words.hide_finished(is_hiding, shown["finished"])
        if changed("hide_finished", (label, shown["finished"] > 0)):
            dom.set_text(dom.find("span", self._js_hide), label)
            dom.set_attribute(self._js_hide, "aria-pressed", "true" if is_hiding else "false")
            dom.set_enabled(self._js_hide, shown["finished"] > 0 or is_hiding)
        for name, js_button in self._js_buttons.items():
            if changed(name, shown[name]):
                dom.set_enabled(js_button, shown[name])
