"""Files that come back by themselves after a kill: by their handle, by a copy, or picked again many at once.

A real Chromium against the real server, over a line that is slow enough to be caught in mid-upload.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.line import Line
from tests.browser.slowly import finish, stored_parts, until_stored
from tests.browser.uploads_page import UploadsPage, part_numbers, random_file
from tests.harness.browser import Browser

pytestmark = pytest.mark.browser
Chromium = Callable[..., Browser]

SIZE = 60_000_000
SLOW = 12e6
"""Bytes a second."""

KEPT = """(count) => new Promise((answer) => {
  const opening = indexedDB.open("uploads");
  opening.onsuccess = () => {
    const asking = opening.result.transaction("files").objectStore("files").getAll();
    asking.onsuccess = () => {
      opening.result.close();
      answer(asking.result.map((kept) => kept.constructor.name));
    };
  };
})"""


def drop(page: Page, *files: Path) -> None:
    """Drop files as a person does: Chromium gives the page handles that it may read."""
    session = page.context.new_cdp_session(page)
    data = {"files": [str(file) for file in files], "items": [], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 200, "data": data})
    session.detach()


def until_kept(uploads: UploadsPage, *kinds: str) -> None:
    """Wait until this is what the browser keeps for the next visit."""
    while sorted(uploads.page.evaluate(KEPT)) != sorted(kinds):
        uploads.page.wait_for_timeout(50)


def allow_on_every_visit(browser: Browser) -> None:
    """What a person may answer when a browser that is not headless asks. Call it while the browser is not running."""
    path = browser.profile / "Default" / "Preferences"
    path.parent.mkdir(exist_ok=True)
    preferences = json.loads(path.read_text()) if path.exists() else {}
    values = preferences.setdefault("profile", {}).setdefault("default_content_setting_values", {})
    values["file_system_read_guard"] = 1
    path.write_text(json.dumps(preferences))


def test_a_dropped_file_comes_back_by_itself_after_two_kills(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Faults 47, 49; I3: allowed on every visit, it goes on without a click."""
    come_back_after_kills(chromium(), slow, random_file(tmp_path / "film.bin", SIZE), 2)


def come_back_after_kills(browser: Browser, line: Line, file: Path, kills: int) -> None:
    uploads = UploadsPage(browser, line.server)
    drop(uploads.page, file)
    until_stored(uploads, line, file.name, 15)
    until_kept(uploads, "FileSystemFileHandle")
    sent: Counter[int] = Counter()
    for _ in range(kills):
        browser.kill()
        allow_on_every_visit(browser)
        browser.restart()
        stored = stored_parts(line)
        uploads = UploadsPage(browser, line.server)
        uploads.until(file.name, "uploading", "completed")
        uploads.page.wait_for_timeout(random.uniform(0, 1500))
    finish(uploads, line, file)
    until_kept(uploads)
    browser.close()
    assert not stored & set(part_numbers(browser)), (
        "what was stored before the last kill is not sent after it"
    )
    assert sent.total() == 0
