"""The arrows of the layout: who may import whom. Walked over the sources, so that no import can hide in a function."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__"): path
    for base in (ROOT / "py", ROOT / "worker")
    for path in sorted(base.rglob("*.py"))
}
BROWSER_MODULES = {"js", "pyodide", "pyodide_js", "pyscript", "jsffi", "micropip", "vfs"}
STANDARD_LIBRARY = set(sys.stdlib_module_names)

# Room → the rooms it may import besides the standard library and itself. The longest prefix of a module's name decides.
ARROWS: dict[str, set[str]] = {
    "uploads": {"uploads.client"},
    "uploads.protocol": set(),
    "uploads.client": {"uploads.protocol"},
    "uploads.ui": {"uploads.client", "uploads.protocol", "uploads"},
    "uploads.server": {"uploads.protocol"},
    "upload_engine": set(),
    "upload_engine.core": set(),
    "upload_engine.interfaces": {"upload_engine.core"},
    "upload_engine.memory_store": {"upload_engine.core", "upload_engine.interfaces"},
    "upload_engine.snapshots": {"upload_engine.core", "uploads.protocol"},
    "upload_engine.kept_files": {"upload_engine.core", "upload_engine.interfaces"},
    "upload_engine.sign_in": {"upload_engine.core", "upload_engine.interfaces"},
    "upload_engine.small_files": {"upload_engine.core", "upload_engine.interfaces"},
    "upload_engine.part_urls": {"upload_engine.core", "upload_engine.interfaces"},
    "upload_engine.files": {"upload_engine.core", "upload_engine.interfaces"},
    "upload_engine.watch": {"upload_engine.core", "upload_engine.interfaces"},
    "upload_engine.operations": {
        "upload_engine.core",
        "upload_engine.interfaces",
        "upload_engine.files",
        "upload_engine.part_urls",
        "upload_engine.sign_in",
        "upload_engine.small_files",
        "upload_engine.watch",
    },
    "upload_engine.outbox": {
        "upload_engine.core",
        "upload_engine.interfaces",
        "upload_engine.snapshots",
        "uploads.protocol",
    },
    "upload_engine.dispatcher": {
        "upload_engine.core",
        "upload_engine.interfaces",
        "upload_engine.kept_files",
        "upload_engine.operations",
        "upload_engine.outbox",
        "uploads.protocol",
    },
    "upload_engine.account": {
        "upload_engine.core",
        "upload_engine.dispatcher",
        "upload_engine.interfaces",
    },
    "upload_engine.adjustments": {
        "upload_engine.core",
        "upload_engine.dispatcher",
        "upload_engine.interfaces",
        "uploads.protocol",
    },
    "upload_engine.details": {
        "upload_engine.core",
        "upload_engine.dispatcher",
        "upload_engine.interfaces",
        "uploads.protocol",
    },
    "upload_engine.rules": {"upload_engine.core", "uploads.protocol"},
    "upload_engine.intake": {
        "upload_engine.account",
        "upload_engine.core",
        "upload_engine.dispatcher",
        "upload_engine.interfaces",
        "upload_engine.rules",
        "uploads.protocol",
    },
    "upload_engine.verification": {
        "upload_engine.core",
        "upload_engine.files",
        "upload_engine.interfaces",
        "uploads.protocol",
    },
    "upload_engine.engine": {
        "upload_engine.verification",
        "upload_engine.account",
        "upload_engine.adjustments",
        "upload_engine.details",
        "upload_engine.core",
        "upload_engine.dispatcher",
        "upload_engine.intake",
        "upload_engine.interfaces",
        "uploads.protocol",
    },
    "upload_engine.browser": {"upload_engine.core", "upload_engine.interfaces"},
    "upload_engine.signers": {"upload_engine.core", "upload_engine.interfaces"},
    "upload_engine.demo": {"upload_engine.core", "upload_engine.interfaces", "uploads.protocol"},
    "upload_engine.demo.shelf_of_blobs": {
        "upload_engine.browser",
        "upload_engine.core",
        "upload_engine.demo",
        "upload_engine.interfaces",
    },
    "upload_inspectors": set(),
    "upload_inspectors.main": {"upload_inspectors", "uploads.protocol"},
    "upload_engine.main": {
        "upload_engine.browser",
        "upload_engine.core",
        "upload_engine.demo",
        "upload_engine.demo.shelf_of_blobs",
        "upload_engine.dispatcher",
        "upload_engine.engine",
        "upload_engine.interfaces",
        "upload_engine.memory_store",
        "upload_engine.operations",
        "upload_engine.signers",
        "uploads.protocol",
    },
}
TOUCHES_THE_BROWSER = {
    "upload_engine.browser",
    "upload_engine.demo.shelf_of_blobs",
    "upload_engine.main",
    "upload_inspectors.browser",
    "upload_inspectors.main",
    "upload_inspectors.packages",
    "upload_inspectors.webcrypto",
    "uploads.client.beacon",
    "uploads.client.link",
    "uploads.ui.demo_file",
    "uploads.ui.dom",
    "uploads.ui.embed_line",
    "uploads.ui.files",
    "uploads.ui.installed",
    "uploads.ui.intl",
    "uploads.ui.later",
    "uploads.ui.panel_dom",
    "uploads.ui.main",
    "uploads.ui.plot",
    "uploads.ui.thumbnails",
}
THIRD_PARTY = {"uploads.server"}


def room_of(module: str, rooms: set[str]) -> str:
    """The longest room that the module lies in; "" for none."""
    return max(
        (room for room in rooms if module == room or module.startswith(room + ".")), key=len, default=""
    )


def imports(path: Path, module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute here"
            assert node.module is not None
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                yield deeper if deeper in SOURCES else node.module


@pytest.mark.parametrize("module", SOURCES)
def test_every_import_follows_an_arrow(module: str) -> None:
    """F2."""
    room = room_of(module, set(ARROWS))
    for imported in imports(SOURCES[module], module):
        if imported in SOURCES:
            target = room_of(imported, set(ARROWS))
            assert target == room or target in ARROWS[room], f"{module} must not import {imported}"
            continue
        top = imported.split(".")[0]
        if top in BROWSER_MODULES:
            assert room_of(module, TOUCHES_THE_BROWSER), f"{module} must not touch {top}"
        else:
            assert top in STANDARD_LIBRARY or room_of(module, THIRD_PARTY), (
                f"{module} must not import {imported}"
            )


def test_the_walk_sees_the_sources_and_the_arrows_have_no_circle() -> None:
    assert {"upload_engine.core.session", "uploads.protocol.codec", "uploads.server.app"} <= set(SOURCES)
    left = dict(ARROWS)
    while left:
        leaves = {room for room, targets in left.items() if not targets & set(left)}
        assert leaves, f"a circle among {sorted(left)}"
        left = {room: targets for room, targets in left.items() if room not in leaves}


def test_a_forbidden_import_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "bad.py"
    source.write_text("def hidden():\n    import js\n    from uploads.protocol import codec\n")
    assert set(imports(source, "bad")) == {"js", "uploads.protocol.codec"}
