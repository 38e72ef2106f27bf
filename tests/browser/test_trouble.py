"""Reloads, kills and a bad line (ACCEPTANCE C3, D1-D4). The line is slow enough to be caught in mid-upload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.line import Line
from tests.browser.slowly import finish, stored_parts, until_stored
from tests.browser.uploads_page import FORGETFUL, MIB, UploadsPage, part_numbers, random_file
from tests.harness.browser import Browser

pytestmark = pytest.mark.browser
Chromium = Callable[..., Browser]

SIZE = 99_000_000
SLOW = 20e6
"""Bytes a second."""


def test_reload_pick_another_then_the_same_file(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """D1, D2; faults 49, 61; I3."""
    file = random_file(tmp_path / "film.bin", SIZE)
    (tmp_path / "other").mkdir()
    other = random_file(tmp_path / "other" / "film.bin", SIZE)
    browser = chromium()
    uploads = UploadsPage(browser, slow.server, FORGETFUL)
    uploads.choose(file)
    until_stored(uploads, slow, file.name, 50)
    uploads.reload()
    uploads.until(file.name, "waiting-for-file")
    assert uploads.state(file.name)[0] == "paused"
    stored = stored_parts(slow)
    assert stored, "caught in mid-upload"
    uploads.choose(other)
    refusal = uploads.row(file.name).get_by_text("its content is different")
    refusal.wait_for(timeout=60_000)
    assert uploads.state(file.name)[1] == "waiting-for-file"
    assert uploads.page.locator("[data-upload-id]").count() == 1
    uploads.choose(file)
    finish(uploads, slow, file)
    browser.close()
    sent = Counter(part_numbers(browser))
    assert {number: sent[number] for number in stored} == dict.fromkeys(stored, 1), "D1: not sent again"
    assert browser.console == []


def test_kill_9_of_the_browser(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """D3; faults 47, 53."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    uploads = UploadsPage(browser, slow.server)
    uploads.choose(file)
    until_stored(uploads, slow, file.name, 50)
    browser.kill()
    browser.restart()
    uploads = UploadsPage(browser, slow.server)
    uploads.until(file.name, "waiting-for-file")
    stored = stored_parts(slow)
    assert stored
    uploads.choose(file)
    finish(uploads, slow, file)
    browser.close()
    assert not stored & set(part_numbers(browser)), "what was stored before the kill is not sent after it"


def test_kill_9_of_the_server_and_its_store(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """D3, D4, E4; faults 5, 10, 42."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    uploads = UploadsPage(browser, slow.server)
    uploads.choose(file)
    stored = until_stored(uploads, slow, file.name, 50)
    slow.server.kill()
    uploads.until(file.name, "waiting-for-network")
    slow.server.start()
    finish(uploads, slow, file)
    browser.close()
    sent = Counter(part_numbers(browser))
    assert {number: sent[number] for number in stored} == dict.fromkeys(stored, 1)


@pytest.mark.long
def test_kill_9_of_both(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """D3."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    uploads = UploadsPage(browser, slow.server)
    uploads.choose(file)
    until_stored(uploads, slow, file.name, 50)
    slow.server.kill()
    browser.kill()
    slow.server.start()
    browser.restart()
    stored = stored_parts(slow)
    uploads = UploadsPage(browser, slow.server)
    uploads.choose(file)
    finish(uploads, slow, file)
    browser.close()
    assert stored
    assert not stored & set(part_numbers(browser))


@pytest.mark.long
def test_a_line_that_is_cut_again_and_again(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """D4; faults 1, 7; I8."""
    file = random_file(tmp_path / "film.bin", SIZE)
    uploads = UploadsPage(chromium(), slow.server)
    uploads.choose(file)
    for percent in (15, 30, 45, 60):
        uploads.until_percent(file.name, percent)
        slow.background.run(slow.proxy.cut())
    finish(uploads, slow, file)
    percents = [percent for _, _, percent in uploads.timeline(file.name)]
    assert percents == sorted(percents)


@pytest.mark.long
def test_fifty_clicks_and_the_last_one_wins(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """C3; fault 66."""
    file = random_file(tmp_path / "film.bin", 30 * MIB)
    slow.limit(2e6)  # on a busy machine fifty clicks take a while, and the file must not be done before
    uploads = UploadsPage(chromium(), slow.server)
    uploads.choose(file)
    for _ in range(25):
        uploads.press(file.name, "Pause")
        uploads.press(file.name, "Resume")
    finish(uploads, slow, file)
