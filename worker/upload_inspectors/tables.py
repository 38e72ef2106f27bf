"""Are these the columns, and is in them what ought to be there? CSV files row by row, Parquet files by their schema.

An entry of the configuration:

    [[uploads.inspectors]]
    match = [".csv", ".parquet"]
    callable = "upload_inspectors.tables:inspect"
    options = { columns = { order = "integer", day = "date", amount = "number" }, optional = { note = "text" } }
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime

from upload_inspectors.files import InspectedFile
from upload_inspectors.parquet import NotParquet, read_schema
from upload_inspectors.verdict import Verdict, accept, reject

LONGEST_CELL = 40
"""Characters of a cell that are repeated to a person."""
FIELD_LIMIT = 1024 * 1024
"""Characters of a cell: a quote that is never closed is not to take the rest of the file for one."""


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").removeprefix("+").isdecimal()


def _is_number(text: str) -> bool:
    try:
        return "_" not in text and float(text) == float(text)
    except ValueError:
        return False


def _reads(read: Callable[[str], object]) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return fits


KINDS: dict[str, tuple[Callable[[str], bool], str]] = {
    "text": (lambda _: True, "text"),
    "integer": (_is_integer, "a whole number"),
    "number": (_is_number, "a number"),
    "date": (_reads(date.fromisoformat), "a date such as 2026-11-29"),
    "datetime": (_reads(datetime.fromisoformat), "a date and time such as 2026-11-29T13:45:00"),
    "boolean": (lambda text: text.lower() in ("true", "false"), "true or false"),
}
"""By name: whether a cell fits, and what it ought to be, in words. Dates and times: ISO 8601."""


def inspect(
    file: InspectedFile,
    *,
    columns: Mapping[str, str],
    optional: Mapping[str, str] | None = None,
    others: bool = False,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
    most_problems: int = 3,
) -> Verdict:
    """columns, optional: names and kinds (`KINDS`) of the columns that have to be there, and that may be; cells of optional

    ones may be empty. others: whether there may be more. The metadata tell the rows. Raises ValueError for an unknown kind.
    """
    wanted = {**columns, **(optional or {})}
    for name, kind in wanted.items():
        if kind not in KINDS:
            raise ValueError(f"the column {name} is of no known kind: {kind!r} is none of {', '.join(KINDS)}")
    if file.read(4) == b"PAR1":
        return _inspect_parquet(file, columns, wanted, others)
    file.seek(0)
    rows = _Rows(file, delimiter, encoding)
    problems: list[str] = []
    try:
        header = rows.header()
        if complaint := _complaint(header, columns, wanted, others):
            return reject(complaint)
        for problem in _problems(rows, header, wanted, optional or {}):
            problems.append(problem)
            if len(problems) == most_problems:
                problems.append("There may be more.")
                break
    except UnicodeDecodeError:
        return reject(
            f"The text is not {encoding.removesuffix('-sig').upper()}: near row {rows.number + 2} there is something else."
        )
    except csv.Error as error:
        return reject(f"Row {rows.number + 2} cannot be read as CSV: {error}.")
    return reject(" ".join(problems)) if problems else accept({"rows": str(rows.filled)})


class _Rows:
    """The rows of a CSV file. number: of the one that was read last, the header not counted; filled: those that are not empty."""

    def __init__(self, file: InspectedFile, delimiter: str, encoding: str) -> None:
        csv.field_size_limit(FIELD_LIMIT)
        text = io.TextIOWrapper(file, encoding=encoding, newline="")
        self._reader = csv.reader(text, delimiter=delimiter, strict=True)
        self.number = self.filled = 0
        self._header: list[str] = []

    def header(self) -> list[str]:
        self._header = [name.strip() for name in next(self._reader, [])]
        return self._header

    def __iter__(self) -> Iterator[list[str]]:
        for row in self._reader:
            self.number += 1
            if row:
                self.filled += 1
                yield row


def _complaint(
    header: Sequence[str], columns: Mapping[str, str], wanted: Mapping[str, str], others: bool
) -> str:
    if not header:
        return "The file is empty: its first row has to name the columns."
    if missing := [name for name in columns if name not in header]:
        return f"{_named(missing)} missing. The first row has {', '.join(header)[:200]}."
    if more := [name for name in header if name not in wanted]:
        return "" if others else f"{_named(more)} not expected."
    if twice := {name for name in header if header.count(name) > 1}:
        return f"{_named(sorted(twice))} there twice."
    return ""


def _named(names: Sequence[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names[:5])
    return f"The column {listed} is" if len(names) == 1 else f"The columns {listed} are"


def _problems(
    rows: _Rows, header: Sequence[str], wanted: Mapping[str, str], optional: Mapping[str, str]
) -> Iterator[str]:
    checks = [(place, name, *KINDS[wanted[name]]) for place, name in enumerate(header) if name in wanted]
    checks = [check for check in checks if wanted[check[1]] != "text" or check[1] not in optional]
    for row in rows:
        if len(row) != len(header):
            yield f"Row {rows.number + 1} has {len(row)} columns, not {len(header)}."
            continue
        for place, name, fits, expected in checks:
            cell = row[place]
            if not cell:
                if name not in optional:
                    yield f'Row {rows.number + 1}, column "{name}": it is empty.'
            elif not fits(cell):
                yield f'Row {rows.number + 1}, column "{name}": "{cell[:LONGEST_CELL]}" is not {expected}.'


_PARQUET = {
    "text": ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"),
    "integer": ("INT32", "INT64"),
    "number": ("INT32", "INT64", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"),
    "date": ("INT32",),
    "datetime": ("INT64", "INT96"),
    "boolean": ("BOOLEAN",),
}
"""The physical types that a column of a kind may have; decimals are stored in all of those of numbers."""


def _inspect_parquet(
    file: InspectedFile, columns: Mapping[str, str], wanted: Mapping[str, str], others: bool
) -> Verdict:
    try:
        schema, rows = read_schema(file)
    except NotParquet as error:
        return reject(f"The file is no Parquet file that can be read: {error}.")
    if complaint := _complaint(list(schema), columns, wanted, others):
        return reject(complaint.replace("The first row has", "The file has"))
    for name, found in schema.items():
        if name in wanted and found not in _PARQUET[wanted[name]]:
            return reject(f'The column "{name}" is of type {found}; it ought to be {KINDS[wanted[name]][1]}.')
    return accept({"rows": str(rows)})
