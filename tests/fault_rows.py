"""Which test proves which row of the fault matrix: ``.venv/bin/python -m tests.fault_rows --write``.

A test cites its rows in its docstring, or in the ids of its parameters: "Fault 21.", "Faults 1-3, 7; I8". The table in
``ACCEPTANCE.md`` keeps what goes wrong, in words; who proves it is written beside it from the citations.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PAGE = TESTS / "ACCEPTANCE.md"
COMMAND = ".venv/bin/python -m tests.fault_rows --write"
ROW = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) ?\|$", re.MULTILINE)
"""Number, fault, tests."""
ROWS = range(1, 73)
CITATION = re.compile(r"\bfaults?[ -](\d+(?:-\d+)?(?:(?:, (?:and )?| and )\d+(?:-\d+)?)*)", re.IGNORECASE)
Functions = ast.FunctionDef | ast.AsyncFunctionDef


def numbers(text: str) -> set[int]:
    """The rows that a text cites, ranges spelled out."""
    found: set[int] = set()
    for cited in CITATION.findall(text):
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", cited):
            found |= set(range(int(first), int(last or first) + 1))
    return found


def citations() -> dict[int, list[str]]:
    """``path::test`` of every test by the row that it cites, in the order of the files."""
    proofs: dict[int, list[str]] = {}
    for path in sorted(TESTS.rglob("*.py")):
        place = path.relative_to(TESTS).as_posix()
        for name, words in _tests(place, ast.parse(path.read_text(encoding="utf-8")).body):
            for number in sorted(numbers(words)):
                proofs.setdefault(number, []).append(f"{place}::{name}")
    return proofs


def page() -> str:
    """``ACCEPTANCE.md`` with the last column of its table written anew."""
    proofs = citations()

    def row(match: re.Match[str]) -> str:
        tests = "<br>".join(f"`{test}`" for test in proofs.get(int(match[1]), []))
        return f"| {match[1]} | {match[2]} | {tests} |"

    return ROW.sub(row, PAGE.read_text(encoding="utf-8"))


def _tests(place: str, body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Tests by name, each with the words in which it may cite.

    The clauses of the contracts are tests as well, since every adapter of a role has to pass them; and so is
    ``TestMachine = Machine.TestCase`` with the text below it.
    """
    is_role = place.startswith("contracts/roles/")
    for node, below in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}::{name}", words) for name, words in _tests(place, node.body))
        elif isinstance(node, Functions) and (node.name.startswith("test_") or is_role):
            yield node.name, _words(node)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("Test"):
            yield ast.unparse(node.targets[0]), ast.unparse(below)


def _words(test: Functions) -> str:
    """A test's docstring, and the texts in its decorators."""
    decorators = (node for decorator in test.decorator_list for node in ast.walk(decorator))
    texts = (str(node.value) for node in decorators if isinstance(node, ast.Constant))
    return "\n".join([ast.get_docstring(test) or "", *texts])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        for number in ROWS:
            sys.stdout.write(f"{number}: {len(citations().get(number, []))}\n")
