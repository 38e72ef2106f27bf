"""Takes pictures of the real page in all its states: ``.venv/bin/python -m tests.browser.pictures [FOLDER]``.

Real uploads over a slow line, stopped by the camera. Of each state there are four to six: 1280 and 390 px wide, light and dark,
and in Arabic, from right to left. The README's is ``running.png``, kept as ``pictures/page.png``.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2] / name) for name in ("py", "worker")]

from uploads.server.checks import find_chromium

from tests.browser.fake_line import FakeLine, open_fake_line
from tests.browser.line import Line, open_line
from tests.browser.uploads_page import UploadsPage, random_file
from tests.fakes import faults
from tests.fakes.fault_server import Rule
from tests.harness.browser import Browser, wait_until

HERE = Path(__file__).parent / "pictures"
DESKTOP, PHONE = ViewportSize(width=1280, height=860), ViewportSize(width=390, height=844)
FILES = {
    "Interview with Ada.mov": 300_000_000,
    "survey-2026.parquet": 150_000_000,
    "Bühnenbild.tiff": 90_000_000,
}
MANY = 400
SETTLED = 500
"""Milliseconds after which what moves has come to rest."""


class Camera:
    """Takes the pictures of a state. Another tab of the same site has the language changed, as a person would there."""

    def __init__(self, folder: Path, browser: Browser, line: Line | FakeLine) -> None:
        self._folder = folder
        self._page = browser.page
        self._other = browser.new_page()
        self._other.goto(f"{line.server.url}/examples/live.html")
        self._page.bring_to_front()

    def take(self, name: str, *, dialog: bool = False) -> None:
        """Writes ``name.png``, ``name-dark.png``, ``name-phone.png`` …, and those in Arabic."""
        for language in ("en", "ar"):
            self._speak(language)
            for size, sized in ((DESKTOP, ""), (PHONE, "-phone")):
                self._page.set_viewport_size(size)
                high = self._page.evaluate("document.documentElement.scrollHeight")
                if sized and not dialog and high < 2000:
                    self._page.set_viewport_size(ViewportSize(width=size["width"], height=high))
                for scheme in ("light", "dark"):
                    if language == "ar" and scheme == "dark" and not sized:
                        continue
                    self._page.emulate_media(color_scheme=scheme)
                    self._page.wait_for_timeout(SETTLED)
                    parts = [name, "-rtl" if language == "ar" else "", sized]
                    parts += ["-dark" if scheme == "dark" else "", ".png"]
                    self._page.screenshot(path=self._folder / "".join(parts))
        self._speak("en")
        self._page.set_viewport_size(DESKTOP)
        self._page.emulate_media(color_scheme="light")

    def _speak(self, language: str) -> None:
        kept = json.dumps({"language": language})
        self._other.evaluate("(kept) => localStorage.setItem('uploads.preferences', kept)", kept)
        wait_until(self._page, "(language) => document.documentElement.lang === language", language)


def main(folder: Path) -> None:
    """Write them into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        room = Path(name)
        with open_line(room / "data") as line:
            for take in (take_waiting, take_all):
                browser = Browser(playwright, find_chromium() or "chromium", room / take.__name__)
                try:
                    take(folder, room, browser, line)
                finally:
                    browser.close()
                    line.limit(None)
        with open_fake_line(room / "fake") as fake:
            browser = Browser(playwright, find_chromium() or "chromium", room / "other-profile")
            try:
                take_error(folder, room, browser, fake)
            finally:
                browser.close()
    shutil.copyfile(folder / "running.png", HERE / "page.png")


def take_all(folder: Path, room: Path, browser: Browser, line: Line) -> None:
    """One state after the other, of one profile."""
    page = browser.page
    page.set_viewport_size(DESKTOP)
    uploads = UploadsPage(browser, line.server)
    camera = Camera(folder, browser, line)
    camera.take("empty")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("dialog").wait_for()
    camera.take("settings", dialog=True)
    close_dialog(page)

    line.limit(12e6)
    files = [random_file(room / name, size) for name, size in FILES.items()]
    uploads.choose(files[0])
    uploads.until_percent(files[0].name, 12)
    camera.take("one")
    uploads.choose(*files[1:])
    uploads.until_percent(files[1].name, 8)
    uploads.press(files[1].name, "Pause")
    page.wait_for_timeout(2000)
    camera.take("running")
    uploads.row(files[0].name).get_by_role("button", name="Details").click()
    page.locator(".plot canvas").wait_for()
    page.wait_for_timeout(2000)
    camera.take("details", dialog=True)
    close_dialog(page)

    line.limit(None)
    uploads.press(files[1].name, "Resume")
    for file in files:
        uploads.until(file.name, "completed")
    camera.take("finished")
    page.get_by_role("button", name="Statistics").click()
    page.locator("dialog td").first.wait_for()
    camera.take("statistics", dialog=True)
    close_dialog(page)

    line.limit(2e6)
    many = room / "many"
    many.mkdir()
    uploads.choose(*(random_file(many / f"scan-{number:03}.jpg", 100_000) for number in range(MANY)))
    wait_until(
        page,
        "/^[2-9]\\d uploaded|1\\d uploaded/.test(document.querySelector('#overview .state').textContent)"
        " || / (1\\d|[2-9]\\d) uploaded/.test(document.querySelector('#overview .state').textContent)",
    )
    camera.take("many")


def take_waiting(folder: Path, room: Path, browser: Browser, line: Line) -> None:
    """A browser that was killed."""
    line.limit(12e6)
    film = random_file(room / "holiday-2026.mov", 200_000_000)
    uploads = UploadsPage(browser, line.server)
    uploads.choose(film)
    uploads.until_percent(film.name, 20)
    browser.kill()
    browser.restart()
    uploads = UploadsPage(browser, line.server)
    uploads.until(film.name, "waiting-for-file")
    Camera(folder, browser, line).take("waiting")


def take_error(folder: Path, room: Path, browser: Browser, line: FakeLine) -> None:
    """A store that refuses one file."""
    file, other = random_file(room / "Family-album.zip", 20_000_000), random_file(room / "letter.pdf", 90_000)
    line.store.add(Rule(faults.say(403, "AccessDenied"), operation="UploadPart", key=file.name))
    uploads = UploadsPage(browser, line.server)
    uploads.choose(other, file)
    uploads.until(file.name, "failed")
    uploads.until(other.name, "completed")
    Camera(folder, browser, line).take("error")


def close_dialog(page: Page) -> None:
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "pictures")
