"""The main job in the real Firefox and the real WebKit (ACCEPTANCE B1, B3, C1, C2, D1, D9). Left out by default.

One browser does all of it, as a person's does; it is asked through functions of the page alone, whatever drives it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.line import Line
from tests.browser.other_page import OtherPage, drain, stored_bytes
from tests.browser.slowly import OVERHEAD
from tests.browser.uploads_page import MIB, random_file
from tests.harness.tabs import AnyBrowser, until

SIZE = 100_000_000
SLOW = 12e6
"""Bytes a second: an upload can be caught under way."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the chosen files, whose names are this test's alone."""
    return tmp_path


def test_100_mb_arrive_byte_for_byte(page: OtherPage, folder: Path) -> None:
    """B1, B3, I8."""
    page.line.limit(SLOW)
    file = random_file(folder / "hundred.bin", SIZE)
    page.choose(file)
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
    page.choose(kept, dropped)
    page.until_percent(kept.name, 10)
    page.press(kept.name, "Pause")
    page.until(kept.name, "paused")
    page.until_percent(dropped.name, 10)
    page.press(dropped.name, "Cancel")
    page.until(dropped.name, "cancelled")
    page.press(kept.name, "Resume")
    page.finish(kept)


def test_small_files_arrive_whole(page: OtherPage, folder: Path) -> None:
    """R2: read at once, written out as a form, and stored by one request."""
    files = [random_file(folder / f"small-{size}.bin", size) for size in (0, 1, 10_000, 300_000, 2_000_000)]
    page.choose(*files)
    for file in files:
        page.finish(file)


def test_reload_and_pick_the_file_again(page: OtherPage, folder: Path) -> None:
    """D1; fault 49; I3."""
    file = random_file(folder / "again.bin", SIZE)
    page.line.limit(SLOW)
    page.choose(file)
    page.until_percent(file.name, 60)
    page.reload()
    page.until(file.name, "waiting-for-file")
    drain(page.line)
    stored = stored_bytes(page.line)
    assert 0 < stored < SIZE, "caught in mid-upload"
    before = page.line.proxy.sent_up
    page.choose(file)
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
    page = OtherPage(browser, line, url=url)
    page.choose(file)
    script = "() => document.body.innerText.match(/A copy of 100 MB is kept|could not be kept here/)?.[0]"
    told = until(page.tab, script)
    page.until_percent(file.name, 30)
    page.reload()
    if told == "could not be kept here":
        page.until(file.name, "waiting-for-file")
        page.choose(file)
    page.finish(file)
