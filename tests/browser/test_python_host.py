"""Python on somebody's own page: the examples as they are served with the site (ACCEPTANCE O9)."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.line import Line
from tests.browser.uploads_page import LIMIT, random_file, sha256
from tests.harness.browser import Browser

pytestmark = pytest.mark.browser

SLOW = 4_000_000
"""Bytes per second, where an upload has to be seen under way."""
ROOT = Path(__file__).parents[2]
Chromium = Callable[..., Browser]


def open_example(browser: Browser, line: Line, name: str, ready: str) -> Page:
    browser.page.goto(f"{line.server.url}/examples/{name}.html")
    browser.page.get_by_text(ready, exact=True).wait_for(timeout=LIMIT)
    return browser.page


def stored(line: Line, ending: str) -> list[bytes]:
    """What stands in the store under keys that end like this."""
    found = line.server.s3.list_objects_v2(Bucket=line.server.bucket).get("Contents", [])
    return [line.server.object_bytes(item["Key"]) for item in found if item["Key"].endswith(ending)]


def end(browser: Browser, line: Line) -> None:
    assert browser.console == []
    browser.close()
    assert browser.hosts() <= {address.split("/")[2] for address in (line.server.url, line.proxy.url)}


def test_the_ten_lines_of_the_readme_are_those_of_the_example() -> None:
    """O9."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = (ROOT / "examples" / "ten_lines.html").read_text(encoding="utf-8")
    script = re.search(r"<script type=\"py\".*?>\n(.*?)\s*</script>", example, re.DOTALL)
    assert script is not None
    lines = [line.removeprefix("      ") for line in html.unescape(script[1]).splitlines() if line.strip()]
    assert "```python\n" + "\n".join(lines) + "\n```" in re.sub(r"\n\n+", "\n", readme)


@pytest.mark.parametrize("kind", ["py", "mpy"])
def test_ten_lines_of_python_upload_a_file(chromium: Chromium, line: Line, tmp_path: Path, kind: str) -> None:
    """O9. On CPython and on MicroPython, under the site's own policy; no other host is asked."""
    browser = chromium()
    if kind == "mpy":  # the same page, but for the interpreter
        browser.page.route("**/ten_lines.html", lambda route: route.fulfill(body=on_micropython(line)))
    page = open_example(browser, line, "ten_lines", "Choose a file.")
    file = random_file(tmp_path / f"own-{kind}.bin", 10_000_000)
    browser.choose_files(file)
    page.get_by_text(f"{file.name}: completed").wait_for(timeout=LIMIT)
    assert page.evaluate("document.querySelector('#bar').value") == 100
    assert [sha256(content) for content in stored(line, file.name)] == [sha256(file)]
    end(browser, line)


def on_micropython(line: Line) -> str:
    """The page of ten lines with the other interpreter."""
    folder = ROOT / "dist"
    page = (folder / "examples" / "ten_lines.html").read_text(encoding="utf-8")
    own = (folder / "examples" / "form.html").read_text(encoding="utf-8")
    interpreter = re.search(r'"interpreter": "(.*?)"', own)
    assert interpreter is not None
    return re.sub(r'"interpreter": "(.*?)"', interpreter[0], page).replace('type="py"', 'type="mpy"')


def test_a_form_carries_the_key_of_its_film(chromium: Chromium, line: Line, tmp_path: Path) -> None:
    """O9."""
    browser = chromium()
    page = open_example(browser, line, "form", "Choose a film.")
    film = random_file(tmp_path / "holiday.mov", 9_000_000)
    page.get_by_label("Your name").fill("Ann")
    assert page.get_by_role("button", name="Send").is_disabled()
    page.get_by_label("Your film").first.set_input_files(film)
    page.locator("#send:enabled").wait_for(timeout=LIMIT)
    page.get_by_role("button", name="Send").click()
    assert re.fullmatch(r"name=Ann, film_key=\S+/films/\S+/holiday\.mov", page.locator("#sent").inner_text())
    assert [sha256(content) for content in stored(line, "holiday.mov")] == [sha256(film)]
    end(browser, line)


@pytest.mark.long
def test_a_folder_is_kept_in_step(chromium: Chromium, line: Line, tmp_path: Path) -> None:
    """O9. What is new or has been changed is uploaded, over a reload, too, and nothing else."""
    browser = chromium()
    folder = tmp_path / "album"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("as it was")
    random_file(folder / "sub" / "b.bin", 3_000_000)
    page = open_example(browser, line, "folder_sync", "Choose a folder.")
    page.get_by_label("Folder").set_input_files(folder)
    page.locator("#state", has_text="all in step").wait_for(timeout=LIMIT)
    (folder / "a.txt").write_text("as it is now")
    page = open_example(browser, line, "folder_sync", "Choose a folder.")
    page.get_by_label("Folder").set_input_files(folder)
    page.locator("#state", has_text="all in step").wait_for(timeout=LIMIT)
    told = page.locator("#story li").all_inner_texts()
    assert told == ["2 files looked at, 1 to upload", "album/a.txt is uploaded: all in step"]
    page.get_by_label("Folder").set_input_files(folder)
    page.locator("#state", has_text="2 files looked at, 0 to upload").wait_for()
    assert sorted(stored(line, "album/a.txt")) == [b"as it is now", b"as it was"]
    assert stored(line, "album/sub/b.bin") == [(folder / "sub" / "b.bin").read_bytes()]
    end(browser, line)


@pytest.mark.long
def test_uploads_have_a_face_of_their_own(chromium: Chromium, slow: Line, tmp_path: Path) -> None:
    """O9. Paused, reloaded, taken up again with the file, and removed."""
    browser = chromium()
    page = open_example(browser, slow, "own_ui", "Choose files.")
    file, small = random_file(tmp_path / "big.bin", 20_000_000), random_file(tmp_path / "small.bin", 10)
    page.get_by_label("Files:").set_input_files([file, small])
    row = page.get_by_role("listitem").filter(has_text="big.bin")
    page.locator("#uploads [role=status]", has_text="MB/s").first.wait_for(timeout=LIMIT)
    row.get_by_role("button", name="Pause").click()
    row.get_by_text("paused").wait_for()
    assert row.get_by_role("button").all_inner_texts() == ["Resume", "Cancel"]
    page.get_by_text("1 of 2 uploaded").wait_for(timeout=LIMIT)
    row.get_by_role("button", name="Resume").click()
    page.get_by_text("2 of 2 uploaded").wait_for(timeout=LIMIT)
    row.get_by_role("button", name="Remove").click()
    page.get_by_text("1 of 1 uploaded").wait_for()
    assert [sha256(content) for content in stored(slow, "big.bin")] == [sha256(file)]
    end(browser, slow)
