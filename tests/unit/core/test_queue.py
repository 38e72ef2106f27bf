"""Which upload works and which sends the next part."""

import random

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.concurrency import Window
from upload_engine.core.errors import NetworkFault
from upload_engine.core.facts import UploadFacts
from upload_engine.core.figures import MOST_SAMPLES, Figures
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.limits import LITTLE
from upload_engine.core.order import move
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


def test_limits_may_change_at_any_time() -> None:
    uploads = queue(rate=1.0, max_uploads=1, max_parts=1)
    effects = uploads.add(session("a", 50), 0.0) + uploads.add(session("b", 50), 0.0)
    assert parts(create(uploads, "a")) == [("a", 1)]
    assert uploads.limit(QueueLimits(1, 3), 1.0, 0.0)[0] == fx.ArmTimer("", 1, 10.0), "the rate still holds"
    assert parts(uploads.limit(QueueLimits(1, 3), None, 0.0)) == [("a", 2), ("a", 3)]
    assert fx.CreateUpload("b", 1) not in effects
    assert fx.CreateUpload("b", 1) in uploads.limit(QueueLimits(2, 3), None, 0.0)


def test_what_is_moved_goes_before_others() -> None:
    uploads = queue(max_uploads=1)
    for name in "abcd":
        uploads.add(session(name), 0.0)
    assert uploads.move("a", None) == ["a"], "at work, and last in the list"
    assert set(uploads.move("d", "b")) >= {"d"}
    assert fx.CreateUpload("d", 1) in uploads.handle(e.PauseRequested("a"), 0.0)
    ranks = {"a": 1.0, "b": 2.0, "c": 3.0}
    assert move(ranks, "c", "a") == {"c": 0.0}
    assert move(ranks, "a", None) == {"a": 4.0}
    assert move(ranks, "c", "b") == {"c": 1.5}
    assert move(ranks, "b", "nobody") == {"b": 4.0}
    assert move({"a": 1.0}, "a", None) == {"a": 1.0}
    assert move({"a": 0.5, "b": 5.0}, "b", "a") == {"b": 0.5, "a": 1.5}, "none is below nothing"
    same = {"a": 1.0, "b": 1.0, "c": 9.0}
    given = move(same, "c", "b")
    assert sorted(given, key=lambda name: given[name]) == ["a", "c", "b"], "no room between them: all anew"


def test_figures_count_what_was_sent_and_what_was_sent_in_vain() -> None:
    figures = Figures()
    figures.started(1, 1, 0.0)
    figures.started(2, 2, 0.0)
    figures.happened(e.PartProgressed("a", 1, 1, 60), 100, 1.0)
    figures.happened(e.PartProgressed("a", 9, 9, 60), 100, 1.0)
    figures.happened(e.PartFailed("a", 1, 1, NetworkFault()), 100, 2.0)
    figures.happened(e.PartFailed("a", 1, 1, NetworkFault()), 100, 2.0)
    figures.happened(e.PartUploaded("a", 2, 2, "e"), 100, 4.0)
    assert figures.busy_seconds(9.0) == 4.0, "nothing is under way"
    figures.started(1, 3, 10.0)
    figures.started(1, 4, 10.0)
    figures.happened(e.PartProgressed("a", 3, 1, 10), 100, 11.0)
    figures.aborted(3, 12.0)
    figures.happened(e.PartProgressed("a", 4, 1, 7), 100, 12.0)
    figures.stopped(14.0)
    summary = figures.summary(14.0)
    assert (summary["sent_bytes"], summary["parts"], summary["retries"], summary["seconds"]) == (
        100,
        1,
        1,
        8.0,
    )
    assert summary["mean_speed"] == 12.5
    again = Figures()
    again.restore(figures.to_record())
    assert again.summary(0.0) == summary
    kept = figures.to_record()
    for damaged in (
        None,
        {},
        {"seconds": "x"},
        kept | {"parts": -1},
        kept | {"seconds": float("nan")},
        kept | {"retries": 1e99},
    ):
        again.restore(damaged)
    assert again.summary(0.0) == summary
    assert Figures().summary(0.0)["mean_speed"] == 0.0


def test_samples_of_a_long_upload_are_thinned_out() -> None:
    figures = Figures()
    for second in range(1000):
        figures.started(second, second, float(second))
        figures.happened(e.PartUploaded("a", second, second, "e"), 100, second + 0.5)
    assert 100 < len(figures.samples) <= MOST_SAMPLES
    assert figures.samples[-1][0] > 990
    assert {round(speed) for _, speed, _, _ in figures.samples} == {100}


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


def test_the_speed_of_one_request_is_remembered() -> None:
    """By it the parts of later files are cut."""
    uploads = queue()
    uploads.add(session("a", 100 * LITTLE), 0.0)
    uploads.sessions["a"].transfer.part_size = 10 * LITTLE
    attempt = uploads.sessions["a"].control
    assert attempt
    effects = uploads.handle(e.UploadCreated("a", attempt, "s", "k", "b", 10 * LITTLE, "me"), 0.0)
    assert uploads.request_speed == 0.0
    first = next(effect for effect in effects if isinstance(effect, fx.UploadPart))
    uploads.handle(e.PartUploaded("a", first.attempt, first.part_number, "x"), 10.0)
    assert uploads.request_speed == LITTLE / 2, "ten little ones in ten seconds, shared by two that go on"
