"""Reloads, kills and a bad line (ACCEPTANCE C3, D1-D4). The line is slow enough to be caught in mid-upload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.line import Line
from tests.browser.uploads_page import MIB, UploadsPage, part_numbers, random_file, sha256
from tests.harness.browser import Browser

pytestmark = pytest.mark.browser
Chromium = Callable[..., Browser]

SIZE = 99_000_000
SLOW = 20e6
"""Bytes a second."""


@pytest.fixture
def slow(line: Line) -> Iterator[Line]:
    line.limit(SLOW)
    yield line
    line.limit(None)
    for key, upload_id in line.server.open_uploads():  # of a test that failed
        line.server.s3.abort_multipart_upload(Bucket=line.server.bucket, Key=key, UploadId=upload_id)


def stored_parts(line: Line) -> set[int]:
    """The numbers of the parts that the one open upload has in the store."""
    ((key, upload_id),) = line.server.open_uploads()
    answer = line.server.s3.list_parts(Bucket=line.server.bucket, Key=key, UploadId=upload_id)
    return {part["PartNumber"] for part in answer.get("Parts", [])}


def until_stored(uploads: UploadsPage, line: Line, percent: int = 50) -> set[int]:
    """Wait until that much is on its way and a part of it is stored: what is on the way shows before it counts."""
    uploads.until_percent("film.bin", percent)
    while not (stored := stored_parts(line)):
        uploads.page.wait_for_timeout(50)
    return stored


def finish(uploads: UploadsPage, line: Line, file: Path) -> None:
    """Let it run, and prove what arrived."""
    line.limit(None)
    uploads.until(file.name, "completed", "failed")
    assert uploads.state(file.name)[0] == "completed"
    assert sha256(uploads.object_of(file.name)) == sha256(file)
    assert line.server.open_uploads() == []


def test_reload_pick_another_then_the_same_file(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """D1, D2; faults 49, 61; I3."""
    file = random_file(tmp_path / "film.bin", SIZE)
    (tmp_path / "other").mkdir()
    other = random_file(tmp_path / "other" / "film.bin", SIZE)
    browser = chromium()
    uploads = UploadsPage(browser, slow.server)
    uploads.choose(file)
    until_stored(uploads, slow)
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
    until_stored(uploads, slow)
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
    stored = until_stored(uploads, slow)
    slow.server.kill()
    uploads.until(file.name, "waiting-for-network")
    slow.server.start()
    finish(uploads, slow, file)
    browser.close()
    sent = Counter(part_numbers(browser))
    assert {number: sent[number] for number in stored} == dict.fromkeys(stored, 1)


def test_kill_9_of_both(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """D3."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    uploads = UploadsPage(browser, slow.server)
    uploads.choose(file)
    until_stored(uploads, slow)
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


def test_fifty_clicks_and_the_last_one_wins(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """C3; fault 66."""
    file = random_file(tmp_path / "film.bin", 30 * MIB)
    uploads = UploadsPage(chromium(), slow.server)
    uploads.choose(file)
    for _ in range(25):
        uploads.press(file.name, "Pause")
        uploads.press(file.name, "Resume")
    finish(uploads, slow, file)
