"""The start from a snapshot of the memory, in a real Chromium: what it is, what it must not be, and the way without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from uploads.server.snapshot import Snapshot

from tests.contracts.site import Site, snapshot_of
from tests.contracts.test_worker_script import ask
from tests.harness.browser import Browser
from tests.harness.marks import mostly_long

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """Of the engine with the contracts in it."""
    return snapshot_of()


@pytest.fixture
def quick_site(tmp_path: Path, snapshot: Snapshot) -> Iterator[Site]:
    with Site(tmp_path) as running:
        running.snapshot = snapshot
        yield running


def test_nothing_is_imported_when_the_snapshot_fits(
    chromium: Callable[[], Browser], quick_site: Site
) -> None:
    browser = chromium()
    browser.page.goto(quick_site.url)
    assert ask(browser.page, "boot") == "snapshot"
    assert browser.console == []
    browser.close()
    asked = [request["url"].removeprefix(quick_site.url) for request in browser.requests()]
    assert "worker/engine.zip" not in asked
    assert "vendor/pyodide/python_stdlib.zip" not in asked
    assert not {name for name in asked if asked.count(name) > 1 and name != "worker/upload_worker.js"}


def test_no_chance_is_frozen_in_the_snapshot(chromium: Callable[[], Browser], quick_site: Site) -> None:
    """O8. Workers of one snapshot draw different numbers, tokens, ids and temporary names."""
    drawn = []
    for _ in range(2):
        browser = chromium()
        browser.page.goto(quick_site.url)
        drawn.append(ask(browser.page, "chance"))
        browser.close()
    for values in zip(*drawn, strict=True):
        assert len(set(values)) == len(drawn), values


def flipped(packed: bytes, at: int) -> bytes:
    return packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "is a page of an error": lambda _packed: b"<!doctype html><title>Not found</title>" * 10,
    "is cut off": lambda packed: packed[: len(packed) // 2],
    "was made over another memory": lambda packed: flipped(packed, 12),
    "is of another Pyodide": lambda packed: packed.replace(b'{"hiwireKeys"', b'["hiwireKeys"'),
}


@pytest.mark.parametrize("how", mostly_long(DAMAGE, {"is cut off"}))
def test_without_a_snapshot_that_fits_the_engine_is_imported(
    chromium: Callable[[], Browser], quick_site: Site, snapshot: Snapshot, how: str
) -> None:
    quick_site.snapshot = replace(snapshot, packed=DAMAGE[how](snapshot.packed))
    browser = chromium()
    browser.page.goto(quick_site.url)
    assert ask(browser.page, "boot") == "plain"
    assert ask(browser.page, "count") == 1


@pytest.mark.long
def test_a_snapshot_that_is_missing_is_done_without(
    chromium: Callable[[], Browser], quick_site: Site
) -> None:
    quick_site.missing.add("worker/engine.snapshot")
    browser = chromium()
    browser.page.goto(quick_site.url)
    assert ask(browser.page, "boot") == "plain"


def test_a_host_that_does_not_know_webassembly_by_name_will_do(
    chromium: Callable[[], Browser], quick_site: Site
) -> None:
    quick_site.wasm_type = "application/octet-stream"
    browser = chromium()
    browser.page.goto(quick_site.url)
    assert ask(browser.page, "boot") == "snapshot"


def test_the_rest_of_the_library_is_fetched_when_something_imports_it(
    chromium: Callable[[], Browser], quick_site: Site
) -> None:
    """Once, and only for what may be in it: also for a module in a package of which the snapshot has a part."""
    browser = chromium()
    browser.page.goto(quick_site.url)
    for name in ("wave", "concurrent.futures.thread", "sqlite3"):
        assert ask(browser.page, "import", name=name) == name
    with pytest.raises(AssertionError, match=r"No module named .*nothing_of_the_kind"):
        ask(browser.page, "import", name="nothing_of_the_kind")
    browser.close()
    asked = [request["url"].rpartition("/")[2] for request in browser.requests()]
    assert asked.count("python_stdlib.zip") == 1
