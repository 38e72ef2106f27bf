"""What all uploads took: a table, and the same to save."""

import json

from uploads.ui import dom, panel_dom, statistics_view
from uploads.ui.dialog import Dialog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploads.client import UploadClient


class Statistics:
    """Open as long as it exists; `closed()` is called once."""

    def __init__(self, client: "UploadClient", closed: "Callable[[], None]") -> None:
        self._closed = closed
        self._rows: list[dict[str, Any]] = []
        self._dialog = Dialog("#statistics-dialog", self._gone)
        dom.listen(self._dialog.js_element, "click", self._clicked)
        self._end = client.subscribe(self._changed)
        client.ask_figures()

    def _gone(self) -> None:
        self._end()
        self._closed()

    def refresh(self) -> None:
        """Another language may be spoken."""
        dom.set_text(self._dialog.find(".sum"), statistics_view.summary(self._rows))
        panel_dom.fill_table(self._dialog.find("tbody"), statistics_view.table(self._rows))

    def _changed(self, change: "dict[str, Any]") -> None:
        if change["type"] == "figures":
            self._rows = json.loads(change["figures"])
            self.refresh()

    def _clicked(self, js_event: "Any") -> None:
        js_button = dom.closest(js_event, "button[data-export]")
        if js_button is None:
            return
        if str(js_button.getAttribute("data-export")) == "csv":
            panel_dom.save_file("uploads.csv", "text/csv", statistics_view.as_csv(self._rows))
        else:
            panel_dom.save_file("uploads.json", "application/json", json.dumps(self._rows))
