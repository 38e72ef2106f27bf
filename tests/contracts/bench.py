"""The contracts inside a worker of a real browser: what the tests of all browsers share.

The worker is the real ``upload_worker.js`` under the real content security policy.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.roles import (
    changing_file,
    clauses,
    clock,
    cors,
    file_keeper,
    file_source,
    port,
    session_store,
    shelf,
    signer,
    transport,
)
from tests.contracts.site import ROOT, Site
from tests.contracts.test_fakes import free_address, make_file
from tests.fakes.s3_server import ScriptedS3
from tests.harness.tabs import AnyBrowser

INDEXED_DB = [
    line.removeprefix("async def ").partition("(")[0]
    for line in (ROOT / "tests/contracts/roles/indexeddb.py").read_text().splitlines()
    if line.startswith("async def ")
]
"""The clauses that import ``js`` and so cannot be imported here."""

HANDLES = [name for name in clauses(file_keeper) if "handle" in name or "other_users" in name]
"""The clauses of files that came with a handle, which only Chromium gives and keeps."""

COPIES = [
    "a_copy_comes_back_as_it_was",
    "without_room_there_is_no_copy",
    "offline_a_larger_file_is_copied_than_otherwise",
    "what_is_nobodys_becomes_a_users_once",
]
"""Those of copies. A WebKit that is driven by a test keeps nothing on the disk and refuses copies (UnknownError)."""

NEITHER = [name for name in clauses(file_keeper) if name not in (*HANDLES, *COPIES)]

SEND = """([body, withFile]) => new Promise((resolve) => {
  uploadWorker.onMessage(resolve);
  uploadWorker.post(body, withFile ? document.querySelector("input").files[0] : undefined);
})"""

VISIT = """() => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.onload = () => { frame.remove(); done(); };
  frame.src = location.href;
  document.body.append(frame);
})"""
"""Another page of this site comes, connects to the shared worker, and goes."""

MOST_VISITS = 100
"""Far more than it takes."""

LARGE = 24 * 1024 * 1024
"""Bytes of a file that is still on its way when something happens to it."""


class Bench:
    """A page of the site, connected to its worker, beside a scripted store."""

    def __init__(self, browser: AnyBrowser, site: Site, s3: ScriptedS3) -> None:
        self.browser = browser
        self.site = site
        self.s3 = s3
        self.refused = free_address()
        self._numbers = itertools.count(1)

    def ask(
        self, role: str, adapter: str = "", clause: str = "", *, file: Path | None = None, **settings: Any
    ) -> Any:
        """Run one clause in the worker; fail with the worker's traceback."""
        if file:
            self.browser.choose_files(file)
        number = next(self._numbers)
        settings = {
            "store": self.s3.url,
            "refused": self.refused,
            "path": f"/bucket/{number}",
            "database": f"contract {number}",
            **settings,
        }
        order = {"role": role, "adapter": adapter, "clause": clause, "settings": settings}
        answer = json.loads(self.browser.page.evaluate(SEND, [json.dumps(order), file is not None]))
        if answer.get("type") == "ENGINE_FAILED":
            pytest.fail(answer["message"])
        if answer["failure"]:
            pytest.fail(answer["failure"], pytrace=False)
        return answer["result"]

    def file(self, size: int) -> Path:
        """A file of the site's folder, new for every clause."""
        return make_file(self.site.folder, size)


def of(names: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("clause", names if isinstance(names, list) else list(clauses(names)))


class BrowserContracts:
    """The clauses that hold in every browser. A subclass's module provides the fixture ``bench``."""

    @of(transport)
    @pytest.mark.parametrize("adapter", ["xhr", "xhr-buffer", "fetch", "fetch-buffer"])
    def test_transport(self, bench: Bench, adapter: str, clause: str) -> None:
        bench.ask("transport", adapter, clause)

    @of(cors)
    @pytest.mark.parametrize("adapter", ["xhr", "fetch"])
    def test_cors(self, bench: Bench, adapter: str, clause: str) -> None:
        bench.ask("cors", adapter, clause)

    @of(signer)
    def test_signer(self, bench: Bench, clause: str) -> None:
        bench.ask("signer", "fetch", clause)

    @of(file_source)
    @pytest.mark.parametrize("size", [4096, 700_000, 3_000_001])
    def test_file_source_that_reads_first(self, bench: Bench, clause: str, size: int) -> None:
        bench.ask("file_source", "buffers", clause, file=bench.file(size), size=size)

    @of(changing_file)
    @pytest.mark.parametrize("adapter", ["xhr-buffers", "fetch-buffers"])
    def test_changing_file_that_was_read_first(self, bench: Bench, adapter: str, clause: str) -> None:
        bench.ask("changing_file", adapter, clause, file=bench.file(LARGE), size=LARGE)

    @of(session_store)
    def test_session_store(self, bench: Bench, clause: str) -> None:
        bench.ask("session_store", "indexeddb", clause)

    @of(NEITHER)
    def test_file_keeper(self, bench: Bench, clause: str) -> None:
        bench.ask("file_keeper", "indexeddb", clause)

    @of(INDEXED_DB)
    def test_indexeddb(self, bench: Bench, clause: str) -> None:
        bench.ask("indexeddb", "indexeddb", clause)

    @of([name for name in clauses(shelf) if "room" not in name])
    def test_shelf(self, bench: Bench, clause: str) -> None:
        bench.ask("shelf", "indexeddb", clause)

    @of(clock)
    def test_clock(self, bench: Bench, clause: str) -> None:
        bench.ask("clock", "browser", clause)

    @of(port)
    def test_port(self, bench: Bench, clause: str) -> None:
        bench.ask("port", "message port", clause)

    def test_the_worker_lets_go_of_pages_that_have_gone(self, bench: Bench) -> None:
        """A page that is gone before it was connected has no line to let go of, so not every visit counts."""
        visits = 0
        while bench.ask("pages gone") < 3 and visits < MOST_VISITS:
            bench.browser.page.evaluate(VISIT)
            visits += 1
        assert 3 <= bench.ask("pages gone") <= visits
