"""Tabs that come, go, hide, crash and come back, in the real Firefox and the real WebKit. Left out by default.

What Chromium does is shown in ``test_tabs`` and ``test_browser_rows``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from upload_engine.core.limits import LITTLE

from tests.browser.line import Line
from tests.browser.other_page import OtherPage, drain, stored_bytes
from tests.browser.slowly import ON_THE_WAY, OVERHEAD
from tests.browser.test_tabs import ALONE
from tests.browser.uploads_page import WATCH_ENGINE, random_file
from tests.harness.firefox import Firefox
from tests.harness.tabs import AnyBrowser, Tab, until

pytestmark = pytest.mark.timeout(300)

SIZE = 60_000_000
SLOW = 12e6
"""Bytes a second."""


@pytest.fixture
def other(browser: AnyBrowser) -> Iterator[Tab]:
    """A second tab."""
    tab = browser.new_page()
    yield tab
    tab.close()


def take_over(follower: OtherPage, leader: Tab, end: Callable[[], object], file: Path) -> None:
    """The follower gives a file to the leading tab's worker; the leader goes; the follower ends it without a click."""
    OtherPage(follower.browser, follower.line, ALONE, tab=leader)
    follower.reload()  # and so the other one leads
    follower.choose(file)
    follower.until_percent(file.name, 50)
    follower.tab.evaluate(WATCH_ENGINE)
    began = time.time()
    end()
    times = until(follower.tab, "() => engineTimes.length > 1 && engineTimes")
    assert [state for state, _ in times] == ["starting", "ready"]
    print(f"\nanother tab's engine was ready after {times[1][1] / 1000 - began:.2f} s")
    follower.finish(file)


def test_when_the_leading_tab_is_closed_another_one_ends_what_it_was_given(
    browser: AnyBrowser, other: Tab, slow: Line, tmp_path: Path
) -> None:
    """Fault 50; I3."""
    file = random_file(tmp_path / "closed.bin", SIZE)
    take_over(OtherPage(browser, slow, ALONE), other, other.close, file)


@pytest.mark.firefox
def test_when_the_leading_tab_crashes_another_one_ends_what_it_was_given(
    firefox: Callable[[], Firefox], slow: Line, tmp_path: Path
) -> None:
    """Faults 50, 53; I3."""
    file = random_file(tmp_path / "crashed.bin", SIZE)
    browser = firefox()
    follower = OtherPage(browser, slow, ALONE)
    take_over(follower, browser.new_window(), browser.crash_newest, file)


def test_a_tab_watches_pauses_and_ends_what_another_one_began(
    browser: AnyBrowser, other: Tab, slow: Line, film: Path
) -> None:
    """Fault 50; C1; I3, I4: the engine is one for all tabs, and outlives the one that began."""
    stays = OtherPage(browser, slow)
    began = OtherPage(browser, slow, tab=other)
    before = slow.proxy.sent_up
    began.choose(film)
    stays.until_percent(film.name, 20)
    stays.press(film.name, "Pause")
    began.until(film.name, "paused")
    stays.press(film.name, "Resume")
    began.until(film.name, "uploading")
    other.close()
    stays.finish(film)
    percents = [percent for _, percent in stays.timeline(film.name)]
    assert percents == sorted(percents)
    assert slow.proxy.sent_up - before <= film.stat().st_size + ON_THE_WAY + OVERHEAD


@pytest.mark.parametrize("query", ["", ALONE], ids=["shared worker", "a worker each"])
def test_a_small_file_goes_through_a_worker_that_another_tab_has_started(
    browser: AnyBrowser, other: Tab, slow: Line, tmp_path: Path, query: str
) -> None:
    """Faults 50, 53: whatever its process may read."""
    first, second = OtherPage(browser, slow, query), OtherPage(browser, slow, query, tab=other)
    for page in (first, second):
        page.tab.evaluate(WATCH_ENGINE)
    for size in (1000, LITTLE + 1, 5_000_000):
        file = random_file(tmp_path / f"{size}.bin", size)
        second.choose(file)
        second.finish(file)
        first.until(file.name, "completed")
    assert first.tab.evaluate("() => engineTimes") == second.tab.evaluate("() => engineTimes") == []


def test_an_upload_in_a_hidden_tab_goes_on(
    browser: AnyBrowser, other: Tab, slow: Line, tmp_path: Path
) -> None:
    """Fault 51."""
    file = random_file(tmp_path / "hidden.bin", SIZE)
    other.goto(f"{slow.server.url}/healthz")
    hidden = {tab.evaluate("document.visibilityState"): tab for tab in (browser.page, other)}["hidden"]
    page = OtherPage(browser, slow, tab=hidden)
    page.choose(file)
    page.until_percent(file.name, 50)
    page.finish(file)
    assert hidden.evaluate("document.visibilityState") == "hidden"


def test_an_upload_goes_on_when_its_only_page_comes_back(
    browser: AnyBrowser, slow: Line, tmp_path: Path
) -> None:
    """Fault 52: by itself where the browser has kept the page, else when the file is picked."""
    file = random_file(tmp_path / "away.bin", SIZE)
    page = OtherPage(browser, slow)
    page.choose(file)
    page.until_percent(file.name, 30)
    page.tab.evaluate(
        "() => addEventListener('pageshow', (event) => { globalThis.shown = event.persisted; })"
    )
    page.tab.goto(f"{slow.server.url}/healthz")
    page.tab.evaluate("() => void setTimeout(() => history.back())")
    until(page.tab, "() => document.documentElement.dataset.engine === 'ready'")
    kept = page.tab.evaluate("() => globalThis.shown")
    if not kept:  # Firefox loads the page anew
        page.until(file.name, "waiting-for-file")
        page.choose(file)
    page.finish(file)


def test_a_page_that_sleeps_in_the_cache_keeps_no_other_one_waiting(browser: AnyBrowser, slow: Line) -> None:
    """Fault 52: WebKit puts the worker that leads to sleep with its page, and another one has to lead now."""
    page = OtherPage(browser, slow)
    page.tab.goto(f"{slow.server.url}/healthz")
    OtherPage(browser, slow, ALONE)


def test_an_upload_goes_on_after_the_network_was_away(
    browser: AnyBrowser, slow: Line, tmp_path: Path
) -> None:
    """Fault 5; D4: the store cannot be reached, and nothing is to be clicked."""
    file = random_file(tmp_path / "offline.bin", SIZE)
    page = OtherPage(browser, slow)
    page.choose(file)
    page.until_percent(file.name, 30)
    slow.background.run(slow.proxy.refuse_for(6))
    page.finish(file)


@pytest.mark.firefox
def test_firefox_is_killed_and_the_file_is_picked_again(
    firefox: Callable[[], Firefox], slow: Line, tmp_path: Path
) -> None:
    """D3; faults 47, 49; I3."""
    file = random_file(tmp_path / "killed.bin", SIZE)
    browser = firefox()
    page = OtherPage(browser, slow)
    page.choose(file)
    page.until_percent(file.name, 50)
    browser.kill()
    drain(slow)
    stored = stored_bytes(slow)
    assert 0 < stored < SIZE, "caught in mid-upload"
    before = slow.proxy.sent_up
    browser.start()
    page = OtherPage(browser, slow)
    page.until(file.name, "waiting-for-file")
    page.choose(file)
    page.finish(file)
    sent = slow.proxy.sent_up - before
    assert SIZE - stored <= sent <= SIZE - stored + OVERHEAD, "D3: what is stored is not sent again"
