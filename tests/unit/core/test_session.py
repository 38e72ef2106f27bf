"""One upload's life as lists of effects: no loop, no clock, no mock. (ACCEPTANCE F1)"""

import hashlib
import random

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.checksums import multipart_etag
from upload_engine.core.errors import FileChanged, FileUnreadable, NetworkFault, ServiceFault
from upload_engine.core.explain import UploadError, refused_file
from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.parts import ListedPart, Part
from upload_engine.core.records import from_record, to_record
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session import MAX_DOUBTS, MAX_SIGNED_ANEW, Effects, Session
from upload_engine.core.states import TABLE, TRANSITIONS, IllegalTransition, Phase, status_of

ID = "u1"
PRINT = Fingerprint("a.bin", 25, 7, "sample")
ETAG = {number: hashlib.md5(bytes([number]), usedforsecurity=False).hexdigest() for number in (1, 2, 3)}
OBJECT = multipart_etag(ETAG.values()) or ""
PROOF = e.ObjectReport(25, OBJECT, True)
SAVE, STOP, DELETE = fx.SaveSession(ID), fx.AbortRequests(ID), fx.DeleteSession(ID)
NETWORK, BROKEN, DENIED = NetworkFault(), ServiceFault(500), ServiceFault(403, "AccessDenied")
GONE = ServiceFault(404, "NoSuchUpload")


class Life:
    """A session and the names of its attempts, so that a test reads like a story."""

    def __init__(self, *, has_file: bool = True, max_retries: int = 3) -> None:
        facts = UploadFacts(ID, "p", "me", "", "a/b", PRINT, 1_000)
        self.session = Session(facts, 10, RetryPolicy(random.Random(1), max_retries), has_file=has_file)
        self.now = 0.0
        self.asked = 0
        self.parts: dict[int, int] = {}

    @property
    def phase(self) -> str:
        return str(self.session.phase)

    def tell(self, event: e.Event) -> Effects:
        self.now += 1.0
        effects = self.session.handle(event, self.now)
        for effect in effects:
            if isinstance(effect, fx.Request):
                self.asked = effect.attempt
        return effects

    def kinds(self, event: e.Event) -> list[type[fx.Effect]]:
        return [type(effect) for effect in self.tell(event)]

    def created(self) -> e.UploadCreated:
        return e.UploadCreated(ID, self.asked, "server-1", "me/a.bin", "b", 10, "me")

    def begin(self) -> None:
        """Up to the first part."""
        self.tell(e.SlotGranted(ID))
        self.tell(self.created())

    def send(self, *numbers: int) -> None:
        for number in numbers:
            part = self.session.next_part(self.now)
            assert part.part_number == number
            self.parts[number] = part.attempt

    def landed(self, number: int) -> Effects:
        return self.tell(e.PartUploaded(ID, self.parts[number], number, ETAG[number]))

    def failed(self, number: int, fault: Exception) -> Effects:
        return self.tell(e.PartFailed(ID, self.parts[number], number, fault))  # type: ignore[arg-type]  # reason: brevity

    def control_failed(self, fault: ServiceFault | NetworkFault) -> Effects:
        return self.tell(e.ControlFailed(ID, self.asked, fault))

    def fire(self) -> Effects:
        return self.tell(e.TimerFired(ID, self.asked))

    def finalise(self) -> None:
        """Up to Complete under way."""
        self.begin()
        self.send(1, 2, 3)
        for number in (1, 2, 3):
            self.landed(number)
        assert self.phase == Phase.FINALISING


def listed(*numbers: int) -> tuple[ListedPart, ...]:
    return tuple(ListedPart(number, ETAG[number], 5 if number == 3 else 10) for number in numbers)


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
    assert life.tell(e.PartUploaded(ID, 3, 2, ETAG[2])) == [SAVE]
    assert life.tell(e.PartUploaded(ID, 2, 1, ETAG[1])) == [SAVE]
    all_parts = tuple((number, Part(ETAG[number], 5 if number == 3 else 10)) for number in (1, 2, 3))
    assert life.tell(e.PartUploaded(ID, 4, 3, ETAG[3])) == [SAVE, fx.CompleteUpload(ID, 5, all_parts)]
    assert life.session.progress(life.now).percent < 100
    assert life.tell(e.UploadCompleted(ID, 5, PROOF)) == [DELETE]
    assert (life.phase, life.session.etag) == (Phase.COMPLETED, OBJECT)
    assert life.session.progress(life.now).percent == 100
    assert life.session.story[0].endswith("queued: SlotGranted")


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


def test_a_known_speed_tells_how_long_a_part_should_take() -> None:
    life = Life()
    life.begin()
    life.send(1)
    life.landed(1)
    part = life.session.next_part(life.now + 1)
    assert part.expected_seconds == pytest.approx(10 / (10 / 2))


def test_a_failed_part_alone_is_sent_again() -> None:
    """Faults 1, 15, 19: and its late answer is ignored (14)."""
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


def test_when_the_retries_of_a_part_are_used_up_the_upload_fails_and_can_be_retried() -> None:
    life = Life(max_retries=1)
    life.begin()
    life.send(1)
    life.failed(1, BROKEN)
    life.fire()
    life.send(1)
    assert life.failed(1, BROKEN) == [STOP, SAVE]
    assert life.phase == Phase.FAILED
    assert life.session.error is not None
    assert life.session.error.type == "CHUNK_UPLOAD_FAILED"
    assert life.tell(e.ResumeRequested(ID)) == [SAVE]
    assert to_record(life.session)["error"] is None
    assert life.kinds(e.SlotGranted(ID)) == [fx.ListParts]


def test_a_dead_network_is_waited_for_without_a_charge() -> None:
    """Faults 5, 6, 10."""
    life = Life(max_retries=0)
    life.begin()
    life.send(1, 2)
    stop, save, timer = life.failed(1, NETWORK)
    assert (stop, save, type(timer)) == (STOP, SAVE, fx.ArmTimer)
    assert life.phase == Phase.WAITING_FOR_NETWORK
    assert life.landed(2) == []
    for _ in range(5):
        (probe,) = life.fire()
        assert isinstance(probe, fx.ProbeNetwork)
        (timer,) = life.tell(e.NetworkProbed(ID, probe.attempt, False))
    (probe,) = life.fire()
    assert life.tell(e.NetworkProbed(ID, life.asked, True)) == []
    assert life.phase == Phase.QUEUED
    assert life.kinds(e.SlotGranted(ID)) == [fx.ListParts]


def test_a_hint_or_a_click_probes_at_once_and_only_once() -> None:
    life = Life(max_retries=0)
    life.begin()
    assert life.tell(e.NetworkHinted(ID)) == []
    life.send(1)
    life.failed(1, NETWORK)
    assert life.kinds(e.NetworkHinted(ID)) == [fx.ProbeNetwork]
    assert life.tell(e.NetworkHinted(ID)) == []
    assert life.tell(e.ResumeRequested(ID)) == []


def test_a_refused_url_is_signed_anew_without_a_charge_but_not_for_ever() -> None:
    """Faults 38-40, 46."""
    life = Life(max_retries=0)
    life.begin()
    for _ in range(MAX_SIGNED_ANEW):
        life.send(1)
        assert life.failed(1, DENIED) == []
    life.send(1)
    assert life.failed(1, DENIED) == [STOP, SAVE]
    assert life.phase == Phase.FAILED
    assert life.session.error is not None
    assert "refuses access" in life.session.error.message


def test_signed_out_waits_for_the_person() -> None:
    """Fault 41."""
    life = Life()
    life.begin()
    life.send(1)
    assert life.failed(1, ServiceFault(401)) == [STOP, SAVE]
    assert life.phase == Phase.WAITING_FOR_SIGN_IN
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
    """Faults 60-62."""
    life = Life()
    life.begin()
    life.send(1)
    assert life.failed(1, FileUnreadable()) == [STOP, SAVE]
    assert life.phase == Phase.WAITING_FOR_FILE
    assert life.tell(e.ResumeRequested(ID)) == []
    assert life.tell(e.FileGiven(ID, Fingerprint("a.bin", 25, 7, "other"))) == []
    assert life.session.error is not None
    assert "content is different" in life.session.error.message
    assert life.tell(e.FileGiven(ID, PRINT)) == [SAVE]
    assert life.phase == Phase.QUEUED
    assert to_record(life.session)["error"] is None


def test_pause_and_resume() -> None:
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    assert life.tell(e.PauseRequested(ID)) == [STOP, SAVE]
    assert life.tell(e.PauseRequested(ID)) == []
    assert life.landed(2) == []
    assert life.tell(e.ResumeRequested(ID)) == [SAVE]
    assert life.kinds(e.SlotGranted(ID)) == [fx.ListParts]
    assert life.tell(e.PartsListed(ID, life.asked, listed(1))) == [SAVE]
    life.send(2, 3)


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
    life = Life()
    life.tell(e.SlotGranted(ID))
    life.tell(e.PauseRequested(ID))
    assert life.control_failed(BROKEN) == []
    life.tell(e.ResumeRequested(ID))
    assert life.kinds(e.SlotGranted(ID)) == [fx.CreateUpload]


def test_create_is_retried_then_fails() -> None:
    life = Life(max_retries=1)
    life.tell(e.SlotGranted(ID))
    assert [type(effect) for effect in life.control_failed(BROKEN)] == [fx.ArmTimer]
    assert [type(effect) for effect in life.fire()] == [fx.CreateUpload]
    life.control_failed(BROKEN)
    assert life.phase == Phase.FAILED
    assert life.session.error is not None
    assert life.session.error.type == "UPLOAD_INIT_FAILED"


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


def test_cancel_while_create_is_under_way_and_fails() -> None:
    life = Life()
    life.tell(e.SlotGranted(ID))
    life.tell(e.CancelRequested(ID))
    assert life.control_failed(BROKEN) == [DELETE]


def test_abort_is_tried_until_it_is_heard() -> None:
    life = Life(max_retries=0)
    life.begin()
    stop, save, abort = life.tell(e.CancelRequested(ID))
    assert (stop, save, type(abort)) == (STOP, SAVE, fx.AbortUpload)
    for _ in range(4):
        assert [type(effect) for effect in life.control_failed(NETWORK)] == [fx.ArmTimer]
        assert [type(effect) for effect in life.fire()] == [fx.AbortUpload]
    assert life.control_failed(DENIED) == [DELETE]
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


def test_a_cancel_beats_a_failed_or_unproved_complete() -> None:
    for unproved in (False, True):
        life = Life()
        life.finalise()
        life.tell(e.CancelRequested(ID))
        if unproved:
            (abort,) = life.tell(e.UploadCompleted(ID, life.asked, e.ObjectReport(24, OBJECT, True)))
        else:
            (abort,) = life.control_failed(BROKEN)
        assert isinstance(abort, fx.AbortUpload)


@pytest.mark.parametrize(
    "report",
    [
        e.ObjectReport(24, OBJECT, True),
        e.ObjectReport(25, OBJECT, False),
        e.ObjectReport(25, "0" * 32 + "-3", True),
    ],
)
def test_without_proof_nothing_is_completed(report: e.ObjectReport) -> None:
    """Faults 70-72, invariant I2."""
    life = Life(max_retries=1)
    life.finalise()
    assert [type(effect) for effect in life.tell(e.UploadCompleted(ID, life.asked, report))] == [fx.ArmTimer]
    assert [type(effect) for effect in life.fire()] == [fx.CompleteUpload]
    life.tell(e.UploadCompleted(ID, life.asked, report))
    assert life.phase == Phase.FAILED
    assert life.session.error is not None
    assert life.session.error.code == "ProofFailed"


def test_etags_that_are_no_checksums_leave_the_proof_to_token_and_length() -> None:
    life = Life()
    life.begin()
    life.send(1, 2, 3)
    for number in (1, 2, 3):
        life.tell(e.PartUploaded(ID, life.parts[number], number, f"kms-{number}"))
    assert life.tell(e.UploadCompleted(ID, life.asked, e.ObjectReport(25, "kms", True))) == [DELETE]


def test_a_part_the_store_denies_is_listed_and_sent_again_but_not_for_ever() -> None:
    """Faults 28, 71."""
    life = Life()
    life.finalise()
    for _ in range(MAX_DOUBTS):
        assert [type(effect) for effect in life.control_failed(ServiceFault(400, "InvalidPart"))] == [
            fx.ListParts
        ]
        life.tell(e.PartsListed(ID, life.asked, listed(1, 3)))
        life.send(2)
        life.landed(2)
    life.control_failed(ServiceFault(400, "InvalidPart"))
    assert life.phase == Phase.FAILED


def test_gone_at_complete_after_what_was_really_a_success() -> None:
    """Faults 22, 25."""
    life = Life()
    life.finalise()
    assert [type(effect) for effect in life.control_failed(GONE)] == [fx.CheckStatus]
    assert life.tell(e.StatusChecked(ID, life.asked, "completed", PROOF)) == [DELETE]


@pytest.mark.parametrize("fault_at", ["part", "list"])
@pytest.mark.parametrize(
    ("state", "report"), [("missing", None), ("completed", e.ObjectReport(25, OBJECT, False))]
)
def test_gone_for_good_starts_over_and_says_so(
    fault_at: str, state: str, report: e.ObjectReport | None
) -> None:
    """Faults 26, 27."""
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    if fault_at == "part":
        stop, check = life.failed(2, GONE)
        assert (stop, type(check)) == (STOP, fx.CheckStatus)
    else:
        life.tell(e.PauseRequested(ID))
        life.tell(e.ResumeRequested(ID))
        life.tell(e.SlotGranted(ID))
        assert [type(effect) for effect in life.control_failed(GONE)] == [fx.CheckStatus]
    assert life.tell(e.StatusChecked(ID, life.asked, state, report)) == [STOP, SAVE]
    assert (life.phase, life.session.transfer.stored) == (Phase.QUEUED, {})
    assert life.session.error is not None
    assert "from its beginning" in life.session.error.recovery
    assert life.kinds(e.SlotGranted(ID)) == [fx.CreateUpload]
    life.tell(life.created())
    life.send(1)
    life.landed(1)
    assert life.session.error is not None, "it stays long enough to be read"


def test_a_status_nobody_knows_starts_over() -> None:
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, GONE)
    assert life.control_failed(GONE) == [STOP, SAVE]
    assert life.phase == Phase.QUEUED


def test_a_store_that_contradicts_itself_is_asked_again_but_not_for_ever() -> None:
    """Fault 35."""
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, GONE)
    for _ in range(MAX_DOUBTS):
        assert [type(effect) for effect in life.tell(e.StatusChecked(ID, life.asked, "open", None))] == [
            fx.ListParts
        ]
        life.control_failed(GONE)
    life.tell(e.StatusChecked(ID, life.asked, "open", None))
    assert life.phase == Phase.FAILED


def test_a_list_that_has_everything_goes_straight_to_complete() -> None:
    """Fault 47."""
    life = Life()
    life.begin()
    life.tell(e.PauseRequested(ID))
    life.tell(e.ResumeRequested(ID))
    life.tell(e.SlotGranted(ID))
    save, complete = life.tell(e.PartsListed(ID, life.asked, listed(1, 2, 3)))
    assert (save, type(complete)) == (SAVE, fx.CompleteUpload)


def test_a_file_given_again_resumes_what_is_paused_and_leaves_the_rest_alone() -> None:
    life = Life()
    life.begin()
    assert life.tell(e.FileGiven(ID, PRINT)) == []
    assert life.tell(e.FileGiven(ID, Fingerprint("b", 1, 1, "x"))) == []
    assert not life.session.error
    life.tell(e.PauseRequested(ID))
    assert life.tell(e.FileGiven(ID, PRINT)) == [SAVE]
    assert life.phase == Phase.QUEUED


def stored(life: Life, phase: Phase) -> tuple[Session, Effects]:
    """The session after a crash in this phase."""
    session, was = from_record(
        {**to_record(life.session), "phase": str(phase)}, RetryPolicy(random.Random(1))
    )
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
    assert session.handle(e.PartsListed(ID, ask.attempt, listed(1, 2)), 0.0) == [SAVE]
    assert str(session.phase) == Phase.WAITING_FOR_FILE


def test_after_a_crash_a_gone_upload_without_its_file_waits_for_it() -> None:
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
    life = Life()
    life.begin()
    session, effects = stored(life, Phase.CANCELLING)
    assert [type(effect) for effect in effects] == [fx.AbortUpload]
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


def test_a_refused_file_is_listed_with_the_reason() -> None:
    life = Life()
    assert life.session.refuse(refused_file("Too large.")) == []
    assert life.phase == Phase.FAILED
    assert life.session.error == UploadError("VALIDATION_ERROR", "Too large.", "Choose another file.", False)


def test_an_illegal_event_is_a_bug_and_changes_nothing() -> None:
    life = Life()
    life.begin()
    with pytest.raises(IllegalTransition, match=r"SlotGranted in phase uploading .*UploadCreated"):
        life.tell(e.SlotGranted(ID))
    assert life.phase == Phase.UPLOADING
    with pytest.raises(IllegalTransition, match="to completed") as raised:
        life.session._move(e.PauseRequested(ID), Phase.COMPLETED)
    assert raised.value.story == life.session.story


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"fileSize": -1},
        {"fileSize": True},
        {"fileName": 7},
        {"uploadId": ""},
        {"fileSize": 10**9, "chunkSize": 1},
        {"parts": [{"partNumber": 1}]},
        {"phase": "dreaming"},
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
