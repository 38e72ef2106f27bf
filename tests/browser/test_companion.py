"""Our page over an unchanged Companion (``-m peers``; ACCEPTANCE P3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.line import Line, open_line
from tests.browser.static_host import open_static_host, set_up
from tests.browser.uploads_page import FORGETFUL, UploadsPage, part_numbers, random_file, sha256
from tests.harness.browser import Browser
from tests.harness.companion import open_companion

pytestmark = [pytest.mark.browser, pytest.mark.peers]

Place = tuple[str, Line]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Where the page is, and the line to the store. Nothing of ours signs."""
    site = tmp_path / "site"
    with open_static_host(site) as url, open_line(tmp_path / "data", UPLOADS_ALLOWED_ORIGINS=url) as line:
        keys = line.server.admin_keys["access_key"], line.server.admin_keys["secret_key"]
        place = tmp_path / "companion", line.proxy.url, line.server.bucket, keys
        with open_companion(*place, origins=(url,)) as companion:
            set_up(site, f'signer_url = "{companion}"')
            yield url, line


def stored(line: Line) -> dict[str, str]:
    """Keys by the names of their files: a Companion puts an id in front of each."""
    found = line.server.s3.list_objects_v2(Bucket=line.server.bucket).get("Contents", [])
    keys = [one["Key"] for one in found if not one["Key"].startswith(".")]
    return {key[37:]: key for key in keys}


def test_50_mb_paused_reloaded_and_exact(
    chromium: Callable[[], Browser], place: Place, tmp_path: Path
) -> None:
    """P3; I3: what is stored when the page is reloaded is not sent again."""
    url, line = place
    film = random_file(tmp_path / "fifty (1).bin", 50_000_000)
    browser = chromium()
    page = UploadsPage(browser, line.server, FORGETFUL, url=url)
    page.send_with_interruptions(film, line.limit, pause_at=30, reload_at=60)
    key = stored(line)[film.name]
    assert sha256(line.server.object_bytes(key)) == sha256(film)
    assert line.server.open_uploads() == []
    link = page.row(film.name).locator("a[data-object]").get_attribute("href") or ""
    assert link.startswith(line.proxy.url), "where the store says that it is"
    assert browser.console == []
    browser.close()
    sent = part_numbers(browser)
    assert set(sent) == set(range(1, 7))
    assert len(sent) <= 6 + 6, "pause and reload each cut what was on its way"


def test_100_small_files(chromium: Callable[[], Browser], place: Place, tmp_path: Path) -> None:
    """P3."""
    url, line = place
    files = [random_file(tmp_path / f"{number:03}.bin", 10_000 + number) for number in range(100)]
    browser = chromium()
    page = UploadsPage(browser, line.server, url=url)
    page.choose(*files)
    page.page.wait_for_function(
        "() => document.querySelector('#overview .state').textContent === '100 uploaded'", timeout=240_000
    )
    keys = stored(line)
    assert set(keys) == {file.name for file in files}
    for file in files:
        assert sha256(line.server.object_bytes(keys[file.name])) == sha256(file)
    assert browser.console == []


def test_what_is_cancelled_is_aborted(chromium: Callable[[], Browser], place: Place, tmp_path: Path) -> None:
    """P3."""
    url, line = place
    film = random_file(tmp_path / "cancelled.bin", 30_000_000)
    page = UploadsPage(chromium(), line.server, url=url)
    line.limit(5e6)
    page.choose(film)
    page.until_percent(film.name, 30)
    assert len(line.server.open_uploads()) == 1
    page.press(film.name, "Cancel")
    page.until(film.name, "cancelled")
    assert line.server.open_uploads() == []
    assert stored(line) == {}


def test_an_upload_that_vanished_begins_anew(
    chromium: Callable[[], Browser], place: Place, tmp_path: Path
) -> None:
    """P3, P5; fault 26: the Companion says no more than 500."""
    url, line = place
    film = random_file(tmp_path / "vanished.bin", 30_000_000)
    page = UploadsPage(chromium(), line.server, url=url)
    line.limit(6e6)
    page.choose(film)
    page.until_percent(film.name, 40)
    line.server.abort_open_uploads()
    line.limit(None)
    page.must_complete(film.name)
    assert sha256(line.server.object_bytes(stored(line)[film.name])) == sha256(film)
