"""Several tabs without a shared worker: one leads, the others follow, and take over when it goes.

A real Chromium against the real server, over a line that is slow enough to be caught in mid-upload.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Error
from upload_engine.core.limits import LITTLE

from tests.browser.line import Line
from tests.browser.slowly import finish, stored_parts, until_stored
from tests.browser.test_browser_rows import Tab, under_way
from tests.browser.uploads_page import LIMIT, WATCH_ENGINE, UploadsPage, part_numbers, random_file
from tests.harness.browser import Browser, wait_until
from tests.harness.marks import mostly_long

pytestmark = pytest.mark.browser
Chromium = Callable[..., Browser]

SIZE = 60_000_000
SLOW = 12e6
"""Bytes a second."""

ALONE = "?worker=dedicated"
"""As in a browser without shared workers."""


def end_tab(tab: Tab, how: str) -> None:
    if how == "closed":
        tab.page.close()
    else:
        with tab.page.expect_event("crash"), contextlib.suppress(Error):
            tab.page.goto("chrome://crash")


@pytest.mark.long
def test_a_follower_shows_and_pauses_what_the_leading_tab_uploads(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 50; C1."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    leader = Tab(browser, slow, ALONE, first=True)
    follower = Tab(browser, slow, ALONE)
    leader.choose(file)
    follower.until_percent(file.name, 20)
    follower.press(file.name, "Pause")
    leader.until(file.name, "paused")
    follower.press(file.name, "Resume")
    finish(follower, slow, file)
    leader.until(file.name, "completed")
    assert browser.console == []
    browser.close()
    assert set(part_numbers(browser)) == set(range(1, 9))


@pytest.mark.parametrize("how", mostly_long(["closed", "crashed"], {"crashed"}))
def test_when_the_leading_tab_goes_another_one_ends_what_it_was_given(
    chromium: Chromium, slow: Line, tmp_path: Path, how: str
) -> None:
    """Fault 50, fault 53; I3: without a click, since the follower still has its file."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    follower = Tab(browser, slow, ALONE, first=True)
    leader = Tab(browser, slow, ALONE)
    follower.page.reload()  # and so the other one leads
    follower.when_ready()
    follower.choose(file)
    stored = until_stored(follower, slow, file.name, 30)
    follower.page.evaluate(WATCH_ENGINE)
    began = time.time()
    end_tab(leader, how)
    follower.page.wait_for_selector("html[data-engine=ready]", timeout=LIMIT)
    while len(times := follower.page.evaluate("engineTimes")) < 2:
        follower.page.wait_for_timeout(20)
    assert [state for state, _ in times] == ["starting", "ready"]
    print(f"\n{how}: another tab's engine was ready after {times[1][1] / 1000 - began:.2f} s")
    finish(follower, slow, file)
    browser.close()
    sent = Counter(part_numbers(browser))
    assert {number: sent[number] for number in stored} == dict.fromkeys(stored, 1)


@pytest.mark.parametrize("query", ["", ALONE], ids=["shared worker", "a worker each"])
def test_a_small_file_goes_through_a_worker_that_another_tab_has_started(
    chromium: Chromium, slow: Line, tmp_path: Path, query: str
) -> None:
    """Faults 50, 53: its process may not open the file itself, and Chromium would end it for trying."""
    browser = chromium()
    first = Tab(browser, slow, query, first=True)
    wait_until(first.page, "navigator.serviceWorker.controller !== null")
    second = Tab(browser, slow, query)
    for tab in (first, second):
        tab.page.evaluate(WATCH_ENGINE)
    for size in (LITTLE + 1, 5_000_000):
        file = random_file(tmp_path / f"{size}.bin", size)
        second.choose(file)
        finish(second, slow, file)
        first.until(file.name, "completed")
    assert first.page.evaluate("engineTimes") == second.page.evaluate("engineTimes") == []
    assert browser.console == []


@pytest.mark.long
def test_a_file_that_went_with_the_leading_tab_is_asked_for(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 50: nobody else has it."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    leader = Tab(browser, slow, ALONE)
    follower = Tab(browser, slow, ALONE, first=True)
    leader.choose(file)
    until_stored(follower, slow, file.name, 30)
    end_tab(leader, "closed")
    follower.until(file.name, "waiting-for-file")
    follower.choose(file)
    finish(follower, slow, file)
    assert follower.page.locator("[data-upload-id]").count() == 1


def test_where_tabs_cannot_meet_the_page_says_so(chromium: Chromium, line: Line) -> None:
    """Fault 50: pages of plain http have no locks."""
    browser = chromium("--host-resolver-rules=MAP plain.test 127.0.0.1")
    uploads = UploadsPage(browser, line.server, ALONE, url=line.server.url.replace("127.0.0.1", "plain.test"))
    uploads.page.locator("#warnings").get_by_text("use one tab at a time").wait_for(timeout=LIMIT)


@pytest.mark.long
def test_a_newer_build_takes_over_and_what_was_on_its_way_is_not_sent_again(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 50, fault 53; I3: the old engine drains, and the new one is given the file."""
    browser, uploads, file, _ = under_way(chromium, slow, tmp_path)
    with uploads.another_engine():
        uploads.page.evaluate("new BroadcastChannel('uploads /').postMessage({ build: 'newer' })")
        uploads.page.locator("#notice").get_by_text("another version").wait_for(timeout=LIMIT)
    finish(uploads, slow, file)
    assert browser.console == []
    browser.close()
    assert sorted(part_numbers(browser)) == list(range(1, 9)), "each part once"


def test_an_upload_goes_on_while_no_page_is_open(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """Fault 49, where the browser lets a worker outlive its pages: without a click."""
    file = random_file(tmp_path / "film.bin", SIZE)
    slow.limit(SLOW / 4)
    browser = chromium()
    uploads = Tab(browser, slow, first=True)
    uploads.choose(file)
    before = until_stored(uploads, slow, file.name, 15)
    uploads.page.goto("about:blank")
    uploads.page.wait_for_timeout(10_000)
    assert len(stored_parts(slow)) > len(before)
    uploads.page.goto(slow.server.url)
    uploads.when_ready()
    uploads.until_percent(file.name, 40)
    finish(uploads, slow, file)
    assert {phase for _, phase, _ in uploads.timeline(file.name)} <= {"uploading", "finalising", "completed"}
    assert browser.console == []
    browser.close()
    assert sorted(part_numbers(browser)) == list(range(1, 9)), "each part once"
