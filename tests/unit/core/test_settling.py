"""Taking stock, completing and proving: lists of effects. (F1)"""

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.checksums import multipart_etag
from upload_engine.core.errors import FileChanged, FileUnreadable, ServiceFault
from upload_engine.core.parts import ListedPart
from upload_engine.core.settling import MAX_DOUBTS
from upload_engine.core.states import Phase

from tests.unit.core.life import (
    BROKEN,
    DELETE,
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

INVALID = ServiceFault(400, "InvalidPart")
UNPROVED = ServiceFault(409, "ProofFailed")
TAKEN = ServiceFault(412, "PreconditionFailed")
CONFLICT = ServiceFault(409, "ConditionalRequestConflict")

UNPROVING = [
    e.ObjectReport(24, OBJECT, True),
    e.ObjectReport(25, OBJECT, False),
    e.ObjectReport(25, "0" * 32 + "-3", True),
    e.ObjectReport(24, OBJECT, False, is_seen=False),
    e.ObjectReport(25, "0" * 32 + "-3", False, is_seen=False),
]


@pytest.mark.parametrize("report", UNPROVING)
def test_without_proof_nothing_is_completed(report: e.ObjectReport) -> None:
    """Faults 21, 70, 71, 72, invariant I2: looked at again, then begun anew."""
    life = Life()
    life.finalise()
    assert kinds(life.tell(e.UploadCompleted(ID, life.asked, report))) == [fx.CheckStatus]
    assert life.phase == Phase.RECONCILING
    removal = life.tell(e.StatusChecked(ID, life.asked, "completed", report))
    assert kinds(removal) == [fx.AbortUpload], "the object that is not the file goes first"
    assert life.tell(e.UploadAborted(ID, life.asked)) == [STOP, SAVE]
    assert life.phase == Phase.QUEUED
    assert life.session.transfer.stored == {}
    assert life.session.server_upload_id == ""


def test_where_nobody_can_look_at_objects_the_listed_parts_decide() -> None:
    """A Companion completes what the store has listed, and can say no more than that (ACCEPTANCE P4)."""
    life = Life()
    life.finalise()
    unseen = e.ObjectReport(25, OBJECT, False, is_seen=False)
    assert life.tell(e.UploadCompleted(ID, life.asked, unseen)) == [DELETE]
    assert life.phase == Phase.COMPLETED


def test_a_second_look_may_prove_it() -> None:
    """Fault 70: verified again."""
    life = Life()
    life.finalise()
    life.tell(e.UploadCompleted(ID, life.asked, UNPROVING[1]))
    assert life.tell(e.StatusChecked(ID, life.asked, "completed", PROOF)) == [DELETE]
    assert life.phase == Phase.COMPLETED


def test_what_contradicts_the_proof_is_named_when_the_store_stays_unclear() -> None:
    """Fault 35: it says that the upload is open, whatever it said of Complete."""
    life = Life()
    for _ in range(MAX_DOUBTS):
        if life.phase == Phase.QUEUED:
            life.finalise()
        life.tell(e.UploadCompleted(ID, life.asked, UNPROVING[0]))
        assert kinds(life.tell(e.StatusChecked(ID, life.asked, "open", None))) == [fx.ListParts]
        life.listed(1, 2, 3)
        assert kinds(life.checked()) == [fx.SaveSession, fx.CompleteUpload]
    life.tell(e.UploadCompleted(ID, life.asked, UNPROVING[0]))
    assert life.tell(e.StatusChecked(ID, life.asked, "open", None)) == [STOP, SAVE]
    assert life.session.error is not None
    assert (life.session.error.status, life.session.error.code) == (409, "ProofFailed")
    assert life.error_words.startswith("UPLOAD_COMPLETE_FAILED")
    assert life.session.server_upload_id == "server-1", "what is stored is kept"


def test_a_call_waits_as_long_as_it_is_told_to() -> None:
    """Fault 17."""
    life = Life()
    life.finalise()
    (timer,) = life.control_failed(ServiceFault(503, "SlowDown", retry_after=50.0))
    assert isinstance(timer, fx.ArmTimer)
    assert timer.delay == 50


def test_a_store_that_never_gets_it_right_fails_in_the_end() -> None:
    """Faults 70, 72."""
    life = Life()
    for _ in range(MAX_DOUBTS + 1):
        assert life.phase == Phase.QUEUED
        life.finalise()
        assert kinds(life.control_failed(UNPROVED)) == [fx.CheckStatus]
        life.tell(e.StatusChecked(ID, life.asked, "missing", None))
    assert life.phase == Phase.FAILED
    assert life.session.error is not None
    assert life.session.error.code == "ProofFailed"
    assert life.session.server_upload_id == "", "nothing of it is left to resume"
    assert life.tell(e.ResumeRequested(ID)) == [SAVE]
    assert life.kinds(e.SlotGranted(ID)) == [fx.CreateUpload]


def test_etags_that_are_no_checksums_leave_the_proof_to_token_and_length() -> None:
    life = Life()
    life.begin()
    life.send(1, 2, 3)
    for number in (1, 2, 3):
        life.tell(e.PartUploaded(ID, life.parts[number], number, f"kms-{number}"))
    life.checked()
    assert life.tell(e.UploadCompleted(ID, life.asked, e.ObjectReport(25, "kms", True))) == [DELETE]


def test_parts_whose_etags_are_no_checksums_are_not_read_again() -> None:
    life = Life()
    life.begin()
    life.resume()
    rows = (ListedPart(1, "kms-1", 10), ListedPart(2, PART[2].etag, 10))
    save, check = life.tell(e.PartsListed(ID, life.asked, rows))
    assert (save, check) == (SAVE, fx.CheckFile(ID, life.asked, ((2, PART[2]),)))
    life.checked()
    assert life.session.transfer.unsent() == [3]


@pytest.mark.parametrize(
    ("fault", "phase"),
    [(FileChanged("its content is different"), Phase.FAILED), (FileUnreadable(), Phase.WAITING_FOR_FILE)],
)
@pytest.mark.parametrize("when", ["before completion", "at resume"])
def test_a_file_that_is_not_what_it_was_is_noticed(
    fault: FileChanged | FileUnreadable, phase: Phase, when: str
) -> None:
    """Faults 58, 59, 60, 62: before a new byte goes, and before completion."""
    life = Life()
    life.begin()
    if when == "at resume":
        life.resume()
        life.listed(1)
    else:
        life.send(1, 2, 3)
        for number in (1, 2, 3):
            life.landed(number)
    assert life.control_failed(fault) == [STOP, SAVE]
    assert life.phase == phase
    assert life.session.has_file is (phase is Phase.FAILED)


def test_parts_that_are_not_the_files_bytes_are_sent_again_at_resume() -> None:
    """Fault 59: two versions of a file are never mixed."""
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    life.landed(2)
    life.tell(e.PauseRequested(ID))
    life.tell(e.FileGiven(ID, PRINT))
    life.tell(e.SlotGranted(ID))
    assert life.listed(1, 2)[1] == fx.CheckFile(ID, life.asked, ((1, PART[1]), (2, PART[2])))
    assert life.checked(1) == [SAVE]
    assert life.session.transfer.unsent() == [1, 3]
    life.resume()
    assert life.listed(2)[1] == fx.CheckFile(ID, life.asked, ()), "part 2 has been compared with this file"


def test_a_part_the_store_denies_is_listed_and_sent_again_but_not_for_ever() -> None:
    """Faults 28, 33, 71."""
    life = Life()
    life.finalise()
    for _ in range(MAX_DOUBTS):
        assert kinds(life.control_failed(INVALID)) == [fx.ListParts]
        assert life.phase == Phase.RECONCILING
        life.listed(1, 3)
        life.checked()
        life.send(2)
        life.landed(2)
        life.checked()
    life.control_failed(INVALID)
    assert life.phase == Phase.FAILED
    assert life.error_words.startswith("UPLOAD_COMPLETE_FAILED")


@pytest.mark.parametrize(
    "rows",
    [
        (ListedPart(1, PART[1].etag, 9), *listed(2, 3)),
        (ListedPart(1, PART[2].etag, 10), *listed(2, 3)),
        listed(2, 3),
    ],
    ids=["size", "etag", "lacking"],
)
def test_a_listed_part_of_another_size_or_etag_is_never_trusted(rows: tuple[ListedPart, ...]) -> None:
    """Faults 33, 34."""
    life = Life()
    life.finalise()
    life.control_failed(INVALID)
    life.tell(e.PartsListed(ID, life.asked, rows))
    life.checked()
    assert life.session.transfer.unsent() == [1]


def test_complete_without_an_answer_is_asked_again() -> None:
    """Faults 21, 22, 23, 24: the server proves what an earlier try did."""
    life = Life(max_retries=1)
    life.finalise()
    assert kinds(life.control_failed(NETWORK)) == [fx.ArmTimer]
    assert life.policy.budget.charged == 0
    assert kinds(life.fire()) == [fx.CompleteUpload]
    assert kinds(life.control_failed(NETWORK)) == [fx.AbortRequests, fx.SaveSession, fx.ArmTimer]
    assert life.phase == Phase.WAITING_FOR_NETWORK
    (probe,) = life.fire()
    assert isinstance(probe, fx.ProbeNetwork)
    life.tell(e.NetworkProbed(ID, probe.attempt, True))
    life.tell(e.SlotGranted(ID))
    assert kinds(life.control_failed(GONE)) == [fx.CheckStatus]
    assert life.tell(e.StatusChecked(ID, life.asked, "completed", PROOF)) == [DELETE]


def test_gone_at_complete_after_what_was_really_a_success() -> None:
    """Faults 22, 25."""
    life = Life()
    life.finalise()
    assert kinds(life.control_failed(GONE)) == [fx.CheckStatus]
    assert life.phase == Phase.RECONCILING
    assert life.tell(e.StatusChecked(ID, life.asked, "completed", PROOF)) == [DELETE]


def test_an_object_in_the_way_may_be_our_own() -> None:
    """Fault 29: our own earlier try won."""
    life = Life()
    life.finalise()
    assert kinds(life.control_failed(TAKEN)) == [fx.CheckStatus]
    assert life.tell(e.StatusChecked(ID, life.asked, "completed", PROOF)) == [DELETE]


def test_somebody_elses_object_in_the_way_is_the_persons_to_decide() -> None:
    """Fault 29: a conflict."""
    life = Life()
    life.finalise()
    life.control_failed(TAKEN)
    assert life.tell(e.StatusChecked(ID, life.asked, "open", None)) == [STOP, SAVE]
    assert life.phase == Phase.FAILED
    assert "stored under this name already" in life.error_words
    assert life.session.transfer.complete, "what was sent is kept"
    life.tell(e.ResumeRequested(ID))
    life.tell(e.SlotGranted(ID))
    life.listed(1, 2, 3)
    assert kinds(life.checked()) == [fx.SaveSession, fx.CompleteUpload]


def test_a_conflict_begins_a_fresh_upload() -> None:
    """Fault 30; invariant I5: the old one is aborted."""
    life = Life()
    life.finalise()
    assert kinds(life.control_failed(CONFLICT)) == [fx.AbortUpload]
    assert life.phase == Phase.RECONCILING
    assert life.tell(e.UploadAborted(ID, life.asked)) == [STOP, SAVE]
    assert life.phase == Phase.QUEUED
    assert "from its beginning" in life.error_words
    assert life.kinds(e.SlotGranted(ID)) == [fx.CreateUpload]


def test_a_conflict_whose_abort_fails_is_tried_again() -> None:
    life = Life(max_retries=1)
    life.finalise()
    life.control_failed(CONFLICT)
    assert kinds(life.control_failed(BROKEN)) == [fx.ArmTimer]
    assert kinds(life.fire()) == [fx.AbortUpload]
    assert life.control_failed(GONE) == [STOP, SAVE]
    assert life.phase == Phase.QUEUED


@pytest.mark.parametrize("fault_at", ["part", "list"])
def test_gone_for_good_starts_over_and_says_so(fault_at: str) -> None:
    """Faults 26, 27."""
    life = Life()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    if fault_at == "part":
        stop, check = life.failed(2, GONE)
        assert (stop, type(check)) == (STOP, fx.CheckStatus)
    else:
        life.resume()
        assert kinds(life.control_failed(GONE)) == [fx.CheckStatus]
    assert life.tell(e.StatusChecked(ID, life.asked, "missing", None)) == [STOP, SAVE]
    assert (life.phase, dict(life.session.transfer.stored), life.session.key) == (Phase.QUEUED, {}, "")
    assert "from its beginning" in life.error_words
    assert life.kinds(e.SlotGranted(ID)) == [fx.CreateUpload]
    life.tell(life.created())
    life.send(1)
    life.landed(1)
    assert "from its beginning" in life.error_words, "it stays long enough to be read"


@pytest.mark.parametrize(
    ("checksums", "proved"),
    [
        (tuple(part.etag for part in PART.values()), True),
        ((PART[2].etag, PART[1].etag, PART[3].etag), False),
        ((PART[1].etag, PART[2].etag), False),
    ],
)
def test_an_object_whose_parts_are_not_all_known_is_compared_with_the_file(
    checksums: tuple[str, ...], proved: bool
) -> None:
    """Faults 25, 70: a crash may have come between the parts and their record."""
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, GONE)
    assert kinds(life.tell(e.StatusChecked(ID, life.asked, "completed", PROOF))) == [fx.HashFile]
    assert life.session.transfer.makes("anything"), "nothing tells"
    effects = life.tell(e.FileHashed(ID, life.asked, checksums))
    assert (effects == [DELETE]) is proved
    assert proved or kinds(effects) == [fx.AbortUpload]
    assert life.session.report is None


@pytest.mark.parametrize("is_all_known", [False, True])
def test_an_object_that_was_cut_in_another_way_is_compared_with_the_file(is_all_known: bool) -> None:
    """Faults 25, 54: a life that could not store anything took the upload up, and knew nothing of its part size."""
    life = Life()
    if is_all_known:
        life.finalise()
        life.control_failed(GONE)
    else:
        life.begin()
        life.send(1)
        life.failed(1, GONE)
    whole = ETAG[1]
    report = e.ObjectReport(25, multipart_etag([whole]) or "", True)
    effects = life.tell(e.StatusChecked(ID, life.asked, "completed", report))
    assert effects == [fx.HashFile(ID, life.asked, part_size=25, md5=True)]
    assert life.tell(e.FileHashed(ID, life.asked, (whole,))) == [DELETE]


def test_an_object_of_the_wrong_size_is_not_the_file_whatever_its_parts() -> None:
    """Fault 72."""
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, GONE)
    life.tell(e.StatusChecked(ID, life.asked, "completed", UNPROVING[0]))
    hashed = e.FileHashed(ID, life.asked, tuple(part.etag for part in PART.values()))
    assert kinds(life.tell(hashed)) == [fx.AbortUpload]


def test_an_object_without_a_checksum_or_token_needs_no_reading() -> None:
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, GONE)
    assert life.tell(e.StatusChecked(ID, life.asked, "completed", e.ObjectReport(25, "kms", True))) == [
        DELETE
    ]
    foreign = Life()
    foreign.begin()
    foreign.send(1)
    foreign.failed(1, GONE)
    assert kinds(foreign.tell(e.StatusChecked(ID, foreign.asked, "completed", UNPROVING[1]))) == [
        fx.AbortUpload
    ]


@pytest.mark.parametrize("told_by", ["create", "head"])
def test_an_opaque_etag_of_the_object_is_no_contradiction(told_by: str) -> None:
    life = Life()
    life.finalise()
    life.session.transfer.has_opaque_etags = told_by == "create"
    report = e.ObjectReport(25, "0" * 32 + "-3", True, told_by == "head")
    assert life.tell(e.UploadCompleted(ID, life.asked, report)) == [DELETE]
    unknown = Life()
    unknown.begin()
    unknown.send(1)
    unknown.failed(1, GONE)
    unknown.session.transfer.has_opaque_etags = told_by == "create"
    assert unknown.tell(e.StatusChecked(ID, unknown.asked, "completed", report)) == [DELETE]


@pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "ExpiredToken"])
def test_a_call_whose_signature_was_of_another_time_is_made_again(code: str) -> None:
    """Faults 40, 45."""
    life = Life(max_retries=1)
    life.begin()
    life.resume()
    assert kinds(life.control_failed(ServiceFault(502, code))) == [fx.ArmTimer]
    assert kinds(life.fire()) == [fx.ListParts]
    assert life.control_failed(ServiceFault(502, code)) == [STOP, SAVE]
    assert life.phase == Phase.FAILED


def test_without_the_file_an_object_that_cannot_be_told_waits_for_it() -> None:
    """Fault 25."""
    life = Life()
    life.begin()
    life.send(1)
    life.failed(1, GONE)
    life.session.has_file = False
    assert life.tell(e.StatusChecked(ID, life.asked, "completed", PROOF)) == [STOP, SAVE]
    assert life.phase == Phase.WAITING_FOR_FILE


def test_a_file_that_never_holds_still_stops_the_upload() -> None:
    """Faults 58, 59."""
    life = Life()
    life.finalise_unchecked()
    for _ in range(MAX_DOUBTS):
        assert life.checked(2) == [SAVE]
        assert life.phase == Phase.UPLOADING
        life.send(2)
        life.landed(2)
    assert life.checked(2) == [STOP, SAVE]
    assert life.phase == Phase.FAILED
    assert "changes while it is sent" in life.error_words


def test_a_status_nobody_knows_starts_over() -> None:
    """Fault 26."""
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
        assert kinds(life.tell(e.StatusChecked(ID, life.asked, "open", None))) == [fx.ListParts]
        life.control_failed(GONE)
    life.tell(e.StatusChecked(ID, life.asked, "open", None))
    assert life.phase == Phase.FAILED
    assert life.session.error is not None
    assert life.session.error.code == "NoSuchUpload"
    life.tell(e.ResumeRequested(ID))
    assert life.session.doubts == 0


def test_a_list_that_has_everything_goes_straight_to_complete() -> None:
    """Faults 35, 47."""
    life = Life()
    life.begin()
    life.resume()
    save, check = life.listed(1, 2, 3)
    assert check == fx.CheckFile(ID, life.asked, tuple(PART.items()))
    save, complete = life.checked()
    assert (save, type(complete)) == (SAVE, fx.CompleteUpload)
    assert life.phase == Phase.FINALISING


def test_parts_nobody_acknowledged_are_not_completed_without_the_file() -> None:
    """Faults 47, 69: what a list alone knows of has to be compared first."""
    life = Life()
    life.begin()
    life.send(1)
    life.landed(1)
    life.failed(1, BROKEN)
    life.send(2)
    life.failed(2, FileUnreadable())
    life.session.server_upload_id = "server-1"
    life.session.has_file = False
    life.session.phase = Phase.QUEUED
    life.tell(e.SlotGranted(ID))
    assert life.listed(1, 2, 3) == [SAVE]
    assert life.phase == Phase.WAITING_FOR_FILE
    life.tell(e.FileGiven(ID, PRINT))
    life.tell(e.SlotGranted(ID))
    assert life.listed(1, 2, 3)[1] == fx.CheckFile(ID, life.asked, tuple(PART.items()))


def test_stock_taking_that_keeps_failing_gives_up_in_the_end() -> None:
    life = Life(max_retries=1)
    life.begin()
    life.resume()
    assert kinds(life.control_failed(BROKEN)) == [fx.ArmTimer]
    assert kinds(life.fire()) == [fx.ListParts]
    assert life.control_failed(BROKEN) == [STOP, SAVE]
    assert life.phase == Phase.FAILED
    assert life.error_words.startswith("CHUNK_UPLOAD_FAILED")


def test_a_part_that_never_arrives_whole_nor_heard_is_the_lines_fault_not_the_files() -> None:
    """Faults 8, 69: each answer is lost, and each time a damaged copy is stored."""
    life = Life(max_retries=1)
    life.begin()
    life.send(1, 2, 3)
    life.landed(1)
    life.landed(3)
    for last in (False, True):
        life.failed(2, NETWORK)
        life.listed(1, 2, 3)
        effects = life.checked(2)
        assert (life.phase == Phase.WAITING_FOR_NETWORK) is last
        if not last:
            assert effects == [SAVE]
            life.send(2)
    assert life.error_words.startswith("NETWORK_ERROR")
    assert life.session.transfer.stored.keys() == {1, 3}
