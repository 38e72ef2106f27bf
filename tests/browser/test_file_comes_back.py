"""Files that come back after a kill: by their handle, by a copy, or picked again (ACCEPTANCE D8-D10).

A real Chromium against the real server, over a line that is slow enough to be caught in mid-upload.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.line import Line
from tests.browser.slowly import ON_THE_WAY, OVERHEAD, finish, stored_parts, until_stored
from tests.browser.uploads_page import MIB, UploadsPage, part_numbers, random_file, sha256
from tests.harness.browser import Browser, wait_until

pytestmark = pytest.mark.browser
Chromium = Callable[..., Browser]

SIZE = 60_000_000
SLOW = 12e6
"""Bytes a second."""

KEPT = """() => new Promise((answer) => {
  const opening = indexedDB.open("uploads");
  opening.onsuccess = () => {
    const asking = opening.result.transaction("files").objectStore("files").getAll();
    asking.onsuccess = () => {
      opening.result.close();
      answer(asking.result.map((kept) => kept.constructor.name));
    };
  };
})"""

TAKE_DROPS = """() => {
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", async (event) => {
    event.preventDefault();
    globalThis.handle = await event.dataTransfer.items[0].getAsFileSystemHandle();
  });
}"""

ANSWER_LATER = """() => {
  const answered = new Promise((answer) => { globalThis.answer = answer; });
  FileSystemFileHandle.prototype.requestPermission = async function () {
    globalThis.asked = navigator.userActivation.isActive;
    await answered;
    return this.queryPermission();
  };
}"""


def drop(page: Page, file: Path) -> None:
    """Drop a file or a folder as a person does: Chromium gives the page a handle that it may read."""
    session = page.context.new_cdp_session(page)
    data = {"files": [str(file)], "items": [], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 200, "data": data})
    session.detach()


def until_kept(uploads: UploadsPage, *kinds: str) -> None:
    """Wait until this is what the browser keeps for the next visit."""
    while uploads.page.evaluate(KEPT) != list(kinds):
        uploads.page.wait_for_timeout(50)


def begin_with_a_drop(browser: Browser, line: Line, file: Path) -> None:
    """Until something is stored and the handle is kept; then the browser is killed."""
    uploads = UploadsPage(browser, line.server)
    drop(uploads.page, file)
    until_stored(uploads, line, file.name, 15)
    until_kept(uploads, "FileSystemFileHandle")
    browser.kill()


def allow_on_every_visit(browser: Browser) -> None:
    """What a person may answer where there are prompts, and a headless Chromium has none. Call it while none runs."""
    path = browser.profile / "Default" / "Preferences"
    path.parent.mkdir(exist_ok=True)
    preferences = json.loads(path.read_text()) if path.exists() else {}
    values = preferences.setdefault("profile", {}).setdefault("default_content_setting_values", {})
    values["file_system_read_guard"] = 1
    path.write_text(json.dumps(preferences))


def finish_and_close(uploads: UploadsPage, line: Line, file: Path, stored: set[int]) -> None:
    """It ends exactly; what was ``stored`` when this browser started is not sent again; nothing stays behind."""
    assert stored, "caught in mid-upload"
    finish(uploads, line, file)
    until_kept(uploads)
    uploads.browser.close()
    assert isinstance(uploads.browser, Browser)
    assert not stored & set(part_numbers(uploads.browser))


def kill_soon(browser: Browser, line: Line, moments: random.Random, stored: set[int]) -> set[int]:
    """Within four seconds. What was ``stored`` when this browser started has not been sent again; what is stored now."""
    browser.page.wait_for_timeout(moments.uniform(0, 4000))
    browser.kill()
    assert not stored & set(part_numbers(browser))
    return stored_parts(line)


@pytest.mark.parametrize(
    ("size", "kills"),
    [(SIZE, 2), pytest.param(4 * SIZE, 10, marks=pytest.mark.long)],
    ids=["2 kills", "10 kills"],
)
def test_a_dropped_file_comes_back_by_itself_after_every_kill(
    chromium: Chromium, slow: Line, tmp_path: Path, size: int, kills: int
) -> None:
    """D8; faults 47, 49; I3: allowed on every visit, it goes on without a click."""
    file, moments = random_file(tmp_path / "film.bin", size), random.Random(kills)
    browser = chromium()
    begin_with_a_drop(browser, slow, file)
    stored = stored_parts(slow)
    for _ in range(kills - 1):
        allow_on_every_visit(browser)
        browser.restart()
        browser.page.goto(slow.server.url)
        stored = kill_soon(browser, slow, moments, stored)
    allow_on_every_visit(browser)
    browser.restart()
    uploads = UploadsPage(browser, slow.server)
    finish_and_close(uploads, slow, file, stored)
    assert browser.console == []


@pytest.mark.long
def test_a_picked_file_is_picked_once_after_each_of_ten_kills(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """D3; faults 47, 49; I3: a kill costs what was on its way, and no more."""
    size, kills = 300_000_000, 10
    file, moments = random_file(tmp_path / "film.bin", size), random.Random(kills)
    before = slow.proxy.sent_up
    browser = chromium()
    uploads = UploadsPage(browser, slow.server)
    uploads.choose(file)
    until_stored(uploads, slow, file.name, 5)
    stored: set[int] = set()  # when the browser started
    for _ in range(kills):
        stored = kill_soon(browser, slow, moments, stored)
        browser.restart()
        uploads = UploadsPage(browser, slow.server)
        uploads.until(file.name, "waiting-for-file")
        uploads.choose(file)
    finish_and_close(uploads, slow, file, stored)
    assert slow.proxy.sent_up - before <= size + kills * ON_THE_WAY + OVERHEAD


@pytest.mark.long
def test_one_click_brings_a_dropped_file_back(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """D8; faults 47, 49; I3.

    Nobody can press Allow in a headless Chromium. It gives an origin the same permission for a file that is dropped on
    any of its pages; so the answer is a drop on another tab.
    """
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    begin_with_a_drop(browser, slow, file)
    browser.restart()
    stored = stored_parts(slow)
    uploads = UploadsPage(browser, slow.server)
    uploads.until(file.name, "waiting-for-file")
    row = uploads.row(file.name)
    row.get_by_text("Press Continue to go on").wait_for()
    assert row.get_by_role("button").all_inner_texts() == ["Continue", "Cancel", "Details"]
    uploads.page.evaluate(ANSWER_LATER)
    row.get_by_role("button", name="Continue", exact=True).focus()
    uploads.page.keyboard.press("Enter")
    wait_until(uploads.page, "globalThis.asked === true")
    assert uploads.state(file.name)[1] == "waiting-for-file"
    other = browser.new_page()
    other.goto(f"{slow.server.url}/healthz")
    other.evaluate(TAKE_DROPS)
    drop(other, file)
    wait_until(other, "globalThis.handle !== undefined")
    uploads.page.bring_to_front()
    uploads.page.evaluate("answer()")
    uploads.until(file.name, "uploading")
    finish_and_close(uploads, slow, file, stored)


@pytest.mark.long
def test_who_says_no_chooses_the_file_again(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """D8; fault 49."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium("--deny-permission-prompts")
    begin_with_a_drop(browser, slow, file)
    browser.restart()
    stored = stored_parts(slow)
    uploads = UploadsPage(browser, slow.server)
    uploads.press(file.name, "Continue")
    row = uploads.row(file.name)
    row.get_by_text("The browser did not let this page read the file").wait_for()
    assert row.get_by_role("button").all_inner_texts() == ["Choose file…", "Cancel", "Details"]
    uploads.choose(file)
    finish_and_close(uploads, slow, file, stored)


def test_a_copy_comes_back_without_a_click(
    chromium: Chromium, copying: tuple[Line, str], tmp_path: Path
) -> None:
    """D9; faults 47, 49; I3. The file itself is gone by then."""
    line, url = copying
    line.limit(SLOW)
    file = random_file(tmp_path / "film.bin", SIZE)
    larger = random_file(tmp_path / "larger.bin", SIZE + MIB)
    content = sha256(file)
    browser = chromium()
    uploads = UploadsPage(browser, line.server, url=url)
    uploads.choose(file)
    uploads.row(file.name).get_by_text(
        "A copy of 60.0 MB is kept in this browser until it is uploaded."
    ).wait_for()
    stored = until_stored(uploads, line, file.name, 15)
    uploads.choose(larger)
    uploads.until_percent(larger.name, 1)
    assert uploads.row(larger.name).locator(".note").is_hidden()
    browser.kill()
    file.unlink()
    browser.restart()
    uploads = UploadsPage(browser, line.server, url=url)
    line.limit(None)
    uploads.until(file.name, "completed", "failed")
    assert sha256(uploads.object_of(file.name)) == content
    uploads.until(larger.name, "waiting-for-file")
    uploads.press(larger.name, "Cancel")
    uploads.until(larger.name, "cancelled")
    until_kept(uploads)
    assert line.server.open_uploads() == []
    browser.close()
    assert not stored & set(part_numbers(browser))


@pytest.mark.long
@pytest.mark.parametrize("again", [pytest.param("picked", marks=pytest.mark.long), "dropped as a folder"])
def test_files_given_again_all_at_once_find_their_uploads(
    chromium: Chromium, slow: Line, tmp_path: Path, again: str
) -> None:
    """D10; faults 49, 61: two of them have the same name."""
    tmp_path = tmp_path / "films"
    tmp_path.mkdir()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    paths = (tmp_path / "one" / "film.bin", tmp_path / "two" / "film.bin", tmp_path / "other.bin")
    files = [random_file(path, 30_000_000) for path in paths]
    browser = chromium()
    uploads = UploadsPage(browser, slow.server)
    uploads.choose(*files)
    upload_ids = upload_ids_of(uploads)
    while len(slow.server.open_uploads()) < 3:
        uploads.page.wait_for_timeout(50)
    uploads.page.wait_for_timeout(2000)
    browser.kill()
    browser.restart()
    uploads = UploadsPage(browser, slow.server)
    uploads.page.locator('[data-phase="waiting-for-file"]').nth(2).wait_for(timeout=240_000)
    if again == "picked":
        uploads.choose(*reversed(files))
    else:
        drop(uploads.page, tmp_path)
    slow.limit(None)
    uploads.page.locator('[data-status="completed"]').nth(2).wait_for(timeout=240_000)
    assert upload_ids_of(uploads) == upload_ids
    arrived = [sha256(uploads.object_of_id(upload_id)) for upload_id in upload_ids]
    assert arrived == [sha256(file) for file in files]
    assert slow.server.open_uploads() == []


def upload_ids_of(uploads: UploadsPage) -> list[str]:
    """In the order of the page, once there are three."""
    uploads.page.locator("[data-upload-id]").nth(2).wait_for()
    ids: list[str] = uploads.page.evaluate(
        "[...document.querySelectorAll('[data-upload-id]')].map((row) => row.dataset.uploadId)"
    )
    return ids
