"""The bar above the list: all uploads together, and what can be done with all of them."""

from uploads.ui import dom, view, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uploads.protocol import SessionSnapshot, UploadProgress


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
        self._title = dom.title()
        self._written = dom.Written()

    def show(
        self, sessions: "Mapping[str, SessionSnapshot]", progress: "Mapping[str, UploadProgress]"
    ) -> None:
        """Brings the bar and the title up to date."""
        shown = view.overall(sessions, progress)
        changed = self._written.changed
        title = words.title(self._title, shown["active"], shown["percent"])
        if changed("title", title):
            dom.set_title(title)
        if changed("shown", shown["shown"]):
            dom.set_shown(self.js_element, shown["shown"])
        if not shown["shown"]:
            return
        if changed("percent", shown["percent"]):
            dom.set_attribute(self._js_bar, "aria-valuenow", str(shown["percent"]))
            dom.set_property(self._js_bar, "--fraction", shown["fraction"])
        if changed("state", shown["state"]):
            dom.set_text(self._js_state, shown["state"])
        if changed("numbers", shown["numbers"]):
            dom.set_text(self._js_numbers, shown["numbers"])
        for name, js_button in self._js_buttons.items():
            if changed(name, shown[name]):
                dom.set_enabled(js_button, shown[name])
