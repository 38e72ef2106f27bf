"""What the page's tests share: a site with a scripted engine, and the page with one that is ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.harness.browser import Browser, Visitor
from tests.unit.ui.scripted_site import open_page, serve


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve() as url:
        yield url


@pytest.fixture(scope="module")
def readers(shared_chromium: Browser, site: str) -> Iterator[Callable[[], Visitor]]:
    """Opens the page to another visitor each time; in the end nobody else was asked for anything."""
    yield shared_chromium.visit
    shared_chromium.close()
    assert shared_chromium.hosts() == {site.split("/")[2]}


@pytest.fixture
def page(readers: Callable[[], Visitor], site: str) -> Iterator[Page]:
    """The page with a ready engine; in the end nothing went wrong in its console."""
    visitor = readers()
    open_page(visitor.page, site)
    yield visitor.page
    assert visitor.console == []
    visitor.close()
