"""What the browser's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright

from tests.browser.line import Line, open_line
from tests.harness.browser import Browser, Visitor


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks for secrets in all that was written comes last, when all has been written."""
    items.sort(key=lambda item: item.path.name == "test_secrets.py")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """One line for the tests of a module."""
    with open_line(tmp_path_factory.mktemp("line") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_chromium(
    playwright: Playwright, chromium_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """One Chromium for the tests of a module, each of which is another visitor."""
    browser = Browser(playwright, chromium_program, tmp_path_factory.mktemp("chromium") / "profile")
    yield browser
    browser.close()


@pytest.fixture
def visitor(shared_chromium: Browser) -> Iterator[Visitor]:
    """A new visitor, whose console must stay without errors."""
    visitor = shared_chromium.visit()
    yield visitor
    visitor.close()
