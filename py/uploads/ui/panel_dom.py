"""What only dialogs need of the browser: a `<dialog>`, selects, tables and lists, files to save, notifications. A JavaScript edge,

like `dom`, and under its rules.
"""

import js

from uploads.client.link import attempt
from uploads.ui import dom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def show_dialog(js_dialog: "Any") -> None:
    """Puts a new `<dialog>` on the page, above all else."""
    js.document.body.append(js_dialog)
    js.uploadWorker.attempt(js_dialog, "showModal")


def is_outside(js_event: "Any", js_element: "Any") -> bool:
    """Whether a click on an element was beside it: on what a dialog covers."""
    if not dom.same(js_event.target, js_element):
        return False
    js_box = js_element.getBoundingClientRect()
    x, y = float(js_event.clientX), float(js_event.clientY)
    inside = float(js_box.left) <= x <= float(js_box.right) and float(js_box.top) <= y <= float(js_box.bottom)
    return not inside


def fill_select(js_select: "Any", options: "list[tuple[str, str, bool]]") -> None:
    """Gives a `<select>` its options: `(value, text, whether it is selected)`."""
    js_select.replaceChildren()
    for value, text, is_selected in options:
        js_option = dom.element("option", text)
        js_option.value = value
        js_option.selected = is_selected
        js_select.append(js_option)


def fill_definitions(js_list: "Any", names: "list[str]", long: "list[str]") -> "list[Any]":
    """Gives a `<dl>` these terms, `long`: those whose values are; the elements of their values, in the same order."""
    js_list.replaceChildren()
    js_values = []
    for name in names:
        js_group = dom.element("div", "")
        js_value = dom.element("dd", "")
        js_group.append(dom.element("dt", name), js_value)
        js_group.classList.toggle("long", name in long)
        js_list.append(js_group)
        js_values.append(js_value)
    return js_values


def fill_list(js_list: "Any", texts: "list[str]") -> None:
    """Gives a list these items."""
    js_list.replaceChildren(*[dom.element("li", text) for text in texts])


def fill_cells(js_parent: "Any", count: int) -> "list[Any]":
    """Gives an element so many empty children, and returns them."""
    js_cells = [dom.element("i", "") for _ in range(count)]
    js_parent.replaceChildren(*js_cells)
    return js_cells


def fill_table(js_body: "Any", rows: "list[list[str]]") -> None:
    """Gives a `<tbody>` these rows, whose first cells are their headings."""
    js_body.replaceChildren()
    for cells in rows:
        js_row = dom.element("tr", "")
        js_heading = dom.element("th", cells[0])
        js_heading.scope = "row"
        js_row.append(js_heading, *[dom.element("td", text) for text in cells[1:]])
        js_body.append(js_row)


def ask_to_notify(answered: "Callable[[bool], None]") -> None:
    """Asks the person, in answer to a click, whether this page may show notifications."""
    if not js.Reflect.has(js.window, "Notification"):
        answered(False)
        return
    attempt(
        lambda permission: answered(permission == "granted"),
        lambda *_: answered(False),
        js.Notification,
        "requestPermission",
    )


def save_file(name: str, content_type: str, text: str) -> None:
    """Gives the person a file to save."""
    js_options = js.Object.new()
    js_options.type = content_type
    js_link = js.document.createElement("a")
    js_link.href = js.URL.createObjectURL(js.Blob.new(js.Array.of(text), js_options))
    js_link.download = name
    js_link.click()
    dom.Later(lambda: js.URL.revokeObjectURL(js_link.href), 60_000).ask()


def clock_time(milliseconds: float) -> str:
    """A moment since 1970 as the time of day."""
    return str(js.Date.new(float(milliseconds)).toLocaleTimeString(dom.js_root.lang))
