"""A real Firefox for the tests, the one that is installed, driven by Playwright over WebDriver BiDi."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, Playwright

NAMES = ("firefox-esr", "firefox")


def find_firefox() -> str | None:
    """The browser's program: the environment's ``FIREFOX``, else the first of the usual names on the PATH."""
    named = os.environ.get("FIREFOX")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


class Firefox:
    """One running Firefox with an empty profile, and one tab. See ``AnyBrowser``."""

    def __init__(self, playwright: Playwright, program: str) -> None:
        self.console: list[str] = []
        self._browser = playwright.firefox.launch(channel="moz-firefox", executable_path=program)
        self.page: Page = self._browser.new_context().new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("warning", "error"):
            self.console.append(f"{message.type}: {message.text}")

    def choose_files(self, *paths: Path) -> None:
        """Choose files as a person does: Firefox reads them from the disk itself."""
        self.page.set_input_files("input[type=file]", [str(path) for path in paths])

    def close(self) -> None:
        self._browser.close()


@pytest.fixture(scope="module")
def firefox(playwright: Playwright) -> Iterator[Callable[[], Firefox]]:
    """``firefox()`` starts one; it ends with the module. Fails when there is none."""
    program = find_firefox()
    if program is None:
        pytest.fail("No Firefox was found: install it (Debian: firefox-esr), or name its program in FIREFOX.")
    started: list[Firefox] = []

    def start() -> Firefox:
        started.append(Firefox(playwright, program))
        return started[-1]

    yield start
    for browser in started:
        browser.close()
