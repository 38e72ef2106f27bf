"""What browsers do to an upload: tabs that come and go, pages that freeze, workers that die, storage that fails.

A real Chromium against the real server, over a line that is slow enough to be caught in mid-upload.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error

from tests.browser.line import Line
from tests.browser.uploads_page import MIB, UploadsPage, part_numbers, random_file, sha256
from tests.harness.browser import Browser, wait_until
from tests.harness.crashes import end_shared_worker

pytestmark = pytest.mark.browser
Chromium = Callable[..., Browser]

SIZE = 60_000_000
SLOW = 12e6
"""Bytes a second."""


@pytest.fixture
def slow(line: Line) -> Iterator[Line]:
    line.limit(SLOW)
    yield line
    line.limit(None)
    for key, upload_id in line.server.open_uploads():  # of a test that failed
        line.server.s3.abort_multipart_upload(Bucket=line.server.bucket, Key=key, UploadId=upload_id)


class Tab(UploadsPage):
    """One of several tabs of a browser."""

    def __init__(self, browser: Browser, line: Line, query: str = "", *, first: bool = False) -> None:
        self.browser = browser
        self.server = line.server
        self.page = browser.page if first else browser.new_page()
        self.page.goto(f"{line.server.url}/{query}")
        self.when_ready()

    def choose(self, *files: Path) -> None:
        self.browser.choose_files(*files, page=self.page)


def finish(uploads: UploadsPage, line: Line, file: Path) -> None:
    """Let it run, and prove what arrived."""
    line.limit(None)
    uploads.until(file.name, "completed", "failed")
    assert uploads.state(file.name)[0] == "completed"
    assert sha256(uploads.object_of(file.name)) == sha256(file)
    assert line.server.open_uploads() == []


def stored_parts(line: Line) -> set[int]:
    """The numbers of the parts that the one open upload has in the store."""
    ((key, upload_id),) = line.server.open_uploads()
    answer = line.server.s3.list_parts(Bucket=line.server.bucket, Key=key, UploadId=upload_id)
    return {part["PartNumber"] for part in answer.get("Parts", [])}


def until_stored(uploads: UploadsPage, line: Line, file: Path) -> set[int]:
    """Wait until a part is stored and more is on its way."""
    uploads.until_percent(file.name, 30)
    while not (stored := stored_parts(line)):
        uploads.page.wait_for_timeout(50)
    return stored


def test_two_tabs_watch_one_upload_and_the_second_ends_what_the_first_began(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 50; I3, I4: the engine is one for all tabs, and outlives the one that began."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    first = Tab(browser, slow, first=True)
    second = Tab(browser, slow)
    first.choose(file)
    second.until_percent(file.name, 30)
    first.page.close()
    finish(second, slow, file)
    percents = [percent for _, _, percent in second.timeline(file.name)]
    assert percents == sorted(percents)
    browser.close()
    assert sorted(part_numbers(browser)) == list(range(1, -(-SIZE // (8 * MIB)) + 1)), "each part once"


def test_the_tab_that_began_crashes_and_the_other_one_ends_it(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 50."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    second = Tab(browser, slow, first=True)
    first = Tab(browser, slow)
    first.choose(file)
    second.until_percent(file.name, 30)
    with first.page.expect_event("crash"), contextlib.suppress(Error):
        first.page.goto("chrome://crash")
    finish(second, slow, file)


def test_a_frozen_page_does_not_stop_its_upload(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """Fault 51. The simulation lets whole machines sleep."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    uploads = Tab(browser, slow, first=True)
    uploads.choose(file)
    uploads.until_percent(file.name, 20)
    session = browser.context.new_cdp_session(uploads.page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    slow.limit(None)
    while slow.server.open_uploads():
        browser.page.context.pages[0].wait_for_timeout(100)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    finish(uploads, slow, file)


def go_away(tab: Tab, line: Line) -> None:
    """To another page, whereupon Chromium keeps this one in its back/forward cache."""
    tab.page.evaluate("addEventListener('pageshow', (event) => { globalThis.shown = event.persisted; })")
    tab.page.goto(f"{line.server.url}/healthz")


def come_back(tab: Tab) -> None:
    tab.page.evaluate(
        "setTimeout(() => history.back())"
    )  # Playwright's own way waits for a load that does not happen
    tab.page.wait_for_url("**/", wait_until="commit")
    wait_until(tab.page, "globalThis.shown === true")


def test_a_page_that_was_away_shows_what_has_happened_since(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 52: another tab keeps the worker going."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    away = Tab(browser, slow, first=True)
    stays = Tab(browser, slow)
    away.choose(file)
    away.until_percent(file.name, 20)
    go_away(away, slow)
    finish(stays, slow, file)
    stays.press(file.name, "Remove")
    stays.page.locator("#nothing-yet").wait_for()
    second = random_file(tmp_path / "second.bin", MIB)
    stays.choose(second)
    finish(stays, slow, second)
    come_back(away)
    finish(away, slow, second)
    assert browser.console == []


def test_an_upload_goes_on_when_its_only_page_comes_back(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 52: in the meantime Chromium lets the worker rest with its page."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    uploads = Tab(browser, slow, first=True)
    uploads.choose(file)
    uploads.until_percent(file.name, 20)
    go_away(uploads, slow)
    uploads.page.wait_for_timeout(8_000)
    come_back(uploads)
    finish(uploads, slow, file)
    percents = [percent for _, _, percent in uploads.timeline(file.name)]
    assert percents == sorted(percents)


def test_a_worker_that_crashes_is_replaced_and_goes_on(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 53; I3: the page still has the file."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    uploads = Tab(browser, slow, first=True)
    uploads.choose(file)
    stored = until_stored(uploads, slow, file)
    end_shared_worker(browser)
    uploads.page.wait_for_selector("html[data-engine=starting]")
    uploads.when_ready()
    finish(uploads, slow, file)
    browser.close()
    sent = Counter(part_numbers(browser))
    assert {number: sent[number] for number in stored} == dict.fromkeys(stored, 1)
    assert sum(sent.values()) <= len(sent) + 3, "at most what was on its way is sent twice"
