"""The main job in the real Firefox and the real WebKit (ACCEPTANCE B1, B3, C1, C2, D1, D9). Left out by default.

One browser does all of it, as a person's does; it is asked through functions of the page alone, whatever drives it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.line import Line
from tests.browser.uploads_page import MIB, WATCH, random_file, sha256
from tests.harness.tabs import AnyBrowser, until

SIZE = 100_000_000
SLOW = 12e6
"""Bytes a second: an upload can be caught under way."""
OVERHEAD = 2 * MIB
"""Bytes that requests need beside their bodies, at the most."""

STATE = """
(name) => {
  const row = [...document.querySelectorAll("[data-upload-id]")].find((row) => row.textContent.includes(name));
  const bar = row?.querySelector("[role=progressbar]");
  return row ? {
    id: row.dataset.uploadId,
    words: [row.dataset.status, row.dataset.phase],
    percent: Number(bar?.getAttribute("aria-valuenow") ?? 0),
    link: row.querySelector("a[data-object]")?.href ?? "",
  } : null;
}
"""
PRESS = """
([id, label]) => {
  const buttons = [...document.querySelectorAll(`[data-upload-id="${id}"] button`)];
  const button = buttons.find((button) => (button.ariaLabel || button.textContent).trim() === label);
  button?.click();
  return Boolean(button);
}
"""


class OtherPage:
    """One open page, as ``UploadsPage`` is one in Chromium."""

    def __init__(self, browser: AnyBrowser, line: Line, url: str = "") -> None:
        self.browser = browser
        self.tab = browser.page
        self.line = line
        self.tab.goto(f"{url or line.server.url}/")
        self.when_ready()

    def when_ready(self) -> None:
        found = until(self.tab, "() => document.documentElement.dataset.engine.replace('starting', '')")
        assert found == "ready"
        self.tab.evaluate(WATCH)

    def state(self, name: str) -> dict[str, Any]:
        return dict(until(self.tab, STATE, name))

    def until(self, name: str, *words: str) -> dict[str, Any]:
        """Wait until the row's status or phase is one of ``words``."""
        script = f"([name, words]) => {{ const now = ({STATE})(name);"
        script += " return now && now.words.some((word) => words.includes(word)) && now; }"
        return dict(until(self.tab, script, [name, words]))

    def until_percent(self, name: str, percent: int) -> None:
        until(self.tab, f"([name, percent]) => ({STATE})(name)?.percent >= percent", [name, percent])

    def press(self, name: str, button: str) -> None:
        until(self.tab, PRESS, [self.state(name)["id"], button])

    def timeline(self, name: str) -> list[tuple[str, int]]:
        """Every ``(status, percent)`` that the row has shown since the page was loaded."""
        upload_id = self.state(name)["id"]
        shown = self.tab.evaluate("() => timeline")
        return [
            (status, percent)
            for found, status, _, percent in shown
            if found == upload_id and percent is not None
        ]

    def finish(self, file: Path) -> None:
        """Let it run, and prove what arrived."""
        self.line.limit(None)
        state = self.until(file.name, "completed", "failed")
        assert state["words"] == ["completed", "completed"]
        key = parse_qs(urlsplit(state["link"]).query)["key"][0]
        assert sha256(self.line.server.object_bytes(key)) == sha256(file)
        assert self.line.server.open_uploads() == []


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("firefox", marks=pytest.mark.firefox),
        pytest.param("webkit", marks=pytest.mark.webkit),
    ],
)
def browser(request: pytest.FixtureRequest) -> AnyBrowser:
    found: AnyBrowser = request.getfixturevalue(request.param)()
    return found


@pytest.fixture
def page(browser: AnyBrowser, line: Line) -> Iterator[OtherPage]:
    """A freshly loaded page, whose console must stay silent for the whole test."""
    before = len(browser.console)
    yield OtherPage(browser, line)
    line.limit(None)
    assert browser.console[before:] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the chosen files, whose names are this test's alone."""
    return tmp_path


def stored_bytes(line: Line) -> int:
    """How much of the one open upload the store has."""
    ((key, upload_id),) = line.server.open_uploads()
    answer = line.server.s3.list_parts(Bucket=line.server.bucket, Key=key, UploadId=upload_id)
    return sum(part["Size"] for part in answer.get("Parts", []))


def drain(line: Line) -> None:
    """Wait until what a page that is gone had sent has left the line."""
    line.limit(None)
    seen = -1
    while seen != (seen := line.proxy.sent_up):
        time.sleep(1)


def test_100_mb_arrive_byte_for_byte(page: OtherPage, folder: Path) -> None:
    """B1, B3, I8."""
    page.line.limit(SLOW)
    file = random_file(folder / "hundred.bin", SIZE)
    page.browser.choose_files(file)
    page.until_percent(file.name, 60)  # slowly enough to be seen
    page.finish(file)
    shown = page.timeline(file.name)
    percents = [percent for _, percent in shown]
    assert percents == sorted(percents), "B3: monotone"
    assert all((percent == 100) == (status == "completed") for status, percent in shown), "B3"
    whole_parts = {min(number * 16 * MIB * 100 // SIZE, 99) for number in range(7)} | {99, 100}
    assert set(percents) - whole_parts, "B3: it moves within parts"


def test_pause_resume_cancel(page: OtherPage, folder: Path) -> None:
    """C1, C2."""
    page.line.limit(SLOW)
    kept = random_file(folder / "kept.bin", 40_000_000)
    dropped = random_file(folder / "dropped.bin", SIZE)
    page.browser.choose_files(kept, dropped)
    page.until_percent(kept.name, 10)
    page.press(kept.name, "Pause")
    page.until(kept.name, "paused")
    page.until_percent(dropped.name, 10)
    page.press(dropped.name, "Cancel")
    page.until(dropped.name, "cancelled")
    page.press(kept.name, "Resume")
    page.finish(kept)


def test_reload_and_pick_the_file_again(page: OtherPage, folder: Path) -> None:
    """D1; fault 49; I3."""
    file = random_file(folder / "again.bin", SIZE)
    page.line.limit(SLOW)
    page.browser.choose_files(file)
    page.until_percent(file.name, 60)
    page.tab.reload()
    page.when_ready()
    page.until(file.name, "waiting-for-file")
    drain(page.line)
    stored = stored_bytes(page.line)
    assert 0 < stored < SIZE, "caught in mid-upload"
    before = page.line.proxy.sent_up
    page.browser.choose_files(file)
    page.finish(file)
    sent = page.line.proxy.sent_up - before
    assert SIZE - stored <= sent <= SIZE - stored + OVERHEAD, "D1: what is stored is not sent again"


def test_a_copy_comes_back_without_a_click(
    browser: AnyBrowser, copying: tuple[Line, str], folder: Path
) -> None:
    """D9; fault 49. A WebKit that is driven by a test keeps no copies: it says so, and the file is picked again."""
    line, url = copying
    line.limit(SLOW)
    file = random_file(folder / "copied.bin", SIZE)
    page = OtherPage(browser, line, url)
    browser.choose_files(file)
    script = "() => document.body.innerText.match(/A copy of 100 MB is kept|could not be kept here/)?.[0]"
    told = until(page.tab, script)
    page.until_percent(file.name, 30)
    page.tab.reload()
    page.when_ready()
    if told == "could not be kept here":
        page.until(file.name, "waiting-for-file")
        browser.choose_files(file)
    page.finish(file)
