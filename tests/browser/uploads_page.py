"""The page through its documented contract, and nothing else of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page

from tests.harness.browser import Browser, Visitor, wait_until
from tests.harness.server import ServerProcess

MIB = 1024 * 1024
FORGETFUL = "?lifetime=page"
"""A reload is the end of the worker, in Chromium as in other browsers."""

LIMIT = 240_000
"""Milliseconds that a wait may take; only a hang takes longer."""

WATCH = """
() => {
  globalThis.timeline = [];
  const look = () => {
    for (const row of document.querySelectorAll("[data-upload-id]")) {
      const now = row.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow") ?? null;
      timeline.push([row.dataset.uploadId, row.dataset.status, row.dataset.phase, now === null ? null : Number(now)]);
    }
  };
  look();
  const attributes = { attributes: true, subtree: true, childList: true };
  new MutationObserver(look).observe(document.body, attributes);
}
"""

WATCH_ENGINE = """
() => {
  globalThis.engineTimes = [];
  const look = () => engineTimes.push([document.documentElement.dataset.engine, Date.now()]);
  new MutationObserver(look).observe(document.documentElement, { attributeFilter: ["data-engine"] });
}
"""
"""Writes down what the engine's state becomes: a look now and then misses a start of 0.2 s."""


def random_file(path: Path, size: int) -> Path:
    """A file that nobody has seen before."""
    with path.open("wb") as file:
        for at in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size - at)))
    return path


def sha256(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class UploadsPage:
    """One open page. Rows are found by the file's name."""

    def __init__(
        self, browser: Browser | Visitor, server: ServerProcess, query: str = "", url: str = ""
    ) -> None:
        """``url``: where the page is, when that is not the server's own address."""
        self.browser = browser
        self.server = server
        self.page: Page = browser.page
        self.page.goto(f"{url or server.url}/{query}")
        self.when_ready()

    def when_ready(self) -> None:
        self.page.wait_for_selector("html[data-engine=ready]", timeout=LIMIT)
        self.page.evaluate(WATCH)

    @contextmanager
    def another_engine(self) -> Iterator[None]:
        """What is done in this block ends the engine; the block ends when the next one is ready."""
        self.page.evaluate(WATCH_ENGINE)
        yield
        wait_until(self.page, "() => engineTimes.some(([state]) => state === 'starting')")
        self.when_ready()

    def reload(self) -> None:
        self.browser.look()
        self.page.reload()
        self.when_ready()

    def choose(self, *files: Path) -> None:
        self.browser.choose_files(*files)

    def row(self, name: str) -> Locator:
        return self.page.locator("[data-upload-id]").filter(has_text=name)

    def state(self, name: str) -> tuple[str, str, int]:
        """Status, phase and percent."""
        row = self.row(name)
        percent = row.get_by_role("progressbar").get_attribute("aria-valuenow")
        return (
            row.get_attribute("data-status") or "",
            row.get_attribute("data-phase") or "",
            int(percent or 0),
        )

    def until(self, name: str, *words: str) -> None:
        """Wait until the row's status or phase is one of ``words``."""
        either = ", ".join(f'[data-status="{word}"], [data-phase="{word}"]' for word in words)
        found = self.page.locator(f"[data-upload-id]:is({either})").filter(has_text=name)
        found.wait_for(timeout=LIMIT)

    def must_complete(self, name: str) -> None:
        """Wait for the end, which has to be a good one."""
        self.until(name, "completed", "failed")
        assert self.state(name)[0] == "completed", self.row(name).inner_text()

    def send_with_interruptions(
        self, file: Path, limit: Callable[[float | None], object], *, pause_at: int, reload_at: int
    ) -> None:
        """Choose a file, pause it and go on, reload a page whose worker ends with it, choose it again, to the end.

        ``limit`` sets the line's bytes a second; at the two percentages the one and the other happens.
        """
        limit(12e6)
        self.choose(file)
        self.until_percent(file.name, pause_at)
        self.press(file.name, "Pause")
        self.until(file.name, "paused")
        self.press(file.name, "Resume")
        self.until_percent(file.name, reload_at)
        self.reload()
        self.until(file.name, "waiting-for-file")
        self.choose(file)
        limit(None)
        self.must_complete(file.name)

    def until_percent(self, name: str, percent: int) -> None:
        upload_id = self.row(name).get_attribute("data-upload-id", timeout=LIMIT)
        script = """([id, percent]) => timeline.some((entry) => entry[0] === id && entry[3] >= percent)"""
        wait_until(self.page, script, [upload_id, percent])

    def press(self, name: str, button: str) -> None:
        self.row(name).get_by_role("button", name=button, exact=True).click(timeout=LIMIT)

    def timeline(self, name: str) -> list[tuple[str, str, int]]:
        """Every ``(status, phase, percent)`` the row has shown since the page was loaded."""
        upload_id = self.row(name).get_attribute("data-upload-id")
        entries: list[list[Any]] = self.page.evaluate("timeline")
        return [
            (status, phase, percent)
            for found, status, phase, percent in entries
            if found == upload_id and percent is not None
        ]

    def object_of(self, name: str) -> bytes:
        """What the store holds of a completed upload."""
        return self._object_behind(self.row(name))

    def object_of_id(self, upload_id: str) -> bytes:
        """The same, where several files have one name."""
        return self._object_behind(self.page.locator(f'[data-upload-id="{upload_id}"]'))

    def _object_behind(self, row: Locator) -> bytes:
        href = row.locator("a[data-object]").get_attribute("href", timeout=LIMIT) or ""
        return self.server.object_bytes(parse_qs(urlsplit(href).query)["key"][0])

    def upload_keys(self) -> set[str]:
        """Keys of the multipart uploads that are open in the store."""
        return {key for key, _ in self.server.open_uploads()}


def part_numbers(browser: Browser) -> list[int]:
    """The part number of every PUT that the browser made since its start, in order. Read after ``close``."""
    puts = [urlsplit(request["url"]) for request in browser.requests() if request["method"] == "PUT"]
    return [int(parse_qs(url.query)["partNumber"][0]) for url in puts]
