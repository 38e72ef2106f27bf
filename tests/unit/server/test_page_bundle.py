"""What the page loads at its start, and what later."""

from __future__ import annotations

import ast
import re

from uploads.server import page_bundle
from uploads.server.paths import ROOT

UI = ROOT / "py" / "uploads" / "ui"

LAZY = {"uploads.client.analytics", "uploads.client.beacon"}
"""Imported by the client when it is made, from a package that stays where it is."""


def name_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(name: str, sources: dict[str, ast.Module]) -> set[str]:
    """The modules that are there as soon as this one has been imported."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module in found or module not in sources:
            continue
        found.add(module)
        waiting.append(module.rpartition(".")[0])
        for node in sources[module].body:
            if isinstance(node, ast.ImportFrom):
                waiting += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
    return found


def test_the_start_imports_all_of_its_modules_and_none_of_the_others() -> None:
    """What came late has the package's path from then on (`uploads.ui.later`), so nothing may be left behind."""
    sources = {
        name_of(name): ast.parse(path.read_text(encoding="utf-8"))
        for name, path in page_bundle.page_modules().items()
    }
    start = {name_of(name) for name in page_bundle.start_modules()}
    later = {name_of(name) for name in page_bundle.later_modules()}
    assert start | later == set(sources)
    assert not start & later
    assert imported("uploads.ui.main", sources) == start - LAZY
    packages = re.search(
        r"^PACKAGES = \((.*)\)$", (UI / "later.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert packages is not None
    assert {name.rpartition(".")[0] for name in later} == set(ast.literal_eval(f"[{packages[1]}]"))
    assert {"uploads.ui.details", "uploads.ui.demo", "uploads.ui.embed", "uploads.ui.offline"} <= later
