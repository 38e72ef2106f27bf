"""Small files in a real Chromium, to the real SeaweedFS: one request each, and hardly a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.uploads_page import UploadsPage, random_file
from tests.harness.browser import Browser, wait_until
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.browser
Chromium = Callable[..., Browser]
FILES = 120


def test_small_files_take_one_request_each_and_no_preflight(
    chromium: Chromium, server: ServerProcess, tmp_path: Path
) -> None:
    """R2."""
    files = [random_file(tmp_path / f"small-{number:03}.bin", 100 + number * 100) for number in range(FILES)]
    before = {found["Key"] for found in server.s3.list_objects_v2(Bucket=server.bucket).get("Contents", [])}
    browser = chromium()
    uploads = UploadsPage(browser, server)
    uploads.choose(*files)
    wait_until(uploads.page, f"document.querySelector('#overview .state').textContent === '{FILES} uploaded'")
    after = {found["Key"] for found in server.s3.list_objects_v2(Bucket=server.bucket)["Contents"]}
    stored = sorted(server.object_bytes(key) for key in after - before)
    assert stored == sorted(file.read_bytes() for file in files)
    assert server.open_uploads() == []
    browser.close()
    assert browser.console == []
    store = urlsplit(server.store_url).netloc
    asked = Counter(
        ("store" if urlsplit(one["url"]).netloc == store else urlsplit(one["url"]).path, one["method"])
        for one in browser.requests()
    )
    assert {name: count for name, count in asked.items() if name[0] == "store"} == {("store", "POST"): FILES}
    # How many of them come together on a busy machine is chance; that a thousand take few is shown in virtual time.
    assert 1 <= asked["/s3/objects", "POST"] <= FILES / 5
    assert 1 <= asked["/s3/objects/complete", "POST"] <= FILES / 5
    assert asked["/s3/multipart", "POST"] == 0
