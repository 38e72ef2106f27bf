"""Many files at once, and no mouse: the page stays quick, one bad file is one bad file, and the keyboard does it all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.fake_line import FakeLine, open_fake_line
from tests.browser.test_main_job import LONGEST_TASK
from tests.browser.uploads_page import LIMIT, UploadsPage, random_file
from tests.fakes import faults
from tests.fakes.fault_server import Rule
from tests.harness.browser import Browser, wait_until

pytestmark = pytest.mark.browser
Chromium = Callable[..., Browser]
FILES = 1000
POISONED = "file-0500"
TEN_THOUSAND = "of 119 kB"
"""What ten thousand files of some words have, all of which the engine has looked at."""


@pytest.fixture(scope="module")
def fake_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeLine]:
    with open_fake_line(tmp_path_factory.mktemp("many")) as line:
        yield line


def shown(page: Page) -> str:
    """The sum above the list."""
    return page.locator("#overview .state").inner_text()


@pytest.mark.long
def test_a_thousand_files_with_a_poisoned_one(
    chromium: Chromium, fake_line: FakeLine, tmp_path: Path
) -> None:
    """U14, U2."""
    files = [tmp_path / f"file-{number:04}.bin" for number in range(FILES)]
    for number, file in enumerate(files):
        file.write_bytes(number.to_bytes(4, "big") * 2560)
    fake_line.store.add(Rule(faults.say(403, "AccessDenied"), operation="PutObject", key=POISONED))
    browser = chromium()
    uploads = UploadsPage(browser, fake_line.server)
    page = uploads.page
    uploads.choose(*files)  # a thousand names come in one message of the driver's
    with browser.tracing_tasks() as tasks:
        for step in range(40):
            page.mouse.move(400, 600)
            page.mouse.wheel(0, 4000 if step % 10 < 6 else -6000)
            page.wait_for_timeout(100)
        wait_until(
            page, f"/{FILES - 1} uploaded/.test(document.querySelector('#overview .state').textContent)"
        )
        wait_until(page, "/1 stopped/.test(document.querySelector('#overview .state').textContent)")
    assert shown(page) == f"1 stopped · {FILES - 1} uploaded"
    assert len(tasks) > FILES
    assert max(tasks) <= LONGEST_TASK
    assert page.locator("[data-upload-id]").count() < 60
    page.get_by_role("button", name="Hide finished").click()
    page.locator("[data-upload-id]").nth(1).wait_for(state="detached")
    row = uploads.row(POISONED)
    assert "refuses access" in row.locator(".note").inner_text()
    fake_line.clear()
    uploads.press(POISONED, "Retry")
    wait_until(page, f"document.querySelector('#overview .state').textContent === '{FILES} uploaded'")
    contents = sorted(found.bytes() for found in fake_line.server.content.objects.values())
    assert contents == sorted(file.read_bytes() for file in files)
    browser.close()


@pytest.mark.long
def test_ten_thousand_files_are_added_while_the_page_stays_quick(
    chromium: Chromium, fake_line: FakeLine
) -> None:
    """U1."""
    fake_line.clear()
    browser = chromium()
    uploads = UploadsPage(browser, fake_line.server)
    page = uploads.page
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          for (let n = 0; n < 10000; n++) data.items.add(new File(["content " + n], `file-${n}.txt`));
          globalThis.given = data.files;
        }"""
    )
    with browser.tracing_tasks() as tasks:
        page.evaluate(
            """() => {
              const input = document.querySelector("#files");
              input.files = given;
              input.dispatchEvent(new Event("change"));
            }"""
        )
        wait_until(
            page, f"document.querySelector('#overview .numbers').textContent.includes('{TEN_THOUSAND}')"
        )
    assert len(tasks) > 1000
    assert max(tasks) <= LONGEST_TASK
    assert page.locator("[data-upload-id]").count() < 60
    browser.close()


def test_the_whole_job_by_keyboard_alone(chromium: Chromium, fake_line: FakeLine, tmp_path: Path) -> None:
    """U12."""
    file = random_file(tmp_path / "film.bin", 40_000_000)
    browser = chromium()
    browser.page.add_init_script("delete globalThis.showOpenFilePicker")  # as in Firefox and WebKit
    uploads = UploadsPage(browser, fake_line.server)
    page = uploads.page

    def reach(name: str) -> None:
        """Tab to what a screen reader would call so."""
        for _ in range(40):
            page.keyboard.press("Tab")
            told = page.evaluate(
                "document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText || ''"
            )
            if told.strip().startswith(name):
                return
        raise AssertionError(f"the keyboard does not get to {name}")

    reach("Choose files")
    page.evaluate("document.activeElement.addEventListener('click', () => { globalThis.opened = true; })")
    page.keyboard.press("Enter")
    wait_until(page, "globalThis.opened")  # the browser's own picker, in which nobody can press a key here
    fake_line.store.add(Rule(faults.delay(20), operation="UploadPart", times=3))  # time to get to the button
    uploads.choose(file)
    uploads.until(file.name, "uploading")
    reach("Pause")
    page.keyboard.press("Enter")
    uploads.until(file.name, "paused")
    assert page.evaluate("document.activeElement.innerText") == "Resume"
    reach("Details")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name=file.name).wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.innerText") == "Details", "the keyboard is back where it was"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    uploads.must_complete(file.name)
    assert uploads.object_of(file.name) == file.read_bytes()
    page.evaluate("document.activeElement.blur()")
    reach("Settings")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Settings").wait_for()
    wait_until(page, "document.querySelector('[name=bandwidth_limit]').disabled === false")
    reach("Bandwidth")
    page.keyboard.press("ArrowDown")
    wait_until(page, "document.querySelector('[name=bandwidth_limit]').value === '100000'")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    reach("Remove")
    page.keyboard.press("Enter")
    page.locator("[data-upload-id]").wait_for(state="detached", timeout=LIMIT)
    assert page.evaluate("document.activeElement.id") == "files"
    browser.close()
    assert browser.console == []
