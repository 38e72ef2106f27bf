"""The browser's adapters keep the contracts in a real WebKit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contracts.bench import Bench, BrowserContracts
from tests.contracts.site import Site
from tests.fakes.s3_server import ScriptedS3
from tests.harness.webkit import WebKit

pytestmark = pytest.mark.webkit


@pytest.fixture(scope="module")
def bench(webkit: Callable[[], WebKit], contracts_site: Site, store: ScriptedS3) -> Bench:
    browser = webkit()
    browser.page.goto(contracts_site.url)
    return Bench(browser, contracts_site, store)


class TestWebKit(BrowserContracts):
    """See ``BrowserContracts``."""


def test_the_console_stayed_silent(bench: Bench) -> None:
    """Runs last here. WebKit says nothing about requests that fail in a worker."""
    assert bench.browser.console == []
