"""Files added while the signing server is out of reach: they wait, over a kill too, and go by themselves (ACCEPTANCE D14).

The page comes from a static host, so that it opens while the signing server is stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.line import Line, open_line
from tests.browser.other_page import OtherPage
from tests.browser.static_host import open_static_host, set_up
from tests.browser.test_file_comes_back import KEPT, allow_on_every_visit, drop, until_kept
from tests.browser.uploads_page import MIB, UploadsPage, random_file, sha256
from tests.harness.browser import Browser
from tests.harness.firefox import Firefox
from tests.harness.tabs import AnyBrowser, until

Chromium = Callable[..., Browser]

SIZE = 6 * MIB
NOTE = "() => [...document.querySelectorAll('.note')].map((note) => note.textContent).join()"
COPIED = "A copy of 6.29 MB is kept in this browser until it is uploaded."


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Line, str]]:
    """A line whose server signs, and the address of the page, which is not the server's."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with (
        open_static_host(folder / "site") as url,
        open_line(folder / "data", UPLOADS_ALLOWED_ORIGINS=url) as line,
    ):
        set_up(folder / "site", f'keep_offline = {SIZE}\nsigner_url = "{line.server.url}"')
        yield line, url


@pytest.fixture
def stopped(elsewhere: tuple[Line, str]) -> Iterator[tuple[Line, str]]:
    """The same, and the server is not there until the test starts it."""
    line, url = elsewhere
    line.server.stop()
    yield line, url
    if not line.server.is_healthy():
        line.server.start()


@pytest.mark.browser
def test_added_offline_and_killed_they_go_when_the_server_is_back(
    chromium: Chromium, stopped: tuple[Line, str], tmp_path: Path
) -> None:
    """D14; faults 6, 42, 47, 49: in the first session of a browser that no server has ever known."""
    line, url = stopped
    picked, larger, dropped = (
        random_file(tmp_path / name, size)
        for name, size in (("picked.bin", SIZE), ("larger.bin", SIZE + 1), ("dropped.bin", SIZE + 1))
    )
    browser = chromium()
    uploads = UploadsPage(browser, line.server, url=url)
    uploads.choose(picked, larger)
    for file, note in (
        (picked, COPIED),
        (larger, "Keep this page open: otherwise its file has to be chosen again."),
    ):
        uploads.until(file.name, "waiting-for-network")
        uploads.row(file.name).get_by_text(note).wait_for()
    uploads.page.locator("#leaving").get_by_text("Keep this page open").wait_for()
    uploads.page.locator("#overview").get_by_text("Offline: 2 files wait for the network").wait_for()
    uploads.press(larger.name, "Cancel")
    uploads.until(larger.name, "cancelled")
    drop(uploads.page, dropped)
    uploads.until(dropped.name, "waiting-for-network")
    while sorted(uploads.page.evaluate(KEPT)) != ["File", "FileSystemFileHandle"]:
        uploads.page.wait_for_timeout(50)
    uploads.page.locator("#leaving").get_by_text(
        "go on when you open it again and the network is back"
    ).wait_for()
    browser.kill()
    content = sha256(picked)
    picked.unlink()
    allow_on_every_visit(browser)
    browser.restart()
    uploads = UploadsPage(browser, line.server, url=url)
    for name in (picked.name, dropped.name):
        uploads.until(name, "waiting-for-network")
        assert uploads.row(name).get_by_role("button").all_inner_texts() == ["Pause", "Cancel", "Details"]
    uploads.row(picked.name).get_by_text(COPIED).wait_for()
    line.server.start()
    for name, expected in ((picked.name, content), (dropped.name, sha256(dropped))):
        uploads.until(name, "completed", "failed")
        assert sha256(uploads.object_of(name)) == expected
    until_kept(uploads)
    assert line.server.open_uploads() == []


@pytest.mark.firefox
def test_added_offline_in_firefox_and_killed(
    firefox: Callable[[], Firefox], stopped: tuple[Line, str], tmp_path: Path
) -> None:
    """D14; faults 6, 47, 49: by a copy, since Firefox gives a page no handles."""
    line, url = stopped
    file = random_file(tmp_path / "offline.bin", SIZE)
    browser = firefox()
    page = OtherPage(browser, line, url=url)
    page.choose(file)
    page.until(file.name, "waiting-for-network")
    until(page.tab, f"() => ({NOTE})().includes('{COPIED}')")
    browser.kill()
    browser.start()
    page = OtherPage(browser, line, url=url)
    page.until(file.name, "waiting-for-network")
    line.server.start()
    page.finish(file)


@pytest.mark.webkit
def test_added_offline_in_webkit_and_reloaded(
    webkit: Callable[[], AnyBrowser], stopped: tuple[Line, str], tmp_path: Path
) -> None:
    """D14; faults 6, 49. A WebKit that is driven by a test keeps no copies: it says so, and the file is picked again."""
    line, url = stopped
    file = random_file(tmp_path / "offline.bin", SIZE)
    page = OtherPage(webkit(), line, url=url)
    page.choose(file)
    page.until(file.name, "waiting-for-network")
    script = f"(({NOTE})() + document.querySelector('#warnings').textContent)"
    script = f"() => {script}.match(/{COPIED}|could not be kept here/)?.[0]"
    told = until(page.tab, script)
    page.reload()
    if told != COPIED:
        page.until(file.name, "waiting-for-file")
        page.choose(file)
    page.until(file.name, "waiting-for-network")
    line.server.start()
    page.finish(file)
