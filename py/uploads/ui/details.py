"""The details of one upload: its figures, its speed over time, its parts and its story, as long as the dialog is open."""

from uploads.client import ClientError
from uploads.ui import details_view, dom, panel_dom, plot, view
from uploads.ui import format as fmt
from uploads.ui import panel_words as words
from uploads.ui.dialog import Dialog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploads.client import UploadClient


class Details:
    """Open as long as it exists; `closed()` is called once. `ask_for_one(take)`: opens a picker for one file."""

    def __init__(
        self,
        client: "UploadClient",
        upload_id: str,
        ask_for_one: "Callable[[Callable[[Any], None]], None]",
        closed: "Callable[[], None]",
    ) -> None:
        self._client = client
        self._upload_id = upload_id
        self._closed = closed
        self._details: dict[str, Any] | None = None
        self._cells: list[str] = []
        self._js_cells: list[Any] = []
        self._written = dom.Written()
        self._dialog = Dialog("#details-dialog", self._gone)
        find = self._dialog.find
        self._js_facts, self._js_parts, self._js_story = find(".facts-of"), find(".parts"), find(".story")
        self._js_state, self._js_note = find(".state"), find(".note")
        self._js_compare, self._js_verdict = find(".compare"), find(".verdict")
        self._verdict: tuple[str, float | None] | None = None
        dom.listen(find("[data-compare]"), "click", lambda _js_event: ask_for_one(self._compare))
        self._js_plot = find(".plot")
        js_keys = [find(f".key-{name}") for name in ("speed", "requests", "retries")]
        self._plot = plot.Plot(self._js_plot, [str(js_key.textContent) for js_key in js_keys], js_keys)
        dom.set_text(find("bdi"), fmt.visible_name(client.active_uploads[upload_id]["file_name"]))
        self._end = client.subscribe(self._changed)
        self._show()
        client.watch_upload(upload_id)

    def _gone(self) -> None:
        self._end()
        try:
            self._client.watch_upload(None)
        except ClientError:
            pass
        self._closed()

    def refresh(self) -> None:
        """Another language may be spoken."""
        self._written.forget()
        self._show()
        self._show_verdict()
        if self._details is not None:
            self._show_details(self._details)

    def _changed(self, change: "dict[str, Any]") -> None:
        if change["upload_id"] != self._upload_id:
            return
        if change["type"] in ("removed", "replaced"):
            self._dialog.js_element.close()
        elif change["type"] == "details":
            self._details = change["details"]
            self._show()
            self._show_details(change["details"])
        elif change["type"] == "verified":
            self._verdict = (change["verdict"], change["checked"])
            self._show_verdict()
        elif change["type"] == "upload":
            self._show()

    def _compare(self, js_file: "Any") -> None:
        try:
            self._client.verify_upload(self._upload_id, js_file)
        except ClientError as error:
            dom.set_text(self._js_verdict, str(error))

    def _show_verdict(self) -> None:
        if self._verdict is not None:
            dom.set_text(self._js_verdict, words.verdict(*self._verdict))
            dom.set_attribute(self._js_verdict, "data-verdict", self._verdict[0])

    def _show(self) -> None:
        client, upload_id = self._client, self._upload_id
        session = client.active_uploads[upload_id]
        error = client.upload_errors.get(upload_id)
        shown = view.row(session, client.upload_progress[upload_id], error, client.engine)
        changed = self._written.changed
        state = " · ".join([text for text in (shown["state"], shown["numbers"]) if text])
        if changed("state", state):
            dom.set_text(self._js_state, state)
        if changed("note", shown["note"]):
            dom.set_text(self._js_note, shown["note"])
            dom.set_shown(self._js_note, bool(shown["note"]))
        if changed("completed", session["status"] == "completed"):
            dom.set_shown(self._js_compare, session["status"] == "completed")
        facts = details_view.facts(session, self._details, error)
        names = [name for name, _ in facts]
        is_new = changed("names", names)
        if is_new:
            self._js_values = panel_dom.fill_definitions(self._js_facts, names, details_view.long_facts())
        for index, (name, value) in enumerate(facts):
            if changed("fact " + name, value) or is_new:
                dom.set_text(self._js_values[index], value)

    def _show_details(self, details: "dict[str, Any]") -> None:
        text = details_view.parts_text(details["parts"])
        if self._written.changed("parts", text):
            dom.set_attribute(self._js_parts, "aria-label", text)
        self._show_cells(details_view.cells(details["parts"]))
        if self._written.changed("story", details["story"]):
            panel_dom.fill_list(self._js_story, details_view.story(details["story"], panel_dom.clock_time))
        if self._written.changed("samples", details["samples"]):
            figures = details["figures"]
            told = details_view.plot_text(figures["mean_speed"], figures["peak_speed"])
            dom.set_attribute(self._js_plot, "aria-label", told)
            data = details_view.series(details["samples"])
            plot.load(lambda: self._plot.show(data))

    def _show_cells(self, cells: "list[str]") -> None:
        if len(cells) != len(self._cells):
            self._js_cells = panel_dom.fill_cells(self._js_parts, len(cells))
            self._cells = [""] * len(cells)
        for index, letter in enumerate(cells):
            if letter != self._cells[index]:
                self._cells[index] = letter
                dom.set_attribute(self._js_cells[index], "data-state", letter.lower())
                self._js_cells[index].toggleAttribute("data-again", letter != letter.lower())
