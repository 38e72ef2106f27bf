"""The browser's adapters keep the contracts in a real Firefox."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contracts.bench import COPIES, Bench, BrowserContracts, of
from tests.contracts.site import Site
from tests.fakes.s3_server import ScriptedS3
from tests.harness.firefox import Firefox

pytestmark = pytest.mark.firefox


@pytest.fixture(scope="module")
def bench(firefox: Callable[[], Firefox], contracts_site: Site, store: ScriptedS3) -> Bench:
    browser = firefox()
    browser.page.goto(contracts_site.url)
    return Bench(browser, contracts_site, store)


class TestFirefox(BrowserContracts):
    """See ``BrowserContracts``."""

    @of(COPIES)
    def test_file_keeper_of_copies(self, bench: Bench, clause: str) -> None:
        bench.ask("file_keeper", "indexeddb", clause)


def test_the_console_stayed_silent(bench: Bench) -> None:
    """Runs last here. Firefox says nothing about requests that fail in a worker."""
    assert bench.browser.console == []
