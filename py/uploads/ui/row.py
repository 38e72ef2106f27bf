"""One upload in the list."""

from uploads.ui import dom, view, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uploads.protocol import SessionSnapshot, UploadError, UploadProgress


class UploadRow:
    """The element `[data-upload-id]` of one upload, made from `<template id="upload-row">`."""

    def __init__(self, upload_id: str) -> None:
        self.js_element: Any = dom.clone("#upload-row")
        self.phase: str | None = None
        self.name = ""
        self.started_at = 0
        """Milliseconds since 1970: where the row stands in the list."""
        self.refusal = ""
        """Why the last command was refused; shown until the upload moves on."""
        self._name_id = "name-" + upload_id
        self._highest = 0.0
        self._written = dom.Written()
        self._js_name = dom.find(".name", self.js_element)
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

    def show(
        self, session: "SessionSnapshot", progress: "UploadProgress", error: "UploadError | None", engine: str
    ) -> str:
        """Brings the row up to date; returns what is worth announcing (see `words.happened`), or ""."""
        shown = view.row(session, progress, error, engine, self._highest)
        self._highest = shown["highest"]
        changed = self._written.changed
        if changed("full_name", shown["full_name"]):
            self.name = shown["full_name"]
            dom.set_text(self._js_name, shown["name"])
            dom.set_attribute(self._js_name, "title", self.name)
            dom.set_attribute(self._js_bar, "aria-label", "Progress of " + self.name)
        if changed("kind", shown["kind"]):
            dom.set_attribute(self._js_icon, "href", "#icon-" + shown["kind"])
        if changed("fraction", shown["fraction"]):
            dom.set_property(self._js_bar, "--fraction", shown["fraction"])
        if changed("percent", shown["percent"]):
            dom.set_attribute(self._js_bar, "aria-valuenow", str(shown["percent"]))
            dom.set_text(self._js_percent, f"{shown['percent']} %")
        if changed("value_text", shown["value_text"]):
            dom.set_attribute(self._js_bar, "aria-valuetext", shown["value_text"])
        if changed("state", shown["state"]):
            dom.set_text(self._js_state, shown["state"])
        if changed("numbers", shown["numbers"]):
            dom.set_text(self._js_numbers, shown["numbers"])
        if changed("phase", shown["phase"]):
            self.refusal = "" if self.phase else self.refusal
        note = self.refusal or shown["note"]
        if changed("note", note):
            dom.set_text(self._js_note, note)
            dom.set_shown(self._js_note, bool(note))
        if changed("alarm", shown["alarm"] or bool(self.refusal)):
            self.js_element.toggleAttribute("data-alarm", shown["alarm"] or bool(self.refusal))
        if changed("actions", (shown["actions"], shown["object_url"])):
            self._show_actions(shown["actions"], shown["object_url"])
        # Last, so that whoever waits for a status finds the row complete.
        if changed("status and phase", (shown["status"], shown["phase"])):
            dom.set_attribute(self.js_element, "data-phase", shown["phase"])
            dom.set_attribute(self.js_element, "data-status", shown["status"])
        before, self.phase = self.phase, shown["heard"]
        return words.happened(before, shown["heard"])

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
