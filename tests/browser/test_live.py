"""A page that watches uploads: the example, beside the page that sends them (ACCEPTANCE Q4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.line import Line
from tests.browser.uploads_page import LIMIT, UploadsPage, random_file
from tests.harness.browser import Browser

pytestmark = pytest.mark.browser


def test_another_page_of_the_same_person_sees_the_upload_grow_and_end(
    chromium: Callable[[], Browser], line: Line, tmp_path: Path
) -> None:
    """Q4: on MicroPython, by the cookie."""
    film = random_file(tmp_path / "film.bin", 40_000_000)
    browser = chromium()
    page = UploadsPage(browser, line.server)
    live = browser.context.new_page()
    live.goto(f"{line.server.url}/examples/live.html")
    live.get_by_text("Watching.").wait_for(timeout=LIMIT)
    line.limit(8e6)
    page.choose(film)
    row = live.locator("#uploads tr").filter(has_text=film.name)
    expect(row.locator("td").nth(2)).to_have_text(re.compile(r"^[1-9][\d.]* of 40\.0$"), timeout=LIMIT)
    expect(row.locator("td").nth(3)).to_have_text("open")
    line.limit(None)
    page.until(film.name, "completed")
    expect(row.locator("td").nth(3)).to_have_text("completed", timeout=LIMIT)
    expect(row.locator("td").nth(2)).to_have_text("40.0 of 40.0")
    live.locator("#token").fill("no.real.token")
    live.get_by_role("button", name="Watch").click()
    live.get_by_text("No more is told (BadToken).").wait_for(timeout=LIMIT)
    assert browser.console == []
    live.screenshot(path=tmp_path / "live.png")
    live.close()
