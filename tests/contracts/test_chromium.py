"""The browser's adapters keep the contracts, inside a Pyodide worker in a real Chromium.

The worker is the real ``upload_worker.js`` under the real content security policy, shared and dedicated.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from tests.contracts.roles import (
    changing_file,
    clauses,
    clock,
    cors,
    file_source,
    port,
    session_store,
    signer,
    transport,
)
from tests.contracts.site import ROOT, Site
from tests.contracts.test_fakes import free_address, make_file
from tests.fakes.background import Background
from tests.fakes.s3_server import ScriptedS3
from tests.harness.browser import Browser

pytestmark = pytest.mark.browser

INDEXED_DB = [
    line.removeprefix("async def ").partition("(")[0]
    for line in (ROOT / "tests/contracts/roles/indexeddb.py").read_text().splitlines()
    if line.startswith("async def ")
]
"""The clauses that import ``js`` and so cannot be imported here."""

SEND = """([body, withFile]) => new Promise((resolve) => {
  uploadWorker.onMessage(resolve);
  uploadWorker.post(body, withFile ? document.querySelector("input").files[0] : undefined);
})"""


class Bench:
    """A page of the site, connected to its worker, beside a scripted store."""

    def __init__(self, browser: Browser, site: Site, s3: ScriptedS3) -> None:
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


@pytest.fixture(scope="module")
def store() -> Iterator[ScriptedS3]:
    with Background() as background:
        s3 = background.run(ScriptedS3().__aenter__())
        yield s3
        background.run(s3.__aexit__())


@pytest.fixture(scope="module")
def bench(
    playwright: Playwright, chromium_program: str, store: ScriptedS3, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("chosen")
    browser = Browser(playwright, chromium_program, tmp_path_factory.mktemp("chromium"))
    with Site(folder) as site:
        browser.page.goto(site.url)
        yield Bench(browser, site, store)
        browser.close()


def of(names: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("clause", names if isinstance(names, list) else list(clauses(names)))


@of(transport)
@pytest.mark.parametrize("adapter", ["xhr", "xhr-buffer", "fetch", "fetch-buffer"])
def test_transport(bench: Bench, adapter: str, clause: str) -> None:
    bench.ask("transport", adapter, clause)


@of(cors)
@pytest.mark.parametrize("adapter", ["xhr", "fetch"])
def test_cors(bench: Bench, adapter: str, clause: str) -> None:
    bench.ask("cors", adapter, clause)


@of(signer)
def test_signer(bench: Bench, clause: str) -> None:
    bench.ask("signer", "fetch", clause)


@of(file_source)
@pytest.mark.parametrize("size", [4096, 3_000_001])
@pytest.mark.parametrize("adapter", ["slices", "buffers"])
def test_file_source(bench: Bench, adapter: str, clause: str, size: int) -> None:
    bench.ask("file_source", adapter, clause, file=make_file(bench.site.folder, size), size=size)


@of(changing_file)
@pytest.mark.parametrize("adapter", ["xhr-slices", "fetch-slices", "xhr-buffers", "fetch-buffers"])
def test_changing_file(bench: Bench, adapter: str, clause: str) -> None:
    size = 24 * 1024 * 1024
    bench.ask("changing_file", adapter, clause, file=make_file(bench.site.folder, size), size=size)


@of(session_store)
def test_session_store(bench: Bench, clause: str) -> None:
    bench.ask("session_store", "indexeddb", clause)


@of(INDEXED_DB)
def test_indexeddb(bench: Bench, clause: str) -> None:
    bench.ask("indexeddb", "indexeddb", clause)


@of(clock)
def test_clock(bench: Bench, clause: str) -> None:
    bench.ask("clock", "browser", clause)


@of(port)
def test_port(bench: Bench, clause: str) -> None:
    bench.ask("port", "message port", clause)


def test_the_console_stayed_silent(bench: Bench) -> None:
    """Runs last here: no policy violation, no uncaught exception of JavaScript or Python in any clause before."""
    noise = [line for line in bench.browser.console if "net::ERR_" not in line and "CORS" not in line]
    assert noise == []
