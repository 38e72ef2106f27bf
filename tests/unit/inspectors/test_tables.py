"""Tables whose columns or cells are not as they ought to be are refused with row and column in words (ACCEPTANCE X5)."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upload_inspectors.parquet import TYPES, NotParquet, read_schema
from upload_inspectors.tables import inspect

from tests.unit.inspectors.memory import a_file
from tests.unit.inspectors.parquet_file import parquet_file

COLUMNS = {"order": "integer", "day": "date", "amount": "number"}
GOOD = "order,day,amount\n1,2026-11-29,2.50\n2,2026-11-30,-3\n"


def look(text: str, **options: Any) -> str:
    return inspect(a_file(text.encode()), **{"columns": COLUMNS, **options}).reason


def test_a_good_one_is_taken_and_counted() -> None:
    verdict = inspect(a_file(GOOD.encode()), columns=COLUMNS)
    assert (verdict.reason, verdict.metadata) == ("", {"rows": "2"})
    assert inspect(a_file(("\ufeff" + GOOD + "\n").encode()), columns=COLUMNS).metadata == {"rows": "2"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The file is empty"),
        ("order,day\n", 'The column "amount" is missing. The first row has order, day.'),
        ("order\n", 'The columns "day", "amount" are missing.'),
        ("order,day,amount,x\n", 'The column "x" is not expected.'),
        ("order,day,amount,day\n", 'The column "day" is there twice.'),
        (GOOD + "x,2026-11-29,1\n", 'Row 4, column "order": "x" is not a whole number.'),
        (GOOD + "1,29.11.2026,1\n", 'Row 4, column "day": "29.11.2026" is not a date such as 2026-11-29.'),
        (GOOD + '1,2026-11-29,"1,5"\n', 'Row 4, column "amount": "1,5" is not a number.'),
        (GOOD + "1,2026-11-29,nan\n", 'column "amount": "nan" is not a number.'),
        (GOOD + "1,2026-11-29,1_000\n", 'column "amount": "1_000" is not a number.'),
        (GOOD + ",2026-11-29,1\n", 'Row 4, column "order": it is empty.'),
        (GOOD + "1,2026-11-29\n", "Row 4 has 2 columns, not 3."),
        (GOOD + "a,b,c\nd,e,f\n", "There may be more."),
        (GOOD + '1,"2026', "Row 4 cannot be read as CSV"),
    ],
)
def test_a_bad_one_is_refused_in_words(text: str, words: str) -> None:
    assert words in look(text)


def test_other_kinds_and_columns_that_need_not_be_there() -> None:
    columns = {"at": "datetime", "done": "boolean"}
    text = "at;done;note;more\n2026-11-29T13:45:00Z;TRUE;;x\n2026-11-29;maybe;;x\n"
    found = look(text, columns=columns, optional={"note": "text"}, delimiter=";", others=True)
    assert found == 'Row 3, column "done": "maybe" is not true or false.'
    assert look("a\n\xe4\n".encode("latin-1").decode("latin-1"), columns={"a": "text"}) == ""
    refused = inspect(a_file("a\n\xe4\n".encode("latin-1")), columns={"a": "text"}).reason
    assert "The text is not UTF-8" in refused
    assert (
        inspect(a_file("a\n\xe4\n".encode("latin-1")), columns={"a": "text"}, encoding="latin-1").reason == ""
    )


def test_an_unknown_kind_is_the_sites_own_mistake() -> None:
    with pytest.raises(ValueError, match="the column a is of no known kind: 'money'"):
        look("a\n1\n", columns={"a": "money"})


def test_a_quote_that_is_never_closed_takes_no_more_than_its_share() -> None:
    assert "cannot be read as CSV" in look(GOOD + '1,"' + "x" * 3_000_000)


def test_parquet_files_are_told_by_their_schema() -> None:
    content = parquet_file([("order", "INT64"), ("day", "INT32"), ("amount", "DOUBLE")], rows=7)
    verdict = inspect(a_file(content), columns=COLUMNS)
    assert (verdict.reason, verdict.metadata) == ("", {"rows": "7"})
    wrong = parquet_file([("order", "BYTE_ARRAY"), ("day", "INT32"), ("amount", "DOUBLE")], rows=7)
    assert inspect(a_file(wrong), columns=COLUMNS).reason == (
        'The column "order" is of type BYTE_ARRAY; it ought to be a whole number.'
    )
    assert 'The columns "day", "amount" are missing. The file has order' in (
        inspect(a_file(parquet_file([("order", "INT64")], rows=1)), columns=COLUMNS).reason
    )


def test_columns_of_columns() -> None:
    schema, rows = read_schema(
        io.BytesIO(parquet_file([("a", [("b", "INT32"), ("c", [("d", "FLOAT")])]), ("e", "BOOLEAN")], rows=1))
    )
    assert (schema, rows) == ({"a": "GROUP", "e": "BOOLEAN"}, 1)


@given(st.data())
def test_a_damaged_parquet_file_is_refused(data: st.DataObject) -> None:
    content = bytearray(parquet_file([("order", "INT64"), ("day", "INT32")], rows=7))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NotParquet):
        schema, _ = read_schema(io.BytesIO(bytes(content[: data.draw(st.integers(0, len(content)))])))
        assert all(kind == "GROUP" or kind in TYPES for kind in schema.values())
