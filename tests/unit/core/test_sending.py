"""Parts on their way, and everything that can become of them: lists of effects. (F1)"""

import random
from dataclasses import replace

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.errors import FileChanged, FileUnreadable, ServiceFault, StallFault
from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.parts import ListedPart
from upload_engine.core.records import to_record
from upload_engine.core.retry import MAX_PATIENCE, MAX_THROTTLED, MIN_PATIENCE, PROBE_MAX, RetryPolicy
from upload_engine.core.sending import MAX_SIGNED_ANEW, SMALL_FILE, WORTH_MENTIONING
from upload_engine.core.session import Session
from upload_engine.core.states import Phase
from upload_engine.core.transfer import HEDGE_LOOKS, HEDGE_SECONDS

from tests.unit.core.life import (
    BROKEN,
    BUSY,
    DENIED,
    ETAG,
    GONE,
    ID,
    NETWORK,
    PART,
    PRINT,
    SAVE,
    STOP,
    Highest,
    Life,
    kinds,
)


def test_a_known_speed_tells_how_often_the_upload_moves_part_by_part() -> None:
    life = Life()
    life.begin()
    life.send(1)
    life.landed(1)
    part = life.session.next_part(life.now + 1)
    assert part.step_seconds == pytest.approx(10 / (10 / 2))
    second = life.session.next_part(life.now + 1)
    assert second.step_seconds == pytest.approx(5 / (10 / 2)), "the speed is that of all"


def test_a_failed_part_alone_is_sent_again() -> None:
    """Faults 15, 19: and its late answer is ignored (Fault 14)."""
    life = Life()
    life.begin()
    life.send(1, 2, 3)
    (timer,) = life.failed(2, BROKEN)
    assert isinstance(timer, fx.ArmTimer)
    assert life.landed(2) == [], "an answer to an attempt that was given up"
    assert not life.session.wants_part()
    assert life.fire() == []
    assert life.fire() == [], "a timer fires once"
    life.send(2)
    assert life.phase == Phase.UPLOADING


def test_when_the_retries_of_a_part_are_used_up_the_upload_fails() -> None:
    """Fault 15: max_retries is as documented, after the first try."""
    life = Life(max_retries=2)
    life.begin()
    for _ in range(2):
        life.send(1)
        assert kinds(life.failed(1, BROKEN)) == [fx.ArmTimer]
        life.fire()
    life.send(1)
    assert life.failed(1, BROKEN) == [STOP, SAVE], "the upload in the store is kept"
    assert life.phase == Phase.FAILED
    assert life.session.error is not None
    assert life.session.error.retryable


def test_each_part_has_its_own_retries() -> None:
    life = Life(max_retries=1)
    life.begin()
    life.send(1, 2, 3)
    for number in (1, 2):
        assert kinds(life.failed(number, BROKEN)) == [fx.ArmTimer]
    assert kinds(life.failed(3, NETWORK)) == [fx.ListParts]
    assert kinds(life.listed()) == [fx.SaveSession, fx.ArmTimer]
    assert life.phase == Phase.UPLOADING


def test_each_part_is_signed_anew_for_itself() -> None:
    """Fault 39."""
    life = Life()
    life.begin()
    for number in (1, 2, 3):
        life.send(number)
        assert life.failed(number, DENIED) == [], "at once, and not after a while as for the second time"
        life.send(number)
        life.landed(number)


def test_a_store_that_asks_to_slow_down_is_given_the_documented_delay() -> None:
    """Fault 16: ``retry_delay``, not the twentieth of it that other faults are given."""
    life = Life(rng=Highest())
    life.begin()
    life.send(1, 2)
    (busy,), (broken,) = life.failed(1, BUSY), life.failed(2, BROKEN)
    assert isinstance(busy, fx.ArmTimer)
    assert isinstance(broken, fx.ArmTimer)
    assert (busy.delay, broken.delay) == (2.0, 0.1)


def test_a_part_that_landed_has_its_failures_forgiven() -> None:
    life = Life(max_retries=1)
    life.begin()
    life.send(1)
    life.failed(1, BROKEN)
    life.fire()
    life.send(1)
    life.landed(1)
    life.session.transfer.confirm({}, [1])
    life.session.transfer.give_back(1)
    life.send(1)
    assert kinds(life.failed(1, BROKEN)) == [fx.ArmTimer]


def test_throttling_is_waited_out_and_narrows_the_window() -> None:
    """Faults 16, 17: nobody has to press Retry after ten minutes of SlowDown."""
    life = Life(max_retries=0)
    life.begin()
    for number in range(MAX_THROTTLED):
        life.send(1)
        (timer,) = life.failed(1, BUSY)
        assert isinstance(timer, fx.ArmTimer)
        assert timer.delay <= 20
        assert life.policy.window.size == 1
        assert number >= 5 or timer.delay <= 2.0 ** (number + 1)
        assert ("more slowly" in life.error_words) == (number >= WORTH_MENTIONING - 1)
        life.fire()
    life.send(1)
    assert life.failed(1, BUSY) == [STOP, SAVE]
    assert life.phase == Phase.FAILED
    assert "busy" in life.error_words


def test_what_is_told_of_a_delay_is_taken_back_when_a_part_lands() -> None:
    life = Life()
    life.begin()
    for _ in range(WORTH_MENTIONING):
        life.send(1)
        life.failed(1, BROKEN)
        life.fire()
    assert "goes on by itself" in life.error_words
    assert "could not be sent" in life.error_words
    life.send(1)
    life.landed(1)
    assert life.error_words == ""


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ServiceFault(502), "Its gateway says so"),
        (ServiceFault(200, "NotFromTheStore"), "asks you to sign in first; it goes on by itself"),
    ],
)
def test_a_gateway_or_a_portal_is_waited_for(fault: ServiceFault, words: str) -> None:
    """Faults 8, 15."""
    life = Life(max_retries=0)
    life.begin()
    life.send(1)
    life.failed(1, fault)
    life.control_failed(fault)
    assert life.phase == Phase.WAITING_FOR_NETWORK
    assert life.error_words.startswith("NETWORK_ERROR: The store cannot be reached.")
    assert words in life.error_words


def test_a_retry_after_is_obeyed() -> None:
    """Fault 17."""
    life = Life()
    life.begin()
    life.send(1)
    (timer,) = life.failed(1, ServiceFault(429, retry_after=50.0))
    assert isinstance(timer, fx.ArmTimer)
    assert timer.delay == 50


def test_a_throttled_part_keeps_all_others_back() -> None:
    """Fault 16: the store is asked again by one part, not by each in turn."""
    life = Life()
    life.begin()
    life.send(1, 2)
    assert life.policy.window.wait(life.now) == 0
    (timer,) = life.failed(1, BUSY)
    assert isinstance(timer, fx.ArmTimer)
    assert life.policy.window.wait(life.now) == pytest.approx(timer.delay)
    life.failed(2, BROKEN)
    assert life.policy.window.wait(life.now + timer.delay) == 0
    life.policy.window.close(5.0)
    life.policy.window.close(4.0)
    assert life.policy.window.wait(4.5) >= 0.5, "the longer pause counts"


def test_an_etag_that_only_looks_like_a_checksum_is_none() -> None:
    """An encrypted bucket's: it is neither compared nor believed to prove anything."""
    life = Life()
    life.tell(e.SlotGranted(ID))
    life.tell(replace(life.created(), has_opaque_etags=True))
    transfer = life.session.transfer
    assert not transfer.tells_bytes(ETAG[1])
    life.send(1, 2, 3)
    life.landed(1)
    life.landed(2)
    assert life.landed(3)[-1] == fx.CheckFile(ID, life.asked, ())
    assert transfer.makes("anything"), "nothing tells"
    transfer.has_opaque_etags = False
    assert transfer.tells_bytes(ETAG[1])
    assert not transfer.tells_bytes("kms")


def test_a_part_without_an_answer_is_looked_for_before_it_is_charged() -> None:
    """Faults 1, 2, 18: one look for all parts in doubt, and no further part until it is answered."""
    life = Life()
    life.begin()
    life.send(1, 2)
    (look,) = life.failed(1, NETWORK)
    assert isinstance(look, fx.ListParts)
    assert life.failed(2, NETWORK) == []
    assert life.phase == Phase.UPLOADING
    assert not life.session.wants_part()
    save, timer = life.tell(
        e.PartsListed(ID, look.attempt, (ListedPart(1, ETAG[1], 10), ListedPart(3, ETAG[3], 5)))
    )
    assert (save, type(timer)) == (SAVE, fx.ArmTimer)
    assert life.session.wants_part()
    assert life.session.transfer.stored == {1: PART[1]}, "3 was not in doubt: it is on nobody's word"
    assert life.session.transfer.unsent() == [3]
    life.tell(e.TimerFired(ID, life.asked))
    assert life.session.transfer.unsent() == [2, 3]


@pytest.mark.parametrize("row", [ListedPart(1, ETAG[1], 9), ListedPart(2, ETAG[2], 10)])
def test_a_look_trusts_no_part_of_another_size_or_number(row: ListedPart) -> None:
    """Fault 34."""
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, NETWORK)
    life.tell(e.PartsListed(ID, life.asked, (row,)))
    assert life.session.transfer.stored == {}


def test_a_part_found_by_a_look_is_compared_with_the_file_before_completion() -> None:
    """Faults 2, 69: what arrived unheard may have been damaged on the way."""
    life = Life()
    life.begin()
    life.send(1, 2, 3)
    life.landed(1)
    life.failed(2, NETWORK)
    life.landed(3)
    assert life.session.wants_part() is False
    save, check = life.listed(1, 2, 3)
    assert (save, check) == (SAVE, fx.CheckFile(ID, life.asked, tuple(PART.items())))
    assert life.phase == Phase.FINALISING
    assert life.checked(2) == [SAVE]
    assert life.phase == Phase.UPLOADING
    assert life.session.transfer.unsent() == [2]
    life.send(2)
    assert kinds(life.landed(2)) == [fx.SaveSession, fx.CheckFile]
    assert kinds(life.checked()) == [fx.SaveSession, fx.CompleteUpload]


def test_a_landing_shows_that_the_line_works() -> None:
    """Fault 42: while the server cannot look, what is signed keeps flowing."""
    life = Life()
    life.begin()
    life.send(1, 2)
    life.failed(1, NETWORK)
    assert not life.session.wants_part()
    (timer,) = life.control_failed(NETWORK)
    assert isinstance(timer, fx.ArmTimer), "another part is on its way: nothing is given up"
    assert life.phase == Phase.UPLOADING
    life.landed(2)
    assert life.session.wants_part()
    life.send(3)
    assert life.failed(3, NETWORK) == [], "a look is due already"
    assert kinds(life.tell(e.TimerFired(ID, timer.attempt))) == [fx.ListParts]


def test_when_the_server_cannot_be_reached_either_it_is_the_network_and_nothing_is_charged() -> None:
    """Faults 5, 6, 7, 10."""
    life = Life(max_retries=0)
    life.begin()
    life.send(1, 2)
    life.failed(1, NETWORK)
    life.failed(2, NETWORK)
    stop, save, timer = life.control_failed(NETWORK)
    assert (stop, save, type(timer)) == (STOP, SAVE, fx.ArmTimer)
    assert life.phase == Phase.WAITING_FOR_NETWORK
    assert life.error_words.startswith("NETWORK_ERROR")
    for _ in range(8):
        (probe,) = life.fire()
        assert isinstance(probe, fx.ProbeNetwork)
        (timer,) = life.tell(e.NetworkProbed(ID, probe.attempt, False))
    assert isinstance(timer, fx.ArmTimer)
    assert PROBE_MAX / 2 <= timer.delay <= PROBE_MAX
    (probe,) = life.fire()
    assert life.tell(e.NetworkProbed(ID, life.asked, True)) == []
    assert life.phase == Phase.QUEUED
    assert life.policy.budget.charged == 0
    assert life.kinds(e.SlotGranted(ID)) == [fx.ListParts]


def test_a_part_that_never_gets_through_while_the_server_can_be_reached() -> None:
    """Faults 13, 18: it waits and tries on; the parts beside it are not disturbed."""
    life = Life(max_retries=1)
    life.begin()
    life.send(1, 2)
    life.failed(1, NETWORK)
    life.listed()
    life.fire()
    life.send(1)
    life.failed(1, NETWORK)
    save, timer = life.listed()
    assert (save, type(timer)) == (SAVE, fx.ArmTimer)
    assert life.phase == Phase.UPLOADING, "part 2 is on its way"
    life.tell(e.TimerFired(ID, life.asked))
    life.send(1)
    life.landed(2)
    life.failed(1, NETWORK)
    assert kinds(life.listed()) == [fx.AbortRequests, fx.SaveSession, fx.ArmTimer]
    assert life.phase == Phase.WAITING_FOR_NETWORK


@pytest.mark.parametrize(
    ("fault", "asked", "phase"),
    [
        (GONE, [fx.AbortRequests, fx.CheckStatus], Phase.RECONCILING),
        (BROKEN, [fx.ArmTimer], Phase.UPLOADING),
        (BUSY, [fx.ArmTimer], Phase.UPLOADING),
        (ServiceFault(401), [fx.AbortRequests, fx.SaveSession], Phase.WAITING_FOR_SIGN_IN),
        (ServiceFault(501), [fx.AbortRequests, fx.SaveSession], Phase.FAILED),
    ],
)
def test_a_look_may_tell_why_there_was_no_answer(
    fault: ServiceFault, asked: list[type[fx.Effect]], phase: Phase
) -> None:
    """Fault 18: a page sees status 0 where the store's refusal has no CORS headers."""
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, NETWORK)
    assert kinds(life.control_failed(fault)) == asked
    assert life.phase == phase
    if phase == Phase.UPLOADING:
        assert kinds(life.fire()) == [fx.ListParts]


def test_a_look_that_keeps_failing_gives_up_in_the_end() -> None:
    life = Life(max_retries=1)
    life.begin()
    life.send(1)
    life.failed(1, NETWORK)
    life.control_failed(BROKEN)
    life.fire()
    life.control_failed(BROKEN)
    assert life.phase == Phase.FAILED


def test_a_pause_forgets_what_was_in_doubt() -> None:
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, NETWORK)
    look = life.asked
    life.resume()
    assert life.tell(e.PartsListed(ID, look, ())) == []
    life.listed()
    life.checked()
    assert life.session.wants_part()
    life.send(1, 2, 3)


def test_a_stall_narrows_the_window_too() -> None:
    """Faults 3, 11."""
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, StallFault())
    assert life.policy.window.size == 1
    calm = Life()
    calm.begin()
    calm.send(1)
    calm.failed(1, NETWORK)
    assert calm.policy.window.size == 3


def test_the_last_part_that_hangs_is_sent_once_more_and_the_first_to_land_wins() -> None:
    """Fault 3."""
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    life.send(3)
    save, timer = life.landed(2)
    assert (save, timer) == (SAVE, fx.ArmTimer(ID, life.asked, HEDGE_SECONDS))
    first = life.parts[3]
    life.now += 30
    for _ in range(HEDGE_LOOKS - 1):
        assert not life.session.wants_part()
        assert kinds(life.fire()) == [fx.ArmTimer]
    life.fire()
    assert life.session.wants_part()
    life.send(3)
    assert life.session.transfer.requests == 2
    life.tell(e.PartProgressed(ID, first, 3, 4))
    life.tell(e.PartProgressed(ID, life.parts[3], 3, 3))
    assert life.session.progress(life.now).uploaded_bytes == 24
    for _ in range(HEDGE_LOOKS + 1):
        life.fire()
    assert not life.session.wants_part(), "once is enough"
    effects = life.tell(e.PartUploaded(ID, first, 3, ETAG[3]))
    assert effects[:2] == [fx.AbortAttempt(ID, life.parts[3]), SAVE]
    assert life.landed(3) == [], "the loser's answer is stale"


@pytest.mark.parametrize("lands", [True, False])
def test_a_part_that_moves_after_all_is_not_sent_twice(lands: bool) -> None:
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    life.send(3)
    life.landed(2)
    life.now += 30
    for _ in range(HEDGE_LOOKS):
        life.fire()
    assert life.session.wants_part()
    if lands:
        life.landed(3)
    else:
        life.failed(3, BROKEN)
    assert not life.session.wants_part()
    assert not life.session.transfer.has_next()


def test_a_part_that_moves_is_not_stuck() -> None:
    """Faults 4, 51: looks are counted, not seconds."""
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    life.send(3)
    life.landed(2)
    life.now += 3600
    for sent in range(HEDGE_LOOKS + 2):
        life.fire()
        life.tell(e.PartProgressed(ID, life.parts[3], 3, 1 + sent))
    assert not life.session.wants_part()


def test_a_part_of_the_first_round_is_known_to_be_stuck_when_the_others_have_landed() -> None:
    """Fault 3: its patience was long while no speed was known."""
    life = Life()
    life.begin()
    life.send(1, 2, 3)
    assert life.session.transfer.patience(5) == MIN_PATIENCE
    assert life.session.transfer.patience(5_000_000) == 1000
    life.landed(1)
    assert life.session.transfer.patience(5_000_000) == MAX_PATIENCE, "ten bytes a second"
    life.landed(2)
    life.now += 3
    for _ in range(HEDGE_LOOKS):
        life.fire()
    assert life.session.wants_part()
    assert life.session.next_part(life.now).step_seconds is None, "so that its progress can be seen"


def test_a_part_that_is_not_late_yet_is_not_stuck() -> None:
    life = Life()
    life.begin()
    life.send(1, 2)
    life.now = 1000.0
    life.landed(1)
    life.send(3)
    life.landed(2)
    for _ in range(HEDGE_LOOKS + 1):
        life.fire()
    assert not life.session.wants_part(), "the last one took a quarter of an hour, and arrived"


def test_one_of_two_tries_may_fail_unnoticed() -> None:
    life = Life()
    life.begin()
    life.send(1, 2, 3)
    life.landed(1)
    life.landed(2)
    life.session.transfer.in_flight[3].attempts[99] = 0
    assert life.tell(e.PartFailed(ID, 99, 3, GONE)) == []
    assert life.failed(3, BROKEN) != []


def test_a_refused_url_is_signed_anew_without_a_charge_but_not_for_ever() -> None:
    """Faults 38, 39, 40, 46."""
    life = Life(max_retries=0)
    life.begin()
    life.send(1)
    assert life.failed(1, DENIED) == [], "at once"
    waited = []
    for _ in range(MAX_SIGNED_ANEW - 1):
        life.send(1)
        (timer,) = life.failed(1, DENIED)
        assert isinstance(timer, fx.ArmTimer), "credentials take a while to change"
        waited.append(timer.delay)
        life.fire()
    assert 0.5 <= waited[0] <= 1
    assert 2 <= waited[-1] <= 4
    assert life.policy.budget.charged == 0
    life.send(1)
    assert life.failed(1, DENIED) == [STOP, SAVE]
    assert life.phase == Phase.FAILED
    assert "refuses access" in life.error_words


@pytest.mark.parametrize("code", ["ExpiredToken", "RequestTimeTooSkewed"])
def test_a_signature_of_its_time_is_made_anew(code: str) -> None:
    """Faults 40, 45: credentials that expired, clocks that differ."""
    life = Life(max_retries=0)
    life.begin()
    life.send(1)
    assert life.failed(1, ServiceFault(400, code)) == []
    assert life.session.wants_part()


def test_gone_in_the_middle_is_looked_into() -> None:
    """Fault 26."""
    life = Life()
    life.begin()
    life.send(1)
    assert kinds(life.failed(1, GONE)) == [fx.AbortRequests, fx.CheckStatus]
    assert life.phase == Phase.RECONCILING


def test_signed_out_waits_for_the_person() -> None:
    """Fault 41."""
    life = Life()
    life.begin()
    life.send(1)
    assert life.failed(1, ServiceFault(401)) == [STOP, SAVE]
    assert life.phase == Phase.WAITING_FOR_SIGN_IN
    assert "Sign in again" in life.error_words
    assert life.tell(e.ResumeRequested(ID)) == [SAVE]
    assert life.phase == Phase.QUEUED


def test_a_changed_file_stops_and_is_never_mixed() -> None:
    """Fault 58."""
    life = Life()
    life.begin()
    life.send(1)
    assert life.failed(1, FileChanged("the file has been changed")) == [STOP, SAVE]
    assert life.phase == Phase.FAILED
    assert life.tell(e.ResumeRequested(ID)) == [], "retrying would send another file"


def test_an_unreadable_file_is_asked_for_again() -> None:
    """Faults 60, 61, 62."""
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(2)
    assert life.failed(1, FileUnreadable()) == [STOP, SAVE]
    assert life.phase == Phase.WAITING_FOR_FILE
    assert "Choose it again" in life.error_words
    assert life.tell(e.ResumeRequested(ID)) == []
    assert life.tell(e.FileGiven(ID, Fingerprint("a.bin", 25, 7, "other"))) == []
    assert "content is different" in life.error_words
    assert life.tell(e.FileGiven(ID, PRINT)) == [SAVE]
    assert life.phase == Phase.QUEUED
    assert to_record(life.session)["error"] is None
    life.tell(e.SlotGranted(ID))
    save, check = life.listed(2)
    assert (save, check) == (SAVE, fx.CheckFile(ID, life.asked, ((2, PART[2]),)))


def test_create_is_retried_then_fails() -> None:
    """Fault 31."""
    life = Life(max_retries=1)
    life.tell(e.SlotGranted(ID))
    assert kinds(life.control_failed(BROKEN)) == [fx.ArmTimer]
    assert kinds(life.fire()) == [fx.CreateUpload]
    life.control_failed(BROKEN)
    assert life.phase == Phase.FAILED
    assert life.error_words.startswith("UPLOAD_INIT_FAILED")


@pytest.mark.parametrize(
    ("size", "seconds", "compared"),
    [
        (SMALL_FILE, 0.1, True),
        (SMALL_FILE + 1, 6.7, False),  # faster than 10 MB/s: comparing it all once more would be felt
        (SMALL_FILE + 1, 6.8, True),
        (1_000_000_000, 99.9, False),
        (1_000_000_000, 100.0, True),
    ],
)
def test_all_of_a_file_is_compared_before_completion_where_that_is_cheap(
    size: int, seconds: float, compared: bool
) -> None:
    """Fault 59: an edit that neither size nor date tell of; where there are two parts that it could have come between."""
    half = -(-size // 2)
    facts = UploadFacts(ID, "p", "me", "", "a/b", Fingerprint("a", size, 1, "s"), 1)
    session = Session(facts, half, RetryPolicy(random.Random(1)), has_file=True)
    session.handle(e.SlotGranted(ID), 5.0)
    session.handle(e.UploadCreated(ID, 1, "s", "k", "b", half, "me"), 10.0)
    for part in (session.next_part(10.0), session.next_part(10.0)):
        number = part.part_number
        *_, check = session.handle(e.PartUploaded(ID, part.attempt, number, ETAG[number]), 10.0 + seconds)
    assert isinstance(check, fx.CheckFile)
    assert bool(check.parts) is compared
