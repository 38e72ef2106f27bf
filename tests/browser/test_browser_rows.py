"""What browsers do to an upload: tabs that come and go, pages that freeze, workers that die, storage that fails.

A real Chromium against the real server, over a line that is slow enough to be caught in mid-upload.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Error
from uploads.ui.format import visible_name

from tests.browser.line import Line
from tests.browser.slowly import finish, stored_parts, until_stored
from tests.browser.uploads_page import FORGETFUL, LIMIT, MIB, UploadsPage, part_numbers, random_file
from tests.harness.browser import Browser, wait_until
from tests.harness.crashes import end_shared_worker, shift_date
from tests.harness.guests import let_somebody_else_in

pytestmark = [pytest.mark.browser, pytest.mark.long]
Chromium = Callable[..., Browser]

SIZE = 60_000_000
SLOW = 12e6
"""Bytes a second."""


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


def under_way(chromium: Chromium, slow: Line, folder: Path) -> tuple[Browser, Tab, Path, set[int]]:
    """An upload in a browser's one tab, a third of it done; its file, and the parts that are stored."""
    file = random_file(folder / "film.bin", SIZE)
    browser = chromium()
    uploads = Tab(browser, slow, first=True)
    uploads.choose(file)
    return browser, uploads, file, until_stored(uploads, slow, file.name, 30)


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


def sent_in_a_minute(tab: Tab, line: Line) -> int:
    before = line.proxy.sent_up
    tab.page.wait_for_timeout(60_000)
    return line.proxy.sent_up - before


def test_a_page_hidden_for_three_minutes_sends_as_much_as_one_in_front(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 51: it keeps a line of 2.5 MB/s full."""
    file = random_file(tmp_path / "film.bin", 800_000_000)
    slow.limit(2.5e6)
    browser = chromium(all_in_front=False)
    uploads = Tab(browser, slow, first=True)
    uploads.choose(file)
    until_stored(uploads, slow, file.name, 3)
    in_front = sent_in_a_minute(uploads, slow)
    assert uploads.page.evaluate("document.visibilityState") == "visible"
    browser.new_page().bring_to_front()
    assert uploads.page.evaluate("document.visibilityState") == "hidden"
    hidden = [sent_in_a_minute(uploads, slow) for _ in range(3)]
    assert uploads.page.evaluate("document.visibilityState") == "hidden"
    print(f"\nbytes a second in front: {in_front // 60:,}; hidden: {[f'{sent // 60:,}' for sent in hidden]}")
    assert min(hidden) >= 0.9 * in_front
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
    assert away.page.locator("[data-upload-id]").count() == 1, "what is removed is removed here, too"
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
    browser, uploads, file, stored = under_way(chromium, slow, tmp_path)
    with uploads.another_engine():
        end_shared_worker(browser)
    finish(uploads, slow, file)
    browser.close()
    sent = Counter(part_numbers(browser))
    assert {number: sent[number] for number in stored} == dict.fromkeys(stored, 1)
    assert sum(sent.values()) <= len(sent) + 3, "at most what was on its way is sent twice"


def overwrite(file: Path) -> None:
    """Other bytes of the same length, as an editor leaves them."""
    random_file(file, file.stat().st_size)


def shorten(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("change", [overwrite, shorten], ids=["overwritten", "shortened"])
def test_a_file_that_changes_on_its_way_is_never_mixed(
    chromium: Chromium, slow: Line, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """D6; faults 57, 58; I1: Chromium itself refuses to send it on. As it is now it is another upload."""
    file = random_file(tmp_path / "film.bin", SIZE)
    uploads = Tab(chromium(), slow, first=True)
    uploads.choose(file)
    until_stored(uploads, slow, file.name, 30)
    change(file)
    uploads.until(file.name, "failed", "paused", "completed")
    assert uploads.state(file.name)[1] in ("failed", "waiting-for-file")
    uploads.choose(file)
    note = uploads.row(file.name).locator(".note")
    note.get_by_text("This is not the file of this upload").wait_for(timeout=LIMIT)
    uploads.press(file.name, "Cancel")
    uploads.until(file.name, "cancelled")
    assert slow.server.open_uploads() == []
    uploads.press(file.name, "Remove")
    uploads.page.locator("#nothing-yet").wait_for()
    uploads.choose(file)
    finish(uploads, slow, file)


@pytest.mark.parametrize("how", ["deleted", "unreadable"])
def test_a_file_that_is_gone_is_asked_for_and_the_upload_goes_on(
    chromium: Chromium, slow: Line, tmp_path: Path, how: str
) -> None:
    """D6; faults 60, 62; I1, I3."""
    file = random_file(tmp_path / "film.bin", SIZE)
    kept = Path(shutil.copy2(file, tmp_path / "kept"))
    browser = chromium()
    uploads = Tab(browser, slow, first=True)
    uploads.choose(file)
    stored = until_stored(uploads, slow, file.name, 30)
    file.unlink()
    if how == "unreadable":
        file.mkdir()
    uploads.until(file.name, "failed", "paused", "completed")
    assert uploads.state(file.name)[:2] == ("paused", "waiting-for-file")
    if how == "unreadable":
        file.rmdir()
    shutil.copy2(kept, file)
    uploads.choose(file)
    finish(uploads, slow, file)
    browser.close()
    sent = Counter(part_numbers(browser))
    assert {number: sent[number] for number in stored} == dict.fromkeys(stored, 1)


@pytest.mark.parametrize("storage", ["blocked", "full"])
def test_without_storage_uploads_arrive_and_the_page_says_what_is_lost(
    chromium: Chromium, line: Line, tmp_path: Path, storage: str
) -> None:
    """D7; fault 54."""
    if storage == "blocked":
        place = tmp_path / "profile" / "Default" / "IndexedDB"
        place.parent.mkdir(parents=True)
        place.write_text("no folder, so no database can be made in it")
    browser = chromium()
    if storage == "full":
        session = browser.context.new_cdp_session(browser.page)
        session.send("Storage.overrideQuotaForOrigin", {"origin": line.server.url, "quotaSize": 1})
    uploads = Tab(browser, line, FORGETFUL, first=True)
    files = [random_file(tmp_path / name, 20 * MIB) for name in ("one.bin", "two.bin")]
    uploads.choose(*files)
    for file in files:
        uploads.must_complete(file.name)  # `finish` wants to see nothing under way any more
    for file in files:
        finish(uploads, line, file)
    told = uploads.page.locator("#warnings")
    told.get_by_text("uploads will not survive a reload").wait_for(timeout=LIMIT)
    uploads.reload()
    assert uploads.page.locator("[data-upload-id]").count() == 0


def test_another_user_sees_nothing_and_the_first_one_finds_everything(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 43; I3: the first user's sessions are invisible, not deleted."""
    browser, uploads, file, _ = under_way(chromium, slow, tmp_path)
    (mine,) = browser.context.cookies()
    let_somebody_else_in(browser, slow.server)
    uploads.reload()
    uploads.page.wait_for_timeout(1_000)
    assert uploads.page.locator("[data-upload-id]").count() == 0
    stored = stored_parts(slow)
    browser.context.add_cookies([mine])  # type: ignore[list-item]
    uploads.reload()
    uploads.until(file.name, "waiting-for-file")
    uploads.choose(file)
    finish(uploads, slow, file)
    browser.close()
    sent = Counter(part_numbers(browser))
    assert {number: sent[number] for number in stored} == dict.fromkeys(stored, 1)


DAY = 86_400


def test_a_date_that_jumps_by_days_changes_nothing(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """Fault 44; I3: no URL expires by the browser's date, and no timer goes by it."""
    file = random_file(tmp_path / "film.bin", SIZE)
    browser = chromium()
    uploads = Tab(browser, slow, first=True)
    shift_date(browser, -DAY)
    uploads.choose(file)
    for percent, days in ((20, 8), (50, -30)):
        uploads.until_percent(file.name, percent)
        shift_date(browser, days * DAY)
    finish(uploads, slow, file)
    browser.close()
    assert sorted(part_numbers(browser)) == list(range(1, -(-SIZE // (8 * MIB)) + 1)), "each part once"


NAMES = {
    "../../../etc/passwd": "passwd",
    "..\\..\\boot.ini": "boot.ini",
    "nul\0byte.bin": "nulbyte.bin",
    "\u202egnp.exe": "gnp.exe",
    "🎈 日本語.bin": "🎈 日本語.bin",
    "é" * 125 + ".bin": "é" * 125 + ".bin",  # 254 bytes
    "100% + a&b=c#d;e.bin": "100% + a&b=c#d;e.bin",
    " leading and trailing ": "leading and trailing",
    ".hidden": "hidden",
    "line\nbreak.bin": "linebreak.bin",
}
"""Names of files, and under which names they are downloaded."""
DROP = """
(names) => {
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File([name], name));
  for (const type of ["dragenter", "dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
}
"""


def test_names_that_mean_harm_are_stored_safely_and_shown_as_they_are(
    chromium: Chromium, line: Line, tmp_path: Path
) -> None:
    """B6; fault 65: no disk would hold some of these, but a page can make them up."""
    browser = chromium()
    uploads = Tab(browser, line, first=True)
    uploads.page.evaluate(DROP, list(NAMES))
    rows = uploads.page.locator("[data-upload-id][data-status=completed]")
    rows.nth(len(NAMES) - 1).wait_for(timeout=LIMIT)
    for index, (name, downloaded) in enumerate(NAMES.items()):
        row = rows.nth(index)
        href = row.locator("a[data-object]").get_attribute("href") or ""
        key = parse_qs(urlsplit(href).query)["key"][0]
        assert line.server.object_bytes(key) == name.encode()
        assert key.count("/") == 4, f"no folder of the file's own: {key}"
        assert ".." not in key
        assert row.locator(".name").get_attribute("title") == visible_name(name)
        with uploads.page.expect_download() as download:
            row.locator("a[data-object]").click()
        assert download.value.suggested_filename == downloaded
    assert browser.console == []


CANCEL_WHEN_FINALISING = """
() => {
  new MutationObserver(() => {
    const button = document.querySelector("[data-phase=finalising] [data-action=cancel]");
    if (button) button.click();
  }).observe(document.body, { attributes: true, subtree: true, childList: true });
}
"""


def test_a_cancel_that_races_the_end_has_one_outcome_and_the_page_tells_it(
    chromium: Chromium, line: Line, tmp_path: Path
) -> None:
    """Fault 67; I4, I5."""
    uploads = Tab(chromium(), line, first=True)
    uploads.page.evaluate(CANCEL_WHEN_FINALISING)
    files = [random_file(tmp_path / f"{number}.bin", 9 * MIB) for number in range(6)]
    before = keys(line)
    uploads.choose(*files)
    completed = 0
    for file in files:
        uploads.until(file.name, "completed", "cancelled", "failed")
        status = uploads.row(file.name).get_attribute("data-status")
        assert status != "failed"
        if status == "completed":
            assert uploads.object_of(file.name) == file.read_bytes()
            completed += 1
    assert len(keys(line) - before) == completed
    assert line.server.open_uploads() == []


def keys(line: Line) -> set[str]:
    """Of all objects in the store."""
    pages = line.server.s3.get_paginator("list_objects_v2").paginate(Bucket=line.server.bucket)
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


def test_of_200_files_one_is_poisoned_and_the_others_arrive(
    chromium: Chromium, line: Line, tmp_path: Path
) -> None:
    """Fault 68. The simulation has 1,000 of them."""
    files = [random_file(tmp_path / f"{number:03}.bin", 10_240) for number in range(200)]
    poisoned = files[150]
    before = keys(line)
    browser = chromium()
    browser.page.goto(line.server.url)
    browser.choose_files(*files)
    poisoned.unlink()  # before the engine is there
    overview = browser.page.locator("#overview .state")
    overview.filter(has_text="199 uploaded").wait_for(timeout=LIMIT)
    browser.page.get_by_role("button", name="Hide finished").click()
    row = browser.page.locator("[data-upload-id]:not([data-status=completed])")
    assert row.locator(".name").inner_text() == poisoned.name
    row.locator(".note").filter(has_text=re.compile("be read|changed")).wait_for(timeout=LIMIT)
    row.get_by_role(
        "button", name="Cancel"
    ).click()  # where the engine was quicker than the deletion, it is open
    browser.page.locator("[data-status=cancelled]").wait_for(timeout=LIMIT)
    assert overview.inner_text() == "199 uploaded · 1 cancelled"
    assert len(keys(line) - before) == 199
    assert line.server.open_uploads() == []


def test_an_upload_comes_back_though_the_browsers_storage_was_wiped(
    chromium: Chromium, slow: Line, tmp_path: Path
) -> None:
    """Fault 55; I3: the server remembers what is open, the store what has arrived."""
    browser, uploads, file, _ = under_way(chromium, slow, tmp_path)
    browser.close()
    shutil.rmtree(browser.profile / "Default" / "IndexedDB")
    browser.restart()
    uploads = Tab(browser, slow, first=True)
    uploads.until(file.name, "waiting-for-file")
    stored = stored_parts(slow)
    uploads.choose(file)
    finish(uploads, slow, file)
    assert uploads.page.locator("[data-upload-id]").count() == 1
    browser.close()
    assert stored
    assert not stored & set(part_numbers(browser)), "what had arrived is not sent again"
