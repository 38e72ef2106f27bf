"""The list of what must be true and the tests agree: every line is cited, and no citation points nowhere."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
LINES = set(
    re.findall(r"^- ([A-F]\d+)\.", (TESTS / "ACCEPTANCE.md").read_text(encoding="utf-8"), re.MULTILINE)
)


def cited() -> set[str]:
    """What the tests' docstrings and comments cite, ranges such as B1-B4 spelled out."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        for letter, first, last in re.findall(r"\b([A-F])(\d+)(?:-\1?(\d+))?\b", text):
            found |= {f"{letter}{number}" for number in range(int(first), int(last or first) + 1)}
    return found


def test_every_line_is_proved_by_a_test_that_cites_it() -> None:
    assert LINES - cited() == set()


def test_the_list_is_read() -> None:
    assert {"A1", "B3", "D7", "F5"} <= LINES
