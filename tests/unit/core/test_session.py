"""One upload's life as lists of effects, its main line and what people ask of it: no loop, no clock, no mock. (F1)"""

import random
from dataclasses import replace

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.errors import FileChanged, ServiceFault
from upload_engine.core.explain import UploadError, refused_file
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.records import from_record, to_record
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session import Effects, Session
from upload_engine.core.session_state import STORY_LENGTH
from upload_engine.core.states import TABLE, TRANSITIONS, IllegalTransition, Phase, status_of

from tests.unit.core.life import (
    BROKEN,
    DELETE,
    DENIED,
    ETAG,
    GONE,
    ID,
    NETWORK,
    OBJECT,
    PART,
    PRINT,
    PROOF,
    SAVE,
    STOP,
    Life,
    kinds,
    listed,
)


def test_the_main_line() -> None:
    life = Life()
    assert life.tell(e.SlotGranted(ID)) == [fx.CreateUpload(ID, 1)]
    assert life.phase == Phase.CREATING
    assert life.tell(life.created()) == [SAVE]
    assert life.phase == Phase.UPLOADING
    assert life.session.wants_part()
    assert life.session.next_part(2.0) == fx.UploadPart(ID, 2, 1, 0, 10, None)
    assert life.session.next_part(2.0) == fx.UploadPart(ID, 3, 2, 10, 10, None)
    assert life.session.next_part(2.0) == fx.UploadPart(ID, 4, 3, 20, 5, None)
    assert not life.session.wants_part()
    assert life.tell(e.PartUploaded(ID, 3, 2, ETAG[2]))[0] == SAVE
    assert life.tell(e.PartUploaded(ID, 2, 1, ETAG[1])) == [SAVE]
    save, check = life.tell(e.PartUploaded(ID, 4, 3, ETAG[3]))
    assert (save, check) == (SAVE, fx.CheckFile(ID, 6, tuple(PART.items())))
    assert life.phase == Phase.FINALISING
    assert life.tell(e.FileChecked(ID, 6, (), {})) == [SAVE, fx.CompleteUpload(ID, 7, tuple(PART.items()))]
    assert life.session.progress(life.now).percent < 100
    assert life.tell(e.UploadCompleted(ID, 7, PROOF)) == [DELETE]
    assert (life.phase, life.session.etag) == (Phase.COMPLETED, OBJECT)
    assert life.session.progress(life.now).percent == 100
    assert life.session.progress(life.now).speed == 0
    assert life.session.story[0] == "1.000 queued: SlotGranted"
    assert (life.session.bucket, life.session.server_upload_id) == ("b", "server-1")


def test_progress_within_parts_never_runs_backwards() -> None:
    """Invariant I8."""
    life = Life()
    life.begin()
    life.send(1, 2)
    life.tell(e.PartProgressed(ID, life.parts[1], 1, 6))
    life.tell(e.PartProgressed(ID, life.parts[1], 1, 4))
    assert life.session.progress(life.now).uploaded_bytes == 6
    life.landed(2)
    assert life.session.progress(life.now).uploaded_bytes == 16
    assert life.session.progress(life.now).speed > 0
    life.failed(1, BROKEN)
    assert life.session.progress(life.now).uploaded_bytes == 16
    assert life.session.transfer.unsent() == [3]
    life.tell(e.PauseRequested(ID))
    assert life.session.progress(life.now).speed == 0


def test_pause_and_resume() -> None:
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    assert life.tell(e.PauseRequested(ID)) == [STOP, SAVE]
    assert life.phase == Phase.PAUSED
    assert life.tell(e.PauseRequested(ID)) == []
    assert life.landed(2) == []
    assert life.tell(e.ResumeRequested(ID)) == [SAVE]
    assert life.phase == Phase.QUEUED
    assert life.kinds(e.SlotGranted(ID)) == [fx.ListParts]
    save, check = life.listed(1)
    assert (save, type(check)) == (SAVE, fx.CheckFile)
    assert life.checked() == [SAVE]
    assert life.session.transfer.unsent() == [2, 3]
    life.send(2, 3)


def test_a_hint_or_a_click_probes_at_once_and_only_once() -> None:
    life = Life()
    life.begin()
    assert life.tell(e.NetworkHinted(ID)) == []
    life.send(1)
    life.failed(1, NETWORK)
    life.control_failed(NETWORK)
    assert life.phase == Phase.WAITING_FOR_NETWORK
    probe = life.asked
    assert life.kinds(e.NetworkHinted(ID)) == [fx.ProbeNetwork]
    assert life.tell(e.TimerFired(ID, probe)) == [], "the timer is of no use any more"
    assert life.tell(e.NetworkHinted(ID)) == []
    assert life.tell(e.ResumeRequested(ID)) == []
    life.tell(e.NetworkProbed(ID, life.asked, False))
    assert life.kinds(e.ResumeRequested(ID)) == [fx.ProbeNetwork]


def test_create_is_never_forgotten_by_pause_and_resume() -> None:
    """Fault 66: pausing while Create is under way keeps its answer."""
    life = Life()
    life.tell(e.SlotGranted(ID))
    created = life.created()
    life.tell(e.PauseRequested(ID))
    life.tell(e.ResumeRequested(ID))
    assert life.tell(e.SlotGranted(ID)) == [], "it is still under way"
    assert life.phase == Phase.CREATING
    life.tell(e.PauseRequested(ID))
    assert life.tell(created) == [SAVE]
    assert (life.phase, life.session.server_upload_id) == (Phase.PAUSED, "server-1")


def test_create_that_fails_while_paused_is_made_anew() -> None:
    """Fault 31."""
    life = Life()
    life.tell(e.SlotGranted(ID))
    life.tell(e.PauseRequested(ID))
    assert life.control_failed(BROKEN) == []
    life.tell(e.ResumeRequested(ID))
    assert life.kinds(e.SlotGranted(ID)) == [fx.CreateUpload]


def test_cancel_before_anything_was_created() -> None:
    life = Life()
    assert life.tell(e.CancelRequested(ID)) == [STOP, DELETE]
    assert life.phase == Phase.CANCELLED
    assert life.tell(e.CancelRequested(ID)) == []


def test_cancel_while_create_is_under_way_aborts_what_it_created() -> None:
    """Fault 66, invariant I5."""
    life = Life()
    life.tell(e.SlotGranted(ID))
    created = life.created()
    assert life.tell(e.CancelRequested(ID)) == [STOP, SAVE]
    assert life.tell(e.CancelRequested(ID)) == []
    (abort,) = life.tell(created)
    assert isinstance(abort, fx.AbortUpload)
    assert life.tell(e.UploadAborted(ID, abort.attempt)) == [DELETE]
    assert life.phase == Phase.CANCELLED


def test_cancel_while_create_is_under_way_and_fails() -> None:
    life = Life()
    life.tell(e.SlotGranted(ID))
    life.tell(e.CancelRequested(ID))
    assert life.control_failed(BROKEN) == [DELETE]


def test_abort_is_tried_until_it_is_heard() -> None:
    """Invariant I5."""
    life = Life(max_retries=0)
    life.begin()
    stop, save, abort = life.tell(e.CancelRequested(ID))
    assert (stop, save, type(abort)) == (STOP, SAVE, fx.AbortUpload)
    waited = []
    for _ in range(4):
        (timer,) = life.control_failed(NETWORK)
        assert isinstance(timer, fx.ArmTimer)
        waited.append(timer.delay)
        assert kinds(life.fire()) == [fx.AbortUpload]
    assert waited[0] <= 1 < waited[-1], "ever less often"
    for refusal in (DENIED, ServiceFault(401), BROKEN):
        assert kinds(life.control_failed(refusal)) == [fx.ArmTimer], "signed out, or behind a proxy"
        life.fire()
    assert life.phase == Phase.CANCELLING
    assert life.control_failed(GONE) == [DELETE]
    assert life.phase == Phase.CANCELLED


def test_a_success_beats_a_cancel() -> None:
    """Fault 67."""
    life = Life()
    life.finalise()
    complete = life.asked
    assert life.tell(e.PauseRequested(ID)) == []
    assert life.tell(e.CancelRequested(ID)) == [STOP, SAVE]
    assert life.tell(e.UploadCompleted(ID, complete, PROOF)) == [DELETE]
    assert life.phase == Phase.COMPLETED


@pytest.mark.parametrize("unproved", [False, True])
def test_a_cancel_beats_a_failed_or_unproved_complete(unproved: bool) -> None:
    """Fault 67."""
    life = Life()
    life.finalise()
    life.tell(e.CancelRequested(ID))
    if unproved:
        (abort,) = life.tell(e.UploadCompleted(ID, life.asked, e.ObjectReport(24, OBJECT, True)))
    else:
        (abort,) = life.control_failed(BROKEN)
    assert isinstance(abort, fx.AbortUpload)


def test_cancel_while_the_file_is_looked_at() -> None:
    life = Life()
    life.begin()
    life.resume()
    life.listed()
    check = life.asked
    stop, save, abort = life.tell(e.CancelRequested(ID))
    assert (stop, save, type(abort)) == (STOP, SAVE, fx.AbortUpload)
    assert life.tell(e.FileChecked(ID, check, (), {})) == []


def test_a_file_given_again_resumes_what_is_paused_and_leaves_the_rest_alone() -> None:
    life = Life()
    life.begin()
    assert life.tell(e.FileGiven(ID, PRINT)) == []
    assert life.tell(e.FileGiven(ID, Fingerprint("b", 1, 1, "x"))) == []
    assert life.tell(e.FileGiven(ID, Fingerprint("a.bin", 25, 7, ""))) == []
    assert not life.session.error
    life.tell(e.PauseRequested(ID))
    assert life.tell(e.FileGiven(ID, PRINT)) == [SAVE]
    assert life.phase == Phase.QUEUED


def test_a_retry_begins_with_a_clean_slate() -> None:
    life = Life(max_retries=1)
    life.begin()
    life.send(1)
    life.failed(1, BROKEN)
    life.fire()
    life.send(1)
    assert life.failed(1, BROKEN) == [STOP, SAVE]
    assert life.phase == Phase.FAILED
    assert life.error_words.startswith("CHUNK_UPLOAD_FAILED")
    assert life.tell(e.ResumeRequested(ID)) == [SAVE]
    assert to_record(life.session)["error"] is None
    assert life.kinds(e.SlotGranted(ID)) == [fx.ListParts]
    life.listed()
    life.checked()
    life.send(1)
    assert kinds(life.failed(1, BROKEN)) == [fx.ArmTimer], "what was counted before is forgiven"


def stored(life: Life, phase: Phase) -> tuple[Session, Effects]:
    """The session after a crash in this phase."""
    session, was = from_record({**to_record(life.session), "phase": str(phase)}, life.policy)
    return session, session.restore(was)


def test_after_a_crash_an_upload_waits_for_its_file() -> None:
    """Faults 47, 49."""
    life = Life()
    life.begin()
    life.send(1)
    life.landed(1)
    session, effects = stored(life, Phase.UPLOADING)
    assert (session.phase, effects) == (Phase.WAITING_FOR_FILE, [])
    assert session.transfer.stored == life.session.transfer.stored
    assert session.facts == life.session.facts
    assert session.handle(e.FileGiven(ID, PRINT), 0.0) == [SAVE]


def test_after_a_crash_an_upload_with_all_its_parts_needs_no_file() -> None:
    life = Life()
    life.finalise()
    session, _ = stored(life, Phase.FINALISING)
    assert session.phase is Phase.QUEUED
    (ask,) = session.handle(e.SlotGranted(ID), 0.0)
    assert isinstance(ask, fx.ListParts)
    save, complete = session.handle(e.PartsListed(ID, ask.attempt, listed(1, 2, 3)), 0.0)
    assert (save, type(complete)) == (SAVE, fx.CompleteUpload)
    assert str(session.phase) == Phase.FINALISING


def test_after_a_crash_a_part_that_the_store_lost_needs_the_file() -> None:
    """Fault 33."""
    life = Life()
    life.finalise()
    session, _ = stored(life, Phase.FINALISING)
    (ask,) = session.handle(e.SlotGranted(ID), 0.0)
    assert isinstance(ask, fx.ListParts)
    assert session.handle(e.PartsListed(ID, ask.attempt, listed(1, 2)), 0.0) == [SAVE]
    assert str(session.phase) == Phase.WAITING_FOR_FILE


def test_after_a_crash_a_gone_upload_without_its_file_waits_for_it() -> None:
    """Fault 26."""
    life = Life()
    life.finalise()
    session, _ = stored(life, Phase.FINALISING)
    (ask,) = session.handle(e.SlotGranted(ID), 0.0)
    assert isinstance(ask, fx.ListParts)
    (check,) = session.handle(e.ControlFailed(ID, ask.attempt, GONE), 0.0)
    assert isinstance(check, fx.CheckStatus)
    session.handle(e.StatusChecked(ID, check.attempt, "missing", None), 0.0)
    assert str(session.phase) == Phase.WAITING_FOR_FILE


def test_after_a_crash_a_cancel_goes_on() -> None:
    """Invariant I5."""
    life = Life()
    life.begin()
    session, effects = stored(life, Phase.CANCELLING)
    assert kinds(effects) == [fx.AbortUpload]
    fresh = Life()
    session, effects = stored(fresh, Phase.CANCELLING)
    assert (session.phase, effects) == (Phase.CANCELLED, [DELETE])


def test_after_a_crash_a_hopeless_upload_stays_failed_with_its_reason() -> None:
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, FileChanged("the file has been changed"))
    session, _ = stored(life, Phase.FAILED)
    assert session.phase is Phase.FAILED
    assert session.error == life.session.error
    hopeful = Life(max_retries=0)
    hopeful.begin()
    hopeful.send(1)
    hopeful.failed(1, BROKEN)
    session, _ = stored(hopeful, Phase.FAILED)
    assert str(session.phase) == Phase.WAITING_FOR_FILE, "what can be retried waits for its file"


@pytest.mark.parametrize("opaque", [True, False])
def test_a_record_remembers_whether_etags_are_checksums(opaque: bool) -> None:
    life = Life()
    life.tell(e.SlotGranted(ID))
    life.tell(replace(life.created(), has_opaque_etags=opaque))
    session, _ = stored(life, Phase.UPLOADING)
    assert session.transfer.has_opaque_etags is opaque
    older = to_record(life.session)
    del older["etagsAreChecksums"]
    assert not from_record(older, life.policy)[0].transfer.has_opaque_etags


def test_a_refused_file_is_listed_with_the_reason() -> None:
    life = Life()
    assert life.session.refuse(refused_file("Too large.")) == []
    assert life.phase == Phase.FAILED
    assert life.session.error == UploadError("VALIDATION_ERROR", "Too large.", "Choose another file.", False)


def test_an_illegal_event_is_a_bug_and_changes_nothing() -> None:
    life = Life()
    life.begin()
    with pytest.raises(IllegalTransition, match=r"SlotGranted in phase uploading .*UploadCreated") as raised:
        life.tell(e.SlotGranted(ID))
    assert raised.value.story == life.session.story
    assert life.phase == Phase.UPLOADING
    with pytest.raises(IllegalTransition, match="to completed") as raised:
        life.session.move(e.PauseRequested(ID), Phase.COMPLETED)
    assert raised.value.story == life.session.story
    assert life.phase == Phase.UPLOADING


def test_the_story_says_which_part_and_what_went_wrong() -> None:
    """Invariant I7: in the words of the fault, which holds no secret."""
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    life.failed(2, BROKEN)
    assert life.session.story[2:] == (
        "3.000 uploading: PartUploaded 1",
        "4.000 uploading: PartFailed 2 (ServiceFault: HTTP 500)",
    )
    assert "server-1" not in " ".join(life.session.story)


def test_the_story_holds_the_last_events_and_no_progress() -> None:
    life = Life()
    life.begin()
    life.send(1)
    life.tell(e.PartProgressed(ID, life.parts[1], 1, 6))
    assert [line.split(": ")[1] for line in life.session.story] == ["SlotGranted", "UploadCreated"]
    for _ in range(STORY_LENGTH):
        life.tell(e.NetworkHinted(ID))
    assert len(life.session.story) == STORY_LENGTH
    assert "SlotGranted" not in life.session.story[0]


@pytest.mark.parametrize(
    "damage",
    [
        {"rank": -1.0},
        {"rank": float("nan")},
        {"rank": "first"},
        {"version": 3},
        {"fileSize": -1},
        {"fileSize": True},
        {"fileName": 7},
        {"uploadId": ""},
        {"uploadId": "half a \ud83d"},
        {"serverUploadId": "\udc00"},
        {"s3Key": "\udfff"},
        {"fileSize": 10**9, "chunkSize": 1},
        {"parts": [{"partNumber": 1}]},
        {"phase": "dreaming"},
        {"metadata": "none"},
        {"metadata": {"a": 1}},
        {"error": {"odd": 1}},
    ],
)
def test_a_damaged_record_is_refused_by_name(damage: dict[str, object]) -> None:
    """Fault 56."""
    record = to_record(Life().session)
    with pytest.raises(ValueError, match=r"record|Phase"):
        from_record({**record, **damage}, RetryPolicy(random.Random(1)))
    del record["fileName"]
    with pytest.raises(ValueError, match="damaged"):
        from_record(record, RetryPolicy(random.Random(1)))


def test_a_file_may_be_called_what_no_text_can_be() -> None:
    """Fault 65: Windows takes half a character for a name."""
    record = {**to_record(Life().session), "fileName": "a\ud83d.bin"}
    session, _ = from_record(record, RetryPolicy(random.Random(1)))
    assert session.facts.fingerprint.name == "a\ud83d.bin"


def test_every_phase_has_a_status_and_a_way_to_end() -> None:
    assert {str(status_of(phase)) for phase in Phase} == {
        "uploading",
        "paused",
        "completed",
        "failed",
        "cancelled",
    }
    reached = {Phase.QUEUED}
    for _ in Phase:
        reached |= {
            target for (source, _), targets in TRANSITIONS.items() if source in reached for target in targets
        }
    assert reached == set(Phase)
    assert all(row.sources for row in TABLE)
