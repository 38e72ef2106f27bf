"""The list of uploads. Of a long one, only the rows near the window are in the page, the others are a gap of their height."""

from uploads.ui import dom
from uploads.ui.heights import Heights
from uploads.ui.row import UploadRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ALL_UP_TO = 40
"""So many rows are always all in the page, where the browser's own search finds them."""
MARGIN = 700
"""CSS pixels above and below the window in which rows are kept ready."""
GAP = 10
"""CSS pixels between two rows, as in page.css."""
FRAME = 16
"""Milliseconds after a scroll, or after a step of many."""


class UploadList:
    """`#uploads`. `fill(row)`: brings a row that has just come into the page up to date. Whoever has changed the list calls

    `update`.
    """

    def __init__(self, fill: "Callable[[UploadRow], None]") -> None:
        self.js_element: Any = dom.find("#uploads")
        self._fill = fill
        self._order: list[str] = []
        self._ranks: dict[str, float] = {}
        self._rows: dict[str, UploadRow] = {}
        self._measured: dict[str, int] = {}
        self._places: dict[str, int] = {}  # of the rows in the page
        self._heights = Heights()
        self._is_counted = True  # whether `_heights` is of `_order`
        self._written = dom.Written()
        self._later = dom.Later(self.update, FRAME)
        dom.listen_to_scrolling(lambda _js_event: self._later.ask())

    def __contains__(self, upload_id: str) -> bool:
        return upload_id in self._ranks

    def __len__(self) -> int:
        return len(self._order)

    def row(self, upload_id: str) -> "UploadRow | None":
        """An upload's row, if it is in the page."""
        return self._rows.get(upload_id)

    def rows(self) -> "list[str]":
        """Whose rows are in the page."""
        return list(self._rows)

    def first(self, is_wanted: "Callable[[str], bool]") -> "str | None":
        """The uppermost upload that is wanted."""
        return next((upload_id for upload_id in self._order if is_wanted(upload_id)), None)

    def above(self, upload_id: str) -> str:
        """What stands above it; itself, where it is the first."""
        index = self._order.index(upload_id)
        return self._order[max(0, index - 1)]

    def after_next(self, upload_id: str) -> "str | None":
        """What stands behind the one below it; None at the end, itself where nothing is below."""
        index = self._order.index(upload_id)
        if index + 1 == len(self._order):
            return upload_id
        return self._order[index + 2] if index + 2 < len(self._order) else None

    def place(self, upload_id: str) -> int:
        """The how manieth it is."""
        return self._order.index(upload_id) + 1

    def put(self, upload_id: str, rank: float) -> None:
        """An upload comes into the list, or stands elsewhere in it: the lowest rank first."""
        known = self._ranks.get(upload_id)
        if known == rank:
            return
        order = self._order
        if known is not None:
            order.remove(upload_id)
            self._is_counted = False
        self._ranks[upload_id] = rank
        if not order or self._ranks[order[-1]] <= rank:
            order.append(upload_id)
            if self._is_counted:
                self._heights.append()
        else:
            order.insert(self._place(rank), upload_id)
            self._is_counted = False

    def _place(self, rank: float) -> int:
        """Behind whatever has the same rank."""
        low, high = 0, len(self._order)
        while low < high:
            middle = (low + high) // 2
            if self._ranks[self._order[middle]] <= rank:
                low = middle + 1
            else:
                high = middle
        return low

    def remove(self, upload_id: str) -> bool:
        """Takes an upload off the list; whether the keyboard was in its row."""
        if upload_id not in self._ranks:
            return False
        del self._ranks[upload_id]
        self._order.remove(upload_id)
        self._measured.pop(upload_id, None)
        self._is_counted = False
        return self._take_out(upload_id)

    def renew(self) -> None:
        """Has all rows made anew, with other words."""
        for upload_id in list(self._rows):
            self._take_out(upload_id)
        self._measured = {}
        self._is_counted = False

    def _take_out(self, upload_id: str) -> bool:
        row = self._rows.pop(upload_id, None)
        if row is None:
            return False
        focused = dom.has_focus(row.js_element)
        row.js_element.remove()
        return focused

    # The window.

    def update(self) -> None:
        """Brings in the rows that have come near the window, and takes out those that are far from it. Takes many steps for
        many rows.
        """
        self._measure()
        wanted = self._wanted()
        self._places = {upload_id: index for index, upload_id in wanted}
        for upload_id in list(self._rows):
            if upload_id not in self._places:
                self._take_out(upload_id)
        js_focused = dom.focused_in(self.js_element, "button, a")
        end = dom.now() + dom.STEP
        is_settled = True
        js_before = None
        shown = []
        for index, upload_id in wanted:
            row = self._rows.get(upload_id)
            if row is None and dom.now() >= end:
                is_settled = False
                continue
            if row is None:
                row = self._rows[upload_id] = UploadRow(upload_id)
                self._fill(row)
                # In a long list it is to be measured.
                is_settled = is_settled and len(self._order) <= ALL_UP_TO
            dom.place_after(self.js_element, js_before, row.js_element)
            js_before = row.js_element
            shown.append((index, row))
        if js_focused is not None and not dom.has_focus(js_focused):
            js_focused.focus()  # a row that is moved loses the keyboard
        self._leave_gaps(shown)
        if not is_settled:
            self._later.ask()

    def _measure(self) -> None:
        """What is in the page tells how high rows are."""
        is_new = not self._measured
        changed = []
        for upload_id, row in self._rows.items():
            height = dom.height_of(row.js_element) + GAP
            if height > GAP and self._measured.get(upload_id) != height:
                self._measured[upload_id] = height
                changed.append(upload_id)
        if is_new and changed:
            self._heights.usual = self._measured[changed[0]]
        if not self._is_counted or (is_new and changed):
            self._heights.reset([self._measured.get(upload_id) for upload_id in self._order])
            self._is_counted = True
        elif changed and len(self._order) > ALL_UP_TO:
            for upload_id in changed:
                self._heights.measured(self._places[upload_id], self._measured[upload_id])

    def _wanted(self) -> "list[tuple[int, str]]":
        """The rows that should be in the page, with their places."""
        if len(self._order) <= ALL_UP_TO:
            return list(enumerate(self._order))
        top, bottom = dom.visible_band(self.js_element)
        first, last = self._heights.index_at(top - MARGIN), self._heights.index_at(bottom + MARGIN)
        wanted = [(index, self._order[index]) for index in range(first, last + 1)]
        js_focused = dom.focused_in(self.js_element, "[data-upload-id]")
        if js_focused is not None:  # the keyboard stays where it is, however far away that is
            focused = str(js_focused.getAttribute("data-upload-id"))
            index = self._order.index(focused)
            if index < first:
                wanted.insert(0, (index, focused))
            elif index > last:
                wanted.append((index, focused))
        return wanted

    def _leave_gaps(self, shown: "list[tuple[int, UploadRow]]") -> None:
        is_long = len(self._order) > ALL_UP_TO
        if not is_long and not self._written.value("long"):
            return
        heights, after = self._heights, 0
        for index, row in shown:
            above = heights.top(index) - heights.top(after) if is_long else 0
            row.stand(above, index + 1 if is_long else 0, len(self._order))
            after = index + 1
        below = heights.total - heights.top(after) if is_long else 0
        if self._written.changed("below", below):
            dom.set_property(self.js_element, "--below", f"{below}px")
        if self._written.changed("long", is_long):
            self.js_element.toggleAttribute("data-long", is_long)
