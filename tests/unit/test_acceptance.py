"""The list of what must be true and the tests agree: every line is cited, and no citation points nowhere."""

from __future__ import annotations

import re
from pathlib import Path

from tests import fault_rows

TESTS = Path(__file__).parents[1]
TEXT = (TESTS / "ACCEPTANCE.md").read_text(encoding="utf-8")
LINES = set(re.findall(r"^- ([A-FHK-RU-X]\d+)\.", TEXT, re.MULTILINE))


def cited() -> set[str]:
    """What the tests' docstrings and comments cite, ranges such as B1-B4 spelled out."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        for letter, first, last in re.findall(r"\b([A-FHK-RU-X])(\d+)(?:-\1?(\d+))?\b", text):
            found |= {f"{letter}{number}" for number in range(int(first), int(last or first) + 1)}
    return found


def test_every_line_is_proved_by_a_test_that_cites_it() -> None:
    assert LINES - cited() == set()


def test_the_list_is_read() -> None:
    assert {"A1", "B3", "D7", "F5"} <= LINES


def test_every_fault_is_listed_once_with_what_goes_wrong() -> None:
    listed = fault_rows.ROW.findall(TEXT)
    assert [int(number) for number, _, _ in listed] == list(fault_rows.ROWS)
    assert all(fault.strip() for _, fault, _ in listed)


def test_every_fault_is_proved_by_a_test_that_cites_it() -> None:
    """A test that is named in the table exists: the table is what the tests themselves say."""
    assert fault_rows.page() == TEXT, f"run {fault_rows.COMMAND}"
    proved = fault_rows.citations()
    assert [number for number in fault_rows.ROWS if number not in proved] == [], "faults without a test"
    assert set(proved) <= set(fault_rows.ROWS), "faults that do not exist"


def test_faults_are_cited_by_tests_and_not_beside_them() -> None:
    """A row in the docstring of a module would count for nobody."""
    proved = fault_rows.citations()
    for path in TESTS.rglob("*.py"):
        place = path.relative_to(TESTS).as_posix()
        counted = {
            number
            for number, tests in proved.items()
            if not path.name.startswith("test_") or any(test.startswith(f"{place}::") for test in tests)
        }
        if path not in (Path(__file__), Path(fault_rows.__file__)):
            assert fault_rows.numbers(path.read_text(encoding="utf-8")) <= counted, place


def test_citations_are_read_in_every_form() -> None:
    text = "D1; faults 1-3, 5 and 9: I8. Fault 21, or fault-12; two faults, 4 tests"
    assert fault_rows.numbers(text) == {1, 2, 3, 5, 9, 12, 21}
