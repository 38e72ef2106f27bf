"""What may be asked in any phase, phase by phase; and every entry of the table of verdicts. (ACCEPTANCE F1)"""

from __future__ import annotations

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.errors import ServiceFault
from upload_engine.core.retry import Verdict, judge
from upload_engine.core.states import Phase

from tests.unit.core.life import BROKEN, DELETE, GONE, ID, NETWORK, PRINT, SAVE, STOP, Life, kinds

AT_WORK = {Phase.QUEUED, Phase.CREATING, Phase.UPLOADING, Phase.RECONCILING}
WAITING = {Phase.WAITING_FOR_NETWORK, Phase.WAITING_FOR_SIGN_IN}
STOPPED = {Phase.PAUSED, Phase.FAILED, Phase.WAITING_FOR_SIGN_IN}
SIGNED_OUT = ServiceFault(401)


def in_phase(phase: Phase, *, has_file: bool = True, created: bool = False) -> Life:
    """A session that has just got there."""
    life = Life(has_file=has_file)
    life.session.phase = phase
    life.session.server_upload_id = "server-1" if created else ""
    return life


@pytest.mark.parametrize("phase", Phase)
class TestEveryPhase:
    """A person does not know what the upload is doing just now."""

    def test_pause(self, phase: Phase) -> None:
        life = in_phase(phase)
        pauses = phase in AT_WORK | WAITING
        assert life.tell(e.PauseRequested(ID)) == ([STOP, SAVE] if pauses else [])
        assert life.phase == (Phase.PAUSED if pauses else phase)

    @pytest.mark.parametrize("has_file", [True, False])
    def test_resume(self, phase: Phase, has_file: bool) -> None:
        life = in_phase(phase, has_file=has_file)
        effects = life.tell(e.ResumeRequested(ID))
        if phase in STOPPED:
            assert effects == [SAVE]
            assert life.phase == (Phase.QUEUED if has_file else Phase.WAITING_FOR_FILE)
        else:
            assert kinds(effects) == ([fx.ProbeNetwork] if phase is Phase.WAITING_FOR_NETWORK else [])
            assert life.phase == phase

    def test_the_browser_believes_that_the_network_is_back(self, phase: Phase) -> None:
        life = in_phase(phase)
        waits = phase is Phase.WAITING_FOR_NETWORK
        assert life.kinds(e.NetworkHinted(ID)) == ([fx.ProbeNetwork] if waits else [])
        assert life.phase == phase

    def test_the_file_is_given_again(self, phase: Phase) -> None:
        life = in_phase(phase, has_file=False)
        goes_on = phase in STOPPED | {Phase.WAITING_FOR_FILE}
        assert life.tell(e.FileGiven(ID, PRINT)) == ([SAVE] if goes_on else [])
        assert life.phase == (Phase.QUEUED if goes_on else phase)
        assert life.session.has_file

    @pytest.mark.parametrize("created", [True, False])
    def test_cancel(self, phase: Phase, created: bool) -> None:
        life = in_phase(phase, created=created)
        effects = life.tell(e.CancelRequested(ID))
        if phase in (Phase.CANCELLING, Phase.CANCELLED, Phase.COMPLETED):
            assert (effects, life.phase) == ([], phase)
        elif created:
            assert (effects[:2], kinds(effects[2:])) == ([STOP, SAVE], [fx.AbortUpload])
            assert life.phase == Phase.CANCELLING
        else:
            assert (effects, life.phase) == ([STOP, DELETE], Phase.CANCELLED)


def queued_with_create_under_way() -> Life:
    life = Life()
    life.tell(e.SlotGranted(ID))
    life.tell(e.PauseRequested(ID))
    life.tell(e.ResumeRequested(ID))
    assert life.phase == Phase.QUEUED
    return life


def test_creates_answer_comes_while_its_upload_is_queued_again() -> None:
    life = queued_with_create_under_way()
    assert life.tell(life.created()) == [SAVE]
    assert life.phase == Phase.QUEUED
    assert life.kinds(e.SlotGranted(ID)) == [fx.ListParts]
    life = queued_with_create_under_way()
    assert life.control_failed(BROKEN) == []
    assert life.phase == Phase.QUEUED
    assert life.kinds(e.SlotGranted(ID)) == [fx.CreateUpload]


def at_control(phase: Phase) -> Life:
    """Create, a list or Complete is under way."""
    life = Life()
    if phase is Phase.CREATING:
        life.tell(e.SlotGranted(ID))
    elif phase is Phase.RECONCILING:
        life.begin()
        life.resume()
    else:
        life.finalise()
    assert life.phase == phase
    return life


@pytest.mark.parametrize("phase", [Phase.CREATING, Phase.RECONCILING, Phase.FINALISING])
def test_whatever_was_asked_may_find_nobody_or_a_stranger(phase: Phase) -> None:
    """Faults 10, 41, 42."""
    life = at_control(phase)
    assert kinds(life.control_failed(SIGNED_OUT)) == [fx.AbortRequests, fx.SaveSession]
    assert life.phase == Phase.WAITING_FOR_SIGN_IN
    life = at_control(phase)
    for _ in range(life.policy.max_retries):
        assert kinds(life.control_failed(NETWORK)) == [fx.ArmTimer]
        life.fire()
    life.control_failed(NETWORK)
    assert life.phase == Phase.WAITING_FOR_NETWORK


@pytest.mark.parametrize("has_file", [True, False])
def test_an_object_that_is_not_the_file_makes_way_for_it(has_file: bool) -> None:
    life = at_control(Phase.RECONCILING)
    life.control_failed(GONE)
    life.session.has_file = has_file
    life.tell(e.StatusChecked(ID, life.asked, "completed", e.ObjectReport(1, "odd", True)))
    assert life.tell(e.UploadAborted(ID, life.asked)) == [STOP, SAVE]
    assert life.phase == (Phase.QUEUED if has_file else Phase.WAITING_FOR_FILE)


BY_CODE = {
    Verdict.TRANSIENT: "RequestTimeout IncompleteBody InternalError OperationAborted",
    Verdict.DAMAGED: "BadDigest",
    Verdict.NETWORK: "NotFromTheStore",
    Verdict.SIGN_ANEW: "RequestTimeTooSkewed ExpiredToken TokenRefreshRequired ChecksumRefused",
    Verdict.THROTTLED: "SlowDown Throttling ThrottlingException TooManyRequests ServiceUnavailable",
    Verdict.GONE: "NoSuchUpload NoSuchKey",
    Verdict.DIFFERENT: "InvalidPart InvalidPartOrder EntityTooSmall",
    Verdict.UNPROVED: "ProofFailed",
    Verdict.TAKEN: "PreconditionFailed",
    Verdict.CONFLICT: "ConditionalRequestConflict",
    Verdict.FATAL: "ETagNotExposed RefusedOnTheWay NotImplemented QuotaExceeded",
}
BY_STATUS = {
    Verdict.TRANSIENT: (408, 425, 500),
    Verdict.NETWORK: (502, 504),
    Verdict.SIGN_IN: (401,),
    Verdict.SIGN_ANEW: (403,),
    Verdict.THROTTLED: (429, 503),
    Verdict.GONE: (404,),
    Verdict.TAKEN: (412,),
    Verdict.CONFLICT: (409,),
    Verdict.FATAL: (400, 405, 413, 501),
}


@pytest.mark.parametrize("verdict", BY_CODE)
def test_a_code_decides_whatever_its_status(verdict: Verdict) -> None:
    """Faults 15-17, 19, 20, 26, 28-30, 36, 40, 45, 46."""
    for code in BY_CODE[verdict].split():
        for status in (200, 401):
            assert judge(ServiceFault(status, code)) is verdict, code


@pytest.mark.parametrize("verdict", BY_STATUS)
def test_without_a_code_the_status_decides(verdict: Verdict) -> None:
    """Faults 15-17, 29, 30, 39, 41."""
    for status in BY_STATUS[verdict]:
        assert judge(ServiceFault(status)) is verdict, status
