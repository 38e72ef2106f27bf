"""The main job (ACCEPTANCE A4, B1-B7, C1, C2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.line import open_line
from tests.browser.uploads_page import MIB, UploadsPage, part_numbers, random_file, sha256
from tests.harness.browser import Browser
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.browser
Chromium = Callable[..., Browser]
LONGEST_TASK = 50.0
"""Milliseconds of work: what a person does not feel (W3C Long Tasks)."""


def test_the_page_gets_ready_and_asks_no_other_host(chromium: Chromium, server: ServerProcess) -> None:
    """A4."""
    browser = chromium()
    UploadsPage(browser, server)
    assert browser.page.locator("input[type=file]").count() == 1
    browser.close()
    assert browser.console == []
    assert browser.hosts() == {urlsplit(server.url).netloc}


def test_300_mb_arrive_byte_for_byte(chromium: Chromium, tmp_path: Path) -> None:
    """B1-B4, I8. A part takes seconds here; where it is gone in half of one, nobody could see it move, and it does not."""
    file = random_file(tmp_path / "three hundred.bin", 300_000_000)
    with open_line(tmp_path / "data") as line:
        line.limit(25e6)
        browser = chromium()
        uploads = UploadsPage(browser, line.server)
        with browser.tracing_tasks() as tasks:
            uploads.choose(file)
            uploads.until(file.name, "completed", "failed")
        assert uploads.state(file.name) == ("completed", "completed", 100)
        assert len(tasks) > 100, "the trace is there"
        assert max(tasks) <= LONGEST_TASK, "B4"
        assert sha256(uploads.object_of(file.name)) == sha256(file), "B1"
        shown = uploads.timeline(file.name)
        percents = [percent for _, _, percent in shown]
        assert percents == sorted(percents), "B3: monotone"
        assert all((percent == 100) == (status == "completed") for status, _, percent in shown), "B3"
        whole_parts = {number * 16 * MIB * 100 // 300_000_000 for number in range(19)} | {99, 100}
        assert len(set(percents) - whole_parts) >= 10, "B3: it moves within parts"
        assert line.server.open_uploads() == [], "I5"
        browser.close()
        assert browser.console == []
        assert browser.hosts() == {urlsplit(line.server.url).netloc, urlsplit(line.proxy.url).netloc}
        assert sorted(part_numbers(browser)) == list(range(1, 19)), "B2: 16 MiB each, and each sent once"
        assert 1 < browser.most_at_once("PUT") <= 3, "B2"


def test_sizes_at_the_edges_are_exact(chromium: Chromium, server: ServerProcess, tmp_path: Path) -> None:
    """B5; fault 63."""
    sizes = [0, 1, 5 * MIB - 1, 8 * MIB, 8 * MIB + 1]
    files = [random_file(tmp_path / f"edge-{size}.bin", size) for size in sizes]
    uploads = UploadsPage(chromium(), server)
    uploads.choose(*files)
    for file in files:
        uploads.until(file.name, "completed", "failed")
        assert uploads.object_of(file.name) == file.read_bytes()


@pytest.mark.parametrize(
    "name", ["grüße & 100%+1 é.txt", "日本語 🎈.bin", "a'b;c=d,e.tar.gz", "x" * 200 + ".bin"]
)
def test_the_object_is_downloaded_under_its_own_name(
    chromium: Chromium, server: ServerProcess, tmp_path: Path, name: str
) -> None:
    """B6; fault 65."""
    file = random_file(tmp_path / name, 1000)
    browser = chromium()
    uploads = UploadsPage(browser, server)
    uploads.choose(file)
    link = browser.page.locator("[data-upload-id] a[data-object]")
    with browser.page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == name
    key = server.s3.list_objects_v2(Bucket=server.bucket)["Contents"]
    assert any(server.object_bytes(entry["Key"]) == file.read_bytes() for entry in key)


def test_three_files_pause_resume_cancel(chromium: Chromium, server: ServerProcess, tmp_path: Path) -> None:
    """B4, B7, C1, C2."""
    files = [random_file(tmp_path / f"{name}.bin", 150_000_000) for name in ("one", "two", "three")]
    browser = chromium()
    uploads = UploadsPage(browser, server)
    keys = {entry["Key"] for entry in objects(server)}
    with browser.tracing_tasks() as tasks:
        uploads.choose(*files)
        uploads.until_percent("one.bin", 10)
        uploads.press("one.bin", "Pause")
        uploads.until("one.bin", "paused")
        _, _, at = uploads.state("one.bin")
        uploads.until_percent("three.bin", 10)
        uploads.press("three.bin", "Cancel")
        uploads.until("three.bin", "cancelled")
        browser.page.wait_for_timeout(5000)
        assert uploads.state("one.bin") == ("paused", "paused", at)
        uploads.press("one.bin", "Resume")
        for name in ("one.bin", "two.bin"):
            uploads.until(name, "completed", "failed")
    assert sha256(uploads.object_of("one.bin")) == sha256(files[0])
    assert sha256(uploads.object_of("two.bin")) == sha256(files[1])
    assert server.open_uploads() == [], "C2"
    assert len({entry["Key"] for entry in objects(server)} - keys) == 2, "C2: no object of the cancelled one"
    assert max(tasks) <= LONGEST_TASK, "B4"
    assert browser.console == []


def objects(server: ServerProcess) -> list[Any]:
    return list(server.s3.list_objects_v2(Bucket=server.bucket).get("Contents", []))
