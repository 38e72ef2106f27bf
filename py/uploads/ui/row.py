"""One upload in the list."""

from uploads.ui import dom, speech, view
from uploads.ui import format as fmt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class UploadRow:
    """The element `[data-upload-id]` of one upload, made from `<template id="upload-row">`."""

    def __init__(self, upload_id: str) -> None:
        self.js_element: Any = dom.clone("#upload-row")
        self.upload_id = upload_id
        self.name = ""
        self._name_id = "name-" + upload_id
        self._written = dom.Written()
        self._js_name = dom.find(".name", self.js_element)
        self.js_icon = dom.find(".icon", self.js_element)
        self._js_icon = dom.find(".icon use", self.js_element)
        self._js_bar = dom.find("[role=progressbar]", self.js_element)
        self._js_state = dom.find(".state", self.js_element)
        self._js_percent = dom.find(".percent", self.js_element)
        self._js_numbers = dom.find(".numbers", self.js_element)
        self._js_note = dom.find(".note", self.js_element)
        self._js_link = dom.find("a[data-object]", self.js_element)
        self._js_actions = dom.find(".actions", self.js_element)
        self._js_buttons: dict[str, Any] = {}
        for action in view.ALL:
            js_button = dom.find(f"[data-action={action}]", self.js_element)
            dom.set_attribute(js_button, "aria-describedby", self._name_id)
            js_button.remove()
            self._js_buttons[action] = js_button
        self._js_link.remove()
        dom.set_attribute(self._js_name, "id", self._name_id)
        dom.set_attribute(self._js_link, "aria-describedby", self._name_id)
        dom.set_attribute(self.js_element, "data-upload-id", upload_id)

    def stand(self, above: int, place: int, places: int) -> None:
        """Where the row stands in a long list: the pixels of the rows above that are not in the page, and the how manieth of

        how many it is; 0 where all rows are in the page.
        """
        if self._written.changed("above", above):
            dom.set_property(self.js_element, "--above", f"{above}px")
        if self._written.changed("place", place) and place:
            dom.set_attribute(self.js_element, "aria-posinset", str(place))
        if self._written.changed("places", places) and place:
            dom.set_attribute(self.js_element, "aria-setsize", str(places))
        if not place:
            self.js_element.removeAttribute("aria-posinset")
            self.js_element.removeAttribute("aria-setsize")

    def show(self, shown: "dict[str, Any]", refusal: str) -> None:
        """Brings the row up to date with what `view.row` says; `refusal`: why the last command was refused."""
        changed = self._written.changed
        if changed("full_name", shown["full_name"]):
            self.name = shown["full_name"]
            dom.set_text(self._js_name, shown["name"])
            dom.set_attribute(self._js_name, "title", self.name)
            dom.set_attribute(self._js_bar, "aria-label", speech.say("Progress of {}", self.name))
        if changed("kind", shown["kind"]):
            dom.set_attribute(self._js_icon, "href", "#icon-" + shown["kind"])
        if changed("fraction", shown["fraction"]):
            dom.set_property(self._js_bar, "--fraction", shown["fraction"])
        if changed("percent", shown["percent"]):
            dom.set_attribute(self._js_bar, "aria-valuenow", str(shown["percent"]))
            dom.set_text(self._js_percent, fmt.share(shown["percent"]))
        if changed("value_text", shown["value_text"]):
            dom.set_attribute(self._js_bar, "aria-valuetext", shown["value_text"])
        if changed("state", shown["state"]):
            dom.set_text(self._js_state, shown["state"])
        if changed("numbers", shown["numbers"]):
            dom.set_text(self._js_numbers, shown["numbers"])
        note = refusal or shown["note"]
        if changed("note", note):
            dom.set_text(self._js_note, note)
            dom.set_shown(self._js_note, bool(note))
        if changed("alarm", shown["alarm"] or bool(refusal)):
            self.js_element.toggleAttribute("data-alarm", shown["alarm"] or bool(refusal))
        if changed("actions", (shown["actions"], shown["object_url"])):
            self._show_actions(shown["actions"], shown["object_url"])
        # Last, so that whoever waits for a status finds the row complete.
        if changed("status and phase", (shown["status"], shown["phase"])):
            dom.set_attribute(self.js_element, "data-phase", shown["phase"])
            dom.set_attribute(self.js_element, "data-status", shown["status"])

    def _show_actions(self, actions: "tuple[str, ...]", object_url: str) -> None:
        """Puts the buttons there that make sense; the keyboard stays in the row when its button goes."""
        focused = dom.has_focus(self._js_actions)
        js_wanted = [self._js_buttons[action] for action in actions]
        if object_url:
            dom.set_attribute(self._js_link, "href", object_url)
            if object_url.startswith("blob:"):  # no server names what is downloaded
                dom.set_attribute(self._js_link, "download", self.name)
            js_wanted.insert(0, self._js_link)
        self._js_actions.replaceChildren(*js_wanted)
        if focused and js_wanted:
            js_wanted[0].focus()
