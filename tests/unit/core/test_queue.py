"""Which upload works and which sends the next part."""

import random

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
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


def queue(rate: float | None = None, **limits: int) -> UploadQueue:
    return UploadQueue(QueueLimits(**limits), Pacer(rate))


def create(uploads: UploadQueue, *names: str) -> Effects:
    effects: Effects = []
    for name in names:
        attempt = uploads.sessions[name]._control
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
    uploads = queue(max_parts=3, max_requests=5)
    uploads.add(session("large"), 0.0)
    assert parts(create(uploads, "large")) == [("large", 1), ("large", 2), ("large", 3)]
    uploads.add(session("small", 5), 0.0)
    assert parts(create(uploads, "small")) == [("small", 1)]
    uploads.add(session("third"), 0.0)
    assert parts(create(uploads, "third")) == [("third", 1)], "five in all"
    attempt = uploads.sessions["large"].transfer.in_flight[1].attempt
    assert uploads.handle(e.PartProgressed("large", attempt, 1, 5), 0.0) == []
    landed = uploads.handle(e.PartUploaded("large", attempt, 1, "x"), 0.0)
    assert parts(landed) == [("third", 2)], "whoever has the fewest under way is next"


def test_a_bandwidth_limit_paces_the_starts() -> None:
    uploads = queue(rate=10.0)
    uploads.add(session("a"), 0.0)
    effects = create(uploads, "a")
    assert parts(effects) == [("a", 1)]
    (timer,) = [effect for effect in effects if isinstance(effect, fx.ArmTimer)]
    assert timer == fx.ArmTimer(QUEUE, 1, 1.0)
    attempt = uploads.sessions["a"].transfer.in_flight[1].attempt
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
