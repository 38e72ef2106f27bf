"""The browser's adapters keep the contracts in a real Chromium, which can also send slices of a file unread. (F3)"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright

from tests.contracts.bench import COPIES, HANDLES, LARGE, Bench, BrowserContracts, of
from tests.contracts.roles import changing_file, clauses, file_source, shelf
from tests.contracts.site import Site
from tests.fakes.s3_server import ScriptedS3
from tests.harness.browser import Browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def bench(
    playwright: Playwright,
    chromium_program: str,
    contracts_site: Site,
    store: ScriptedS3,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bench]:
    browser = Browser(playwright, chromium_program, tmp_path_factory.mktemp("chromium"))
    browser.page.goto(contracts_site.url)
    yield Bench(browser, contracts_site, store)
    browser.close()


class TestChromium(BrowserContracts):
    """See ``BrowserContracts``."""

    @of(file_source)
    @pytest.mark.parametrize("size", [4096, 700_000, 3_000_001])
    def test_file_source_of_slices(self, bench: Bench, clause: str, size: int) -> None:
        bench.ask("file_source", "slices", clause, file=bench.file(size), size=size)

    @of([*HANDLES, *COPIES])
    def test_file_keeper_of_handles_and_copies(self, bench: Bench, clause: str) -> None:
        bench.ask("file_keeper", "indexeddb", clause)

    @of([name for name in clauses(shelf) if "room" in name])
    def test_shelf_with_little_room(self, bench: Bench, clause: str) -> None:
        bench.ask("shelf", "indexeddb", clause)

    @of(shelf)
    def test_shelf_in_memory(self, bench: Bench, clause: str) -> None:
        bench.ask("shelf", "memory", clause)

    @of(changing_file)
    @pytest.mark.parametrize("adapter", ["xhr-slices", "fetch-slices"])
    @pytest.mark.parametrize("size", [700_000, LARGE])
    def test_changing_file_sent_as_slices(self, bench: Bench, size: int, adapter: str, clause: str) -> None:
        bench.ask("changing_file", adapter, clause, file=bench.file(size), size=size)


def test_the_console_stayed_silent(bench: Bench) -> None:
    """Runs last here: no policy violation, no uncaught exception of JavaScript or Python in any clause before."""
    noise = [line for line in bench.browser.console if "net::ERR_" not in line and "CORS" not in line]
    assert noise == []
