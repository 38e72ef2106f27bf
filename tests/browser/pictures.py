"""Takes the README's picture and a few more: ``.venv/bin/python -m tests.browser.pictures [FOLDER]``.

Real uploads over a slow line, stopped by the camera: on their way, paused, finished, and waiting for their file.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright
from uploads.server.checks import find_chromium

from tests.browser.line import Line, open_line
from tests.browser.uploads_page import UploadsPage, random_file
from tests.harness.browser import Browser

HERE = Path(__file__).parent / "pictures"
DESKTOP, PHONE = ViewportSize(width=960, height=640), ViewportSize(width=360, height=780)
FILES = {
    "Interview with Ada.mov": 300_000_000,
    "survey-2026.parquet": 150_000_000,
    "Bühnenbild.tiff": 90_000_000,
}


def main(folder: Path) -> None:
    """Write ``page.png`` and its siblings into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        room = Path(name)
        with open_line(room / "data") as line:
            browser = Browser(playwright, find_chromium() or "chromium", room / "profile")
            try:
                take(folder, room, browser, line)
            finally:
                browser.close()


def take(folder: Path, room: Path, browser: Browser, line: Line) -> None:
    page = browser.page
    page.set_viewport_size(DESKTOP)
    uploads = UploadsPage(browser, line.server)
    page.screenshot(path=folder / "empty.png")
    small = random_file(room / "notes.txt", 20_000)
    uploads.choose(small)
    uploads.until(small.name, "completed")
    line.limit(12e6)
    files = [random_file(room / name, size) for name, size in FILES.items()]
    uploads.choose(*files)
    uploads.until_percent(files[1].name, 12)
    uploads.press(files[1].name, "Pause")
    uploads.until_percent(files[0].name, 20)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(DESKTOP)
        page.wait_for_timeout(400)
        page.screenshot(path=folder / ("page.png" if scheme == "light" else f"{scheme}.png"))
        page.set_viewport_size(PHONE)
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"phone-{scheme}.png")
    browser.kill()
    page = browser.restart()
    uploads = UploadsPage(browser, line.server)
    uploads.until(files[0].name, "waiting-for-file")
    (room / "other").mkdir()
    uploads.choose(random_file(room / "other" / files[1].name, 1000))
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "waiting.png", full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
