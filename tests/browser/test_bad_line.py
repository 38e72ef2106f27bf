"""200 MB over a bad line: a real Chromium, a real store, and faults between them (ACCEPTANCE D4, D5).

Each run must end by itself, without a click: the bytes exact (I1, I2), nothing sent again but what a fault struck
(I3), no upload left open (I5), and progress that never runs backwards (I8).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.line import BadLine, open_bad_line
from tests.browser.uploads_page import MIB, UploadsPage, random_file, sha256
from tests.fakes.fault_server import Exchange, Rule
from tests.fakes.faults import cut, expire, lose_answer, say
from tests.harness.browser import Visitor

pytestmark = pytest.mark.browser

SIZE = 200_000_000
PART = 16 * MIB
PARTS = -(-SIZE // PART)
AT_ONCE = 3
"""Parts of one upload that are on their way at a time."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_file(tmp_path_factory.mktemp("film") / "film.bin", SIZE)


@pytest.fixture(scope="module")
def module_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BadLine]:
    with open_bad_line(tmp_path_factory.mktemp("bad") / "data") as opened:
        yield opened


@pytest.fixture
def bad(module_line: BadLine) -> Iterator[BadLine]:
    yield module_line
    clear(module_line)


def clear(line: BadLine) -> None:
    """Forget what the last test has set and seen, and what a failed one has left open."""
    line.script.rules.clear()
    line.script.exchanges.clear()
    line.limit(None)
    for key, upload_id in line.server.open_uploads():
        line.server.s3.abort_multipart_upload(Bucket=line.server.bucket, Key=key, UploadId=upload_id)


def start(visitor: Visitor, line: BadLine, file: Path) -> UploadsPage:
    uploads = UploadsPage(visitor, line.server, url=line.page_url)
    uploads.choose(file)
    return uploads


def puts(line: BadLine) -> list[Exchange]:
    return line.script.log("UploadPart")


def is_struck(put: Exchange) -> bool:
    """By the script, or by the line in front of it."""
    return bool(put.fault) or put.end != "answered"


def prove(uploads: UploadsPage, line: BadLine, file: Path) -> list[Exchange]:
    """Wait for its end, and prove all that has to be true after any fault. The requests that were struck."""
    uploads.until(file.name, "completed", "failed")
    assert uploads.state(file.name) == ("completed", "completed", 100)
    assert sha256(uploads.object_of(file.name)) == sha256(file), "I1"
    assert line.server.open_uploads() == [], "I5"
    shown = uploads.timeline(file.name)
    percents = [percent for _, _, percent in shown]
    assert percents == sorted(percents), "I8"
    assert all((percent == 100) == (status == "completed") for status, _, percent in shown), "I8"
    struck = [put for put in puts(line) if is_struck(put)]
    sound = Counter(put.part_number for put in puts(line) if not is_struck(put))
    assert set(sound.values()) == {1}, "I3: what arrived without a fault is not sent again"
    sent = sum(put.received for put in puts(line))
    assert sent - SIZE <= sum(put.received for put in struck), "I3"
    return struck


def test_30_percent_of_the_part_requests_are_reset(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Faults 1, 7, 13."""
    rule = bad.script.add(Rule(cut(3_000_000), share=0.3, seed=4))
    struck = prove(start(visitor, bad, film), bad, film)
    assert len(struck) >= rule.struck > 0


def test_20_seconds_without_a_network_in_the_middle(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Faults 5, 7, 10. Neither the store nor the signing server can be reached."""
    bad.limit(25e6)
    uploads = start(visitor, bad, film)
    uploads.until_percent(film.name, 40)
    before = sum(put.end == "answered" for put in puts(bad))
    bad.background.run(bad.go_offline(20))
    struck = prove(uploads, bad, film)
    assert 0 < before < PARTS, "caught in the middle"
    assert 0 < len(struck) <= AT_ONCE
    assert "waiting-for-network" in {phase for _, phase, _ in uploads.timeline(film.name)}


def test_answers_are_lost_after_storing(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Fault 2."""
    rule = bad.script.add(Rule(lose_answer(), share=0.4, seed=1))
    struck = prove(start(visitor, bad, film), bad, film)
    assert rule.struck > 0
    assert all(put.status == 200 for put in struck), "the store has them all"


def test_15_seconds_of_slow_down(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Fault 16, a shorter one."""
    bad.limit(40e6)
    uploads = start(visitor, bad, film)
    uploads.until_percent(film.name, 30)
    rule = bad.script.add(Rule(say(503, "SlowDown"), seconds=15))
    struck = prove(uploads, bad, film)
    assert rule.struck > 0
    assert len(struck) <= 30, "it slows down"


def test_urls_expire_in_the_queue_and_under_way(visitor: Visitor, film: Path, tmp_path: Path) -> None:
    """Faults 38, 39. The line takes half as long again as a URL lives."""
    with open_bad_line(tmp_path / "data", UPLOADS_URL_EXPIRY="12") as bad:
        bad.limit(SIZE / 18)
        rules = [
            bad.script.add(Rule(expire(), part_number=number, attempts=range(1, 2))) for number in (3, 8)
        ]
        struck = prove(start(visitor, bad, film), bad, film)
        assert [rule.struck for rule in rules] == [1, 1]
        assert len(struck) == 2, "signed anew before sending, the others never got to the store too late"
        assert bad.server.log.count("/batch 200") >= 2, "the first URLs were not enough"
