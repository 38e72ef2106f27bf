"""A real Firefox for the tests, the one that is installed, driven by Playwright over WebDriver BiDi."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Frame, Page, Playwright

from tests.harness.processes import below, started_with
from tests.harness.server import end_process

NAMES = ("firefox-esr", "firefox")


def find_firefox() -> str | None:
    """The browser's program: the environment's ``FIREFOX``, else the first of the usual names on the PATH."""
    named = os.environ.get("FIREFOX")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


LAUNCHER = """#!/bin/sh
unset MOZ_CRASHREPORTER_SHUTDOWN
exec {program} "$@"
"""
"""Playwright has all of Firefox end when one of its tabs crashes; a person's does not."""


class Firefox:
    """One running Firefox with one profile. See ``AnyBrowser``."""

    page: Page

    def __init__(self, playwright: Playwright, program: str, profile: Path) -> None:
        self.console: list[str] = []
        self._playwright = playwright
        self._profile = profile
        self._launcher = profile / "launcher.sh"
        self._launcher.write_text(LAUNCHER.format(program=shlex.quote(program)))
        self._launcher.chmod(0o755)
        self.start()

    def start(self) -> None:
        """Also after ``kill``, on the same profile. The tabs of before are gone."""
        self.context = self._playwright.firefox.launch_persistent_context(
            self._profile, channel="moz-firefox", executable_path=self._launcher
        )
        self._pid = started_with(str(self._profile))
        self.context.on("page", self._watch)
        (self.page,) = self.context.pages
        self._watch(self.page)

    def _watch(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("warning", "error"):
            self.console.append(f"{message.type}: {message.text}")

    def frame(self) -> Frame:
        return self.page.frames[1]

    def choose_files(self, *paths: Path, page: Page | None = None) -> None:
        """Choose files as a person does: Firefox reads them from the disk itself."""
        (page or self.page).set_input_files("input[type=file]", [str(path) for path in paths])

    def new_page(self) -> Page:
        """See ``AnyBrowser``. Playwright's own new page is a window, which hides nothing."""
        with self.context.expect_page() as opened:
            self.page.evaluate("() => void open('about:blank', '_blank', 'noopener')")
        return opened.value

    def new_window(self) -> Page:
        """The tabs of a window share one process; a new window has one of its own."""
        self._before = self._shown_by()
        return self.context.new_page()

    def crash_newest(self) -> None:
        """SIGKILL the process of the window that was opened last, and nothing else."""
        (newest,) = self._shown_by() - self._before
        end_process(newest)

    def _shown_by(self) -> set[int]:
        """The processes that show pages of the web."""
        return below(self._pid, "Isolated Web Co")

    def kill(self) -> None:
        """``kill -9`` of the browser and all its helpers, which live in a process group of their own."""
        os.killpg(self._pid, signal.SIGKILL)
        with contextlib.suppress(Exception):
            self.context.close()

    def close(self) -> None:
        self.context.close()


@pytest.fixture(scope="module")
def firefox(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Firefox]]:
    """``firefox()`` starts one with an empty profile; it ends with the module. Fails when there is none."""
    program = find_firefox()
    if program is None:
        pytest.fail("No Firefox was found: install it (Debian: firefox-esr), or name its program in FIREFOX.")
    started: list[Firefox] = []

    def start() -> Firefox:
        started.append(Firefox(playwright, program, tmp_path_factory.mktemp("firefox")))
        return started[-1]

    yield start
    for browser in started:
        browser.close()
