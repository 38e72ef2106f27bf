"""What all uploads took, as a table, a sentence and a file. Pure functions of the engine's figures (`UPLOAD_FIGURES`)."""

from uploads.ui import format as fmt
from uploads.ui import panel_words as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_ROWS = 500
"""Rows of the table; the files have all."""
COLUMNS = (
    "uploadId",
    "fileName",
    "fileSize",
    "status",
    "startedAt",
    "endedAt",
    "seconds",
    "meanSpeed",
    "peakSpeed",
    "parts",
    "retries",
    "sentBytes",
    "resentBytes",
    "signingCalls",
)
"""Of the file, in their order: sizes in bytes, speeds in bytes per second, times in milliseconds since 1970."""
_DANGEROUS = "=+-@\t\r"


def table(rows: "list[dict[str, Any]]") -> "list[list[str]]":
    """The cells of the table: the name, then what it took."""
    return [
        [
            fmt.short_name(fmt.visible_name(row["fileName"])),
            fmt.size(row["fileSize"]),
            fmt.duration(row["seconds"]) if row["seconds"] else "",
            fmt.speed(row["meanSpeed"]),
            fmt.speed(row["peakSpeed"]),
            fmt.number(row["retries"]),
            fmt.size(row["resentBytes"]),
            fmt.number(row["signingCalls"]),
        ]
        for row in rows[:MOST_ROWS]
    ]


def summary(rows: "list[dict[str, Any]]") -> str:
    """All of it in one sentence."""
    size = sum([row["fileSize"] for row in rows])
    again = sum([row["resentBytes"] for row in rows])
    return words.statistics(len(rows), fmt.size(size), fmt.size(again))


def as_csv(rows: "list[dict[str, Any]]") -> str:
    """A CSV file (RFC 4180). No cell begins as a formula would: spreadsheets would run it."""
    lines = [",".join(COLUMNS)]
    lines += [",".join([_cell(row.get(name)) for name in COLUMNS]) for row in rows]
    return "\r\n".join(lines) + "\r\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    if isinstance(value, str) and text and text[0] in _DANGEROUS:
        text = "'" + text
    if any(letter in text for letter in ',"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text
