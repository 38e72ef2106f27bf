"""200 MB over a bad line: a real Chromium, a real store, and faults between them (ACCEPTANCE D4, D5; I1-I8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.line import BadLine
from tests.browser.runs import URL_SECONDS, prove, puts, start
from tests.browser.uploads_page import MIB
from tests.fakes.fault_server import Rule
from tests.fakes.faults import cut, expire, lose_answer, say
from tests.harness.browser import Visitor

pytestmark = pytest.mark.browser

SIZE = 200_000_000
PART = 16 * MIB
PARTS = -(-SIZE // PART)
AT_ONCE = 3
"""Parts of one upload that are on their way at a time."""


def test_30_percent_of_the_part_requests_are_reset(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Faults 1, 7, 13."""
    rule = bad.script.add(Rule(cut(3_000_000), share=0.3, seed=4))
    struck = prove(start(visitor, bad, film), bad, film)
    assert len(struck) >= rule.struck > 0


@pytest.mark.long
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


@pytest.mark.long
def test_answers_are_lost_after_storing(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Fault 2."""
    rule = bad.script.add(Rule(lose_answer(), share=0.4, seed=1))
    struck = prove(start(visitor, bad, film), bad, film)
    assert rule.struck > 0
    assert all(put.status == 200 for put in struck), "the store has them all"


@pytest.mark.long
def test_15_seconds_of_slow_down(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Fault 16, a shorter one."""
    bad.limit(40e6)
    uploads = start(visitor, bad, film)
    uploads.until_percent(film.name, 30)
    rule = bad.script.add(Rule(say(503, "SlowDown"), seconds=15))
    struck = prove(uploads, bad, film)
    assert rule.struck > 0
    assert len(struck) <= 30, "it slows down"


@pytest.mark.long
def test_urls_expire_in_the_queue_and_under_way(visitor: Visitor, bad: BadLine, film: Path) -> None:
    """Faults 38, 39. Those of the parts that come last have expired when their turn comes."""
    bad.limit(12e6)
    rules = [bad.script.add(Rule(expire(), part_number=number, attempts=range(1, 2))) for number in (3, 8)]
    struck = prove(start(visitor, bad, film), bad, film)
    assert [rule.struck for rule in rules] == [1, 1]
    assert len(struck) == 2, "signed anew before sending: no other came too late"
    began = sorted(put.began for put in puts(bad))
    assert began[-1] - began[0] > URL_SECONDS, "the last ones' first URLs had expired in the queue"
