"""Python on somebody's own page installs the hook's wheel and uploads (ACCEPTANCE O9)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.line import Line
from tests.browser.uploads_page import random_file, sha256
from tests.harness.browser import Browser

pytestmark = pytest.mark.browser


def test_ten_lines_of_python_upload_a_file(
    chromium: Callable[..., Browser], line: Line, tmp_path: Path
) -> None:
    """O9. On CPython, under the site's own policy; no other host is asked."""
    browser = chromium()
    browser.page.goto(f"{line.server.url}/examples/ten_lines.html")
    browser.page.get_by_text("Choose a file.").wait_for(timeout=120_000)
    file = random_file(tmp_path / "own.bin", 10_000_000)
    browser.choose_files(file)
    browser.page.get_by_text("own.bin: completed").wait_for(timeout=60_000)
    assert browser.page.evaluate("document.querySelector('#bar').value") == 100
    assert browser.console == []
    stored = line.server.s3.list_objects_v2(Bucket=line.server.bucket)["Contents"]
    (key,) = [found["Key"] for found in stored if found["Key"].endswith("own.bin")]
    assert sha256(line.server.object_bytes(key)) == sha256(file)
    browser.close()
    assert browser.hosts() <= {address.split("/")[2] for address in (line.server.url, line.proxy.url)}
