"""What takes minutes to show (``-m long``): stalls, slow links, long waits (ACCEPTANCE D4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.line import BadLine, open_bad_line
from tests.browser.runs import is_struck, prove, puts, start
from tests.browser.scene import Scene
from tests.browser.uploads_page import MIB, random_file
from tests.fakes import faults
from tests.fakes.fault_server import Rule
from tests.harness.browser import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(1800)]


def test_a_part_that_stalls_at_once_is_given_up_and_sent_again(scene: Scene, tmp_path: Path) -> None:
    """Fault 3, before anything is known of the line's speed."""
    scene.prove(scene.begin(tmp_path, Rule(faults.hang(MIB), part_number=2, times=1)))


@pytest.mark.parametrize("after", [MIB, None])
def test_a_part_that_stalls_later_is_given_up_and_sent_again(
    visitor: Visitor, bad: BadLine, film: Path, after: int | None
) -> None:
    """Fault 3: in the middle of its bytes, or when all have been sent and nobody answers."""
    rule = bad.script.add(Rule(faults.hang(after), part_number=8, times=1))
    struck = prove(start(visitor, bad, film), bad, film)
    assert [put.part_number for put in struck] == [8]
    assert rule.struck == 1


@pytest.mark.parametrize("operation", ["UploadPart", "PostObject"])
def test_a_slow_link_is_left_alone(visitor: Visitor, tmp_path: Path, operation: str) -> None:
    """Fault 4: 10 KB/s, for a part and for a file that goes whole."""
    whole = {"UPLOADS_SMALL_FILE_SIZE": str(MIB if operation == "PostObject" else 0)}
    file = random_file(tmp_path / "slow.bin", MIB)
    with open_bad_line(tmp_path / "data", **whole) as bad:
        bad.limit(10_000)
        assert prove(start(visitor, bad, file), bad, file) == []
        assert [put.operation for put in puts(bad)] == [operation]


def test_bandwidth_falls_and_comes_back(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Faults 11, 12."""
    bad.limit(100e6 / 8)
    uploads = start(visitor, bad, film)
    uploads.until_percent(film.name, 40)
    bad.limit(1e6 / 8)
    uploads.page.wait_for_timeout(60_000)
    bad.limit(100e6 / 8)
    assert prove(uploads, bad, film) == []


def test_the_store_alone_is_away(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Fault 5, with a signing server that goes on answering."""
    bad.limit(25e6)
    uploads = start(visitor, bad, film)
    uploads.until_percent(film.name, 40)
    bad.background.run(bad.proxy.refuse_for(60))
    assert 0 < len(prove(uploads, bad, film)) <= 3


def test_ten_minutes_of_slow_down(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Fault 16."""
    bad.limit(40e6)
    uploads = start(visitor, bad, film)
    uploads.until_percent(film.name, 30)
    rule = bad.script.add(Rule(faults.say(503, "SlowDown"), seconds=600))
    uploads.page.wait_for_timeout(590_000)
    assert uploads.state(film.name)[0] == "uploading"
    prove(uploads, bad, film)
    assert 0 < rule.struck <= 150


def test_a_retry_after_of_a_day_is_capped(scene: Scene, tmp_path: Path) -> None:
    """Fault 17."""
    headers = {"Retry-After": "86400"}
    scene.prove(
        scene.begin(tmp_path, Rule(faults.say(503, "SlowDown", headers=headers), part_number=2, times=1))
    )


def test_complete_takes_two_minutes(scene: Scene, tmp_path: Path) -> None:
    """Fault 24."""
    file = scene.begin(tmp_path, Rule(faults.delay(120), "CompleteMultipartUpload", times=1))
    scene.uploads.until(file.name, "finalising")
    scene.prove(file)
    assert len(scene.store.log("CompleteMultipartUpload", file.name)) == 1


def test_urls_live_half_a_minute(visitor: Visitor, film: Path, tmp_path: Path) -> None:
    """Fault 38: less than the upload takes by far."""
    with open_bad_line(tmp_path / "data", UPLOADS_URL_EXPIRY="40") as bad:
        bad.limit(2.5e6)
        assert prove(start(visitor, bad, film), bad, film) == []
        assert not any(is_struck(put) for put in puts(bad))
