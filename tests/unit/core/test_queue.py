"""Which upload works and which sends the next part."""

import random

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.concurrency import Window
from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.pacing import Pacer
from upload_engine.core.queue import QUEUE, QueueLimits, UploadQueue
from upload_engine.core.requests import SignedParts
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session import Effects, Session
from upload_engine.core.signatures import BATCH, MARGIN, UrlBook
from upload_engine.core.states import Phase


def session(name: str, size: int = 100) -> Session:
    facts = UploadFacts(name, "p", "me", "", "a/b", Fingerprint(name, size, 1, "s"), 1)
    return Session(facts, 10, RetryPolicy(random.Random(1)), has_file=True)


def queue(rate: float | None = None, max_requests: int = 5, **limits: int) -> UploadQueue:
    return UploadQueue(QueueLimits(**limits), Window(max_requests), Pacer(rate))


def create(uploads: UploadQueue, *names: str) -> Effects:
    effects: Effects = []
    for name in names:
        attempt = uploads.sessions[name].control
        assert attempt is not None
        effects += uploads.handle(e.UploadCreated(name, attempt, "s", "k", "b", 10, "me"), 0.0)
    return effects


def parts(effects: Effects) -> list[tuple[str, int]]:
    return [(effect.upload_id, effect.part_number) for effect in effects if isinstance(effect, fx.UploadPart)]


def test_uploads_start_in_the_order_they_came_and_no_more_than_allowed() -> None:
    uploads = queue(max_uploads=2)
    assert uploads.add(session("a"), 0.0) == [fx.CreateUpload("a", 1)]
    assert uploads.add(session("b"), 0.0) == [fx.CreateUpload("b", 1)]
    assert uploads.add(session("c"), 0.0) == []
    assert uploads.handle(e.PauseRequested("a"), 0.0)[-1] == fx.CreateUpload("c", 1)
    uploads.handle(e.ResumeRequested("a"), 0.0)
    assert uploads.sessions["a"].phase is Phase.QUEUED, "a paused upload goes to the end of the line"


def test_an_id_is_taken_once() -> None:
    uploads = queue()
    uploads.add(session("a"), 0.0)
    with pytest.raises(ValueError, match="a exists"):
        uploads.add(session("a"), 0.0)


def test_requests_are_shared_fairly() -> None:
    uploads = queue(max_parts=2)
    uploads.add(session("large"), 0.0)
    assert parts(create(uploads, "large")) == [("large", 1), ("large", 2)], "two per upload"
    uploads.add(session("small", 5), 0.0)
    assert parts(create(uploads, "small")) == [("small", 1)]
    uploads.add(session("third"), 0.0)
    assert parts(create(uploads, "third")) == [], "three at the start"
    (attempt,) = uploads.sessions["large"].transfer.in_flight[1].attempts
    assert uploads.handle(e.PartProgressed("large", attempt, 1, 5), 0.0) == []
    landed = uploads.handle(e.PartUploaded("large", attempt, 1, "x"), 0.0)
    assert parts(landed) == [("third", 1)], "whoever has the fewest under way is next"


def test_a_bandwidth_limit_paces_the_starts() -> None:
    uploads = queue(rate=10.0)
    uploads.add(session("a"), 0.0)
    effects = create(uploads, "a")
    assert parts(effects) == [("a", 1)]
    (timer,) = [effect for effect in effects if isinstance(effect, fx.ArmTimer)]
    assert timer == fx.ArmTimer(QUEUE, 1, 1.0)
    (attempt,) = uploads.sessions["a"].transfer.in_flight[1].attempts
    assert uploads.handle(e.PartUploaded("a", attempt, 1, "x"), 0.5) == [fx.SaveSession("a")], (
        "one timer is enough"
    )
    assert parts(uploads.handle(e.TimerFired(QUEUE, 1), 1.0)) == [("a", 2)]


def test_events_of_an_upload_that_is_gone_lead_to_nothing() -> None:
    uploads = queue()
    uploads.add(session("a"), 0.0)
    uploads.handle(e.CancelRequested("a"), 0.0)
    uploads.remove("a")
    assert uploads.handle(e.CancelRequested("a"), 0.0) == []


def test_more_go_at_a_time_after_a_round_without_trouble() -> None:
    """Fault 12. A stale answer is no part of a round."""
    uploads = queue(max_parts=5)
    uploads.add(session("a"), 0.0)
    create(uploads, "a")
    attempts = [next(iter(flight.attempts)) for flight in uploads.sessions["a"].transfer.in_flight.values()]
    for number in (1, 2, 2):
        uploads.handle(e.PartUploaded("a", attempts[number - 1], number, "x"), 0.0)
    assert uploads.sessions["a"].transfer.requests == 3
    uploads.handle(e.PartUploaded("a", attempts[2], 3, "x"), 0.0)
    assert uploads.sessions["a"].transfer.requests == 4


def test_on_a_slow_line_one_part_at_a_time() -> None:
    """Fault 11."""
    uploads = queue()
    uploads.add(session("a"), 0.0)
    create(uploads, "a")
    attempts = [next(iter(flight.attempts)) for flight in uploads.sessions["a"].transfer.in_flight.values()]
    for number, attempt in enumerate(attempts, 1):
        uploads.handle(e.PartProgressed("a", attempt, number, 1), 30.0 * number)
    assert uploads.sessions["a"].transfer.speed(90.0) < 10 / 30 * 2
    landed = uploads.handle(e.PartUploaded("a", attempts[0], 1, "x"), 120.0)
    assert parts(landed) == []
    assert uploads.sessions["a"].transfer.requests == 2


def test_urls_that_live_shortly_are_used_for_most_of_their_life() -> None:
    """Fault 38."""
    book = UrlBook()
    book.add(SignedParts({1: "u1", 2: "u2", 3: "u3"}, {}, 9.0), 100.0)
    assert book.take(1, 106.0) == "u1"
    assert book.take(2, 106.1) is None
    assert book.wanted(1, [3], 105.0) == [1]
    assert book.wanted(1, [3], 107.0) == [1, 3]


def test_urls_that_are_of_no_use_are_forgotten() -> None:
    """Fault 36."""
    book = UrlBook()
    book.add(SignedParts({1: "u1"}, {"x-amz-checksum-crc32": "1"}, 900.0), 0.0)
    book.clear()
    assert (book.take(1, 0.0), book.headers) == (None, {})


def test_urls_are_asked_for_in_batches_and_used_once() -> None:
    """Budget: at most one signing call per fifty parts. Faults 38 and 44."""
    book = UrlBook()
    wanted = book.wanted(1, range(1, 1_000), 0.0)
    assert wanted == list(range(1, BATCH + 1))
    book.add(SignedParts({number: f"u{number}" for number in wanted}, {"h": "1"}, 900.0), 0.0)
    assert book.headers == {"h": "1"}
    assert book.take(1, 0.0) == "u1"
    assert book.take(1, 0.0) is None, "a retry gets a fresh URL"
    assert book.take(2, 900.0 - MARGIN) == "u2"
    assert book.take(3, 900.0 - MARGIN + 1) is None, "too old when its turn came"
    assert book.wanted(1, [4, 5, 200], 100.0) == [1, 200], "what is fresh is not asked for again"
