"""What uploads do while the signing server is out of reach (ACCEPTANCE D14)."""

import random

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.concurrency import Window
from upload_engine.core.errors import NetworkFault
from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.pacing import Pacer
from upload_engine.core.queue import QUEUE, QueueLimits, UploadQueue
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session import Effects, Session
from upload_engine.core.states import Phase

LOST, FOUND, SIGNED_OUT = e.ServerLost(QUEUE), e.ServerFound(QUEUE), e.ServerLost(QUEUE, must_sign_in=True)


def session(name: str) -> Session:
    facts = UploadFacts(name, "p", "me", "", "a/b", Fingerprint(name, 100, 1, "s"), 1)
    return Session(facts, 10, RetryPolicy(random.Random(1), max_retries=0), has_file=True)


def queue(*names: str, max_uploads: int = 3) -> UploadQueue:
    uploads = UploadQueue(QueueLimits(max_uploads), Window(5), Pacer(None))
    for name in names:
        uploads.add(session(name), 0.0)
    return uploads


def phases(uploads: UploadQueue) -> list[Phase]:
    return [session.phase for session in uploads.sessions.values()]


def kinds(effects: Effects) -> list[tuple[str, str]]:
    return [(effect.upload_id, type(effect).__name__) for effect in effects]


def attempt(uploads: UploadQueue, name: str) -> int:
    found = uploads.sessions[name].control
    assert found is not None
    return found


def test_what_is_added_while_the_server_is_lost_waits_and_is_kept() -> None:
    uploads = queue()
    assert uploads.handle(LOST, 0.0) == [fx.FindServer(QUEUE)]
    assert uploads.is_cut_off
    effects = uploads.add(session("a"), 0.0)
    assert effects == [fx.AbortRequests("a"), fx.SaveSession("a"), fx.KeepFile("a")]
    assert phases(uploads) == [Phase.WAITING_FOR_NETWORK]
    assert uploads.handle(LOST, 1.0) == [], "nothing is new"


def test_found_again_they_begin_in_order_as_many_as_may() -> None:
    uploads = queue(max_uploads=2)
    uploads.handle(LOST, 0.0)
    for name in "abc":
        uploads.add(session(name), 0.0)
    effects = uploads.handle(FOUND, 5.0)
    assert [effect.upload_id for effect in effects if isinstance(effect, fx.CreateUpload)] == ["a", "b"]
    assert phases(uploads) == [Phase.CREATING, Phase.CREATING, Phase.QUEUED]
    assert not uploads.is_cut_off
    assert uploads.handle(FOUND, 6.0) == []


def test_one_look_in_vain_holds_all_back_and_has_the_server_looked_for() -> None:
    """Fault 42: only what had begun already has failed; nobody looks by themselves any more."""
    uploads = queue("a", "b", max_uploads=1)
    uploads.handle(e.ControlFailed("a", attempt(uploads, "a"), NetworkFault()), 0.0)
    assert phases(uploads) == [Phase.WAITING_FOR_NETWORK, Phase.CREATING], "b has its turn"
    [timer] = uploads.sessions["a"].timers
    uploads.handle(e.TimerFired("a", timer), 1.0)
    effects = uploads.handle(e.NetworkProbed("a", attempt(uploads, "a"), reachable=False), 2.0)
    assert ("", "FindServer") in kinds(effects)
    assert ("b", "KeepFile") in kinds(effects), "it may fail any moment"
    assert (uploads.sessions["a"].timers, uploads.sessions["a"].control) == ({}, None)
    effects = uploads.handle(e.ControlFailed("b", attempt(uploads, "b"), NetworkFault()), 3.0)
    assert phases(uploads) == [Phase.WAITING_FOR_NETWORK] * 2
    assert uploads.sessions["b"].timers == {}
    effects = uploads.handle(e.NetworkHinted("a"), 4.0)
    assert kinds(effects)[-1] != ("a", "ProbeNetwork"), "the one look is hinted at"
    assert uploads.sessions["a"].control is None


def test_a_look_that_was_given_up_tells_nothing() -> None:
    uploads = queue("a")
    assert uploads.handle(e.NetworkProbed("a", 99, reachable=False), 0.0) == []
    assert not uploads.is_cut_off


def test_who_has_to_sign_in_is_told_so() -> None:
    """Fault 41."""
    uploads = queue()
    uploads.handle(LOST, 0.0)
    uploads.add(session("a"), 0.0)
    assert ("", "FindServer") not in kinds(uploads.handle(SIGNED_OUT, 1.0)), "it is looked for already"
    uploads.add(session("b"), 1.0)
    assert phases(uploads) == [Phase.WAITING_FOR_SIGN_IN] * 2
    error = uploads.sessions["b"].error
    assert error is not None
    assert error.message == "You are signed out."
    uploads.handle(e.ResumeRequested("a"), 2.0)
    assert phases(uploads) == [Phase.WAITING_FOR_SIGN_IN] * 2
    uploads.handle(LOST, 3.0)
    assert phases(uploads) == [Phase.WAITING_FOR_SIGN_IN] * 2, "until they have"
    uploads.handle(FOUND, 4.0)
    uploads.handle(e.ResumeRequested("a"), 4.0)
    assert phases(uploads) == [Phase.CREATING, Phase.WAITING_FOR_SIGN_IN]


@pytest.mark.parametrize("answer", ["created", "failed"])
def test_an_answer_to_create_that_nobody_waits_for_is_still_taken_in(answer: str) -> None:
    """Fault 31: paused and resumed with Create under way, it asks for a slot; then the server is lost."""
    uploads = queue("a", "b", max_uploads=1)
    create = attempt(uploads, "a")
    uploads.handle(e.PauseRequested("a"), 0.0)
    uploads.handle(e.ResumeRequested("a"), 0.0)
    uploads.handle(LOST, 1.0)
    assert phases(uploads)[0] is Phase.QUEUED
    if answer == "created":
        effects = uploads.handle(e.UploadCreated("a", create, "s", "k", "bucket", 10, "me"), 2.0)
        assert ("a", "KeepFile") not in kinds(effects), "part of it is stored"
    else:
        uploads.handle(e.ControlFailed("a", create, NetworkFault()), 2.0)
    assert phases(uploads)[0] is Phase.WAITING_FOR_NETWORK
    uploads.handle(FOUND, 3.0)
    assert phases(uploads)[0] is Phase.QUEUED


def test_what_is_under_way_is_left_alone() -> None:
    """Fault 42: parts that are signed keep flowing."""
    uploads = queue("a")
    uploads.handle(e.UploadCreated("a", attempt(uploads, "a"), "s", "k", "bucket", 10, "me"), 0.0)
    under_way = uploads.sessions["a"].transfer.requests
    assert kinds(uploads.handle(LOST, 1.0)) == [("", "FindServer")]
    assert (phases(uploads), uploads.sessions["a"].transfer.requests) == ([Phase.UPLOADING], under_way)
    number, flight = next(iter(uploads.sessions["a"].transfer.in_flight.items()))
    effects = uploads.handle(e.PartUploaded("a", next(iter(flight.attempts)), number, "e" * 32), 2.0)
    assert "UploadPart" in [kind for _, kind in kinds(effects)]


def test_it_becomes_somebodys() -> None:
    upload = session("a")
    upload.own("ann")
    assert upload.facts.user_id == "ann"
