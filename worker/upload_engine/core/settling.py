"""What an upload does when no part is on its way: take stock after a doubt, complete, and prove what was completed.

The store's list and the file decide what is sent again; the server's HEAD decides what may be called completed. See
"Proof of completion" in the README.
"""

from __future__ import annotations

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.checksums import is_made_of, parts_told_by, tells_parts
from upload_engine.core.errors import FileChanged, NetworkFault, ServiceFault, UploadFault
from upload_engine.core.explain import (
    CHUNK_UPLOAD_FAILED,
    UPLOAD_COMPLETE_FAILED,
    UPLOAD_INIT_FAILED,
    started_over,
)
from upload_engine.core.parts import infer_part_size
from upload_engine.core.retry import Verdict, judge
from upload_engine.core.sending import doubt_once_more, on_look_answered, on_look_failed
from upload_engine.core.session_state import Effects, SessionState
from upload_engine.core.states import Phase
from upload_engine.core.trouble import again_or_give_up, give_up, next_probe_delay

MAX_DOUBTS = 3
"""How often in a row the store may contradict itself, and how often an upload may begin anew, before it fails."""

_ERROR_TYPE = {
    Phase.CREATING: UPLOAD_INIT_FAILED,
    Phase.RECONCILING: CHUNK_UPLOAD_FAILED,
    Phase.FINALISING: UPLOAD_COMPLETE_FAILED,
}


def on_slot_granted(session: SessionState, event: e.SlotGranted, now: float) -> Effects:
    if session.server_upload_id:
        session.move(event, Phase.RECONCILING)
        return [session.ask_first(fx.ListParts)]
    session.move(event, Phase.CREATING)
    return [] if session.under_way(fx.CreateUpload) else [session.ask_first(fx.CreateUpload)]


def on_parts_listed(session: SessionState, event: e.PartsListed, now: float) -> Effects:
    if session.phase is Phase.UPLOADING:
        return on_look_answered(session, event, now)
    session.control = None
    transfer = session.transfer
    if not session.is_cut_known:
        session.is_cut_known = True
        transfer.part_size = infer_part_size(event.parts, transfer.file_size, transfer.part_size)
    transfer.trust(event.parts)
    if session.has_file:
        if transfer.complete:
            doubt_once_more(session, now)
        return [session.saved(), session.ask_first(fx.CheckFile)]
    if transfer.complete and transfer.is_acknowledged() and session.is_checked:
        session.move(event, Phase.FINALISING)
        return [session.saved(), session.ask_first(fx.CompleteUpload)]
    session.move(event, Phase.WAITING_FOR_FILE)
    return [session.saved()]


def on_file_progressed(session: SessionState, event: e.FileProgressed, now: float) -> Effects:
    session.check_went_on(event.checked, event.total)
    return []


def on_file_checked(session: SessionState, event: e.FileChecked, now: float) -> Effects:
    session.control = None
    transfer = session.transfer
    unheard = transfer.unheard(event.differing)
    transfer.confirm(event.crc64nvme, event.differing)
    if session.phase is Phase.FINALISING:
        # Where a part had no answer the store may have something else: that is the line's fault, not the file's.
        tries = max((transfer.count_try(number) for number in unheard), default=0)
        if not session.policy.allows(Verdict.TRANSIENT, tries):
            return give_up(session, event, NetworkFault(), Verdict.NETWORK, CHUNK_UPLOAD_FAILED)
    if len(unheard) < len(event.differing) and session.phase is Phase.FINALISING:
        session.doubts += 1
        if session.doubts > MAX_DOUBTS:
            fault = FileChanged("it changes while it is sent")
            return give_up(session, event, fault, Verdict.FILE_CHANGED, CHUNK_UPLOAD_FAILED)
    session.is_checked = transfer.complete
    if transfer.complete:
        if session.phase is Phase.RECONCILING:
            session.move(event, Phase.FINALISING)
        return [session.saved(), session.ask_first(fx.CompleteUpload)]
    session.move(event, Phase.UPLOADING)
    session.sending_since = now
    transfer.plan(now)
    return [session.saved()]


def on_status_checked(session: SessionState, event: e.StatusChecked, now: float) -> Effects:
    session.control = None
    if event.state == "completed" and event.report:
        return _judge_object(session, event, event.report)
    if event.state == "open":
        # The store contradicts itself; its list decides, and a doubt is counted.
        return doubt(session, event, session.contradiction or ServiceFault(404, "NoSuchUpload"))
    return start_over(session, event)


def _judge_object(session: SessionState, event: e.Event, report: e.ObjectReport) -> Effects:
    """An object of this upload was found: is it the file?"""
    if report.proof and not _is_comparable(session, report):
        # Its token and length are right; its checksum cannot be told from what is known of the parts here: some are
        # not, or a life that could not store anything has cut the file in another way, or the store has not kept it.
        if not session.has_file:
            session.move(event, Phase.WAITING_FOR_FILE)
            return [session.stop(), session.saved()]
        session.report = report
        return [session.ask_first(fx.HashFile)]
    if proves(session, report):
        return completed(session, event, report)
    # It is removed before the file is sent again.
    return [session.ask_first(fx.AbortUpload)]


def _is_comparable(session: SessionState, report: e.ObjectReport) -> bool:
    """Whether ``proves`` can tell from the parts as they are known: where no checksum is, nothing else is to be had."""
    transfer = session.transfer
    if transfer.keeps_checksum and report.checksum:
        return bool(transfer.checksum)
    if not tells_parts(report.etag) or report.is_opaque or transfer.has_opaque_etags:
        return True
    is_cut_alike = transfer.complete and parts_told_by(report.etag) == transfer.total_parts
    return is_cut_alike and not transfer.keeps_checksum


def on_file_hashed(session: SessionState, event: e.FileHashed, now: float) -> Effects:
    session.control = None
    report, session.report = session.report, None
    assert report is not None, "the file is hashed for an object's sake"
    right_size = report.size == session.facts.fingerprint.size
    right_bytes = (
        event.crc64nvme == report.checksum if report.checksum else is_made_of(report.etag, event.md5s)
    )
    if right_size and right_bytes:
        return completed(session, event, report)
    return [session.ask_first(fx.AbortUpload)]


def doubt(session: SessionState, event: e.Event, fault: UploadFault) -> Effects:
    """List the parts once more; not for ever."""
    session.doubts += 1
    if session.doubts > MAX_DOUBTS or judge(fault) is Verdict.TAKEN:
        return give_up(session, event, fault, Verdict.FATAL, UPLOAD_COMPLETE_FAILED)
    if session.phase is not Phase.RECONCILING:
        session.move(event, Phase.RECONCILING)
    return [session.ask_first(fx.ListParts)]


def start_over(session: SessionState, event: e.Event) -> Effects:
    """The store has neither the upload nor its object: everything is sent again, and the person is told."""
    session.starts += 1
    session.transfer.forget_stored()
    session.server_upload_id = session.key = ""
    if session.starts > MAX_DOUBTS:
        fault = session.contradiction or ServiceFault(404, "NoSuchUpload")
        return give_up(session, event, fault, Verdict.FATAL, UPLOAD_COMPLETE_FAILED)
    session.move(event, Phase.QUEUED if session.has_file else Phase.WAITING_FOR_FILE)
    session.error = started_over()
    return [session.stop(), session.saved()]


def proves(session: SessionState, report: e.ObjectReport) -> bool:
    """The object is this file: it carries our token, and has the right length and, where known, checksum.

    Where nobody can look at the object, the parts that the store listed have to be these.
    """
    right_size = report.size == session.facts.fingerprint.size
    transfer = session.transfer
    if transfer.keeps_checksum:
        right_bytes = report.checksum != "" and report.checksum == transfer.checksum
    else:
        right_bytes = report.is_opaque or transfer.makes(report.etag)
    return (report.proof or not report.is_seen) and right_size and right_bytes


def on_upload_completed(session: SessionState, event: e.UploadCompleted, now: float) -> Effects:
    session.control = None
    if proves(session, event.report):
        return completed(session, event, event.report)
    if session.phase is Phase.CANCELLING:
        return [session.ask_first(fx.AbortUpload)]
    return _look_at_the_object(session, event, ServiceFault(409, "ProofFailed"))


def _look_at_the_object(session: SessionState, event: e.Event, fault: UploadFault) -> Effects:
    session.contradiction = fault
    session.move(event, Phase.RECONCILING)
    return [session.ask_first(fx.CheckStatus)]


def completed(session: SessionState, event: e.Event, report: e.ObjectReport) -> Effects:
    session.move(event, Phase.COMPLETED)
    session.policy.succeeded()
    session.etag, session.checksum = report.etag, report.checksum
    session.error = None
    return [fx.DeleteSession(session.upload_id)]


def on_control_failed(session: SessionState, event: e.ControlFailed, now: float) -> Effects:
    if session.phase is Phase.UPLOADING:
        return on_look_failed(session, event, now)
    session.control = None
    if session.phase is Phase.CANCELLING:
        return _cancel_failed(session, event)
    if session.phase in (Phase.PAUSED, Phase.QUEUED):
        return []  # a Create that nobody waits for: the next slot creates anew
    fault, verdict = event.fault, judge(event.fault)
    if session.phase is Phase.RECONCILING and verdict is Verdict.GONE:
        if session.control_kind is fx.ListParts:
            return [session.ask_first(fx.CheckStatus)]
        return start_over(session, event)
    if session.phase is Phase.FINALISING:
        if verdict is Verdict.DAMAGED:  # of the whole: which part it is, their own checksums tell
            session.transfer.doubt_checksums()
            session.is_checked = False
            return doubt(session, event, fault)
        if verdict in (Verdict.GONE, Verdict.UNPROVED, Verdict.TAKEN):
            return _look_at_the_object(session, event, fault)
        if verdict is Verdict.DIFFERENT:
            return doubt(session, event, fault)
        if verdict is Verdict.CONFLICT:
            session.contradiction = fault
            session.move(event, Phase.RECONCILING)
            return [session.ask_first(fx.AbortUpload)]
    return again_or_give_up(session, event, fault, _ERROR_TYPE[session.phase])


def on_network_probed(session: SessionState, event: e.NetworkProbed, now: float) -> Effects:
    session.control = None
    if not event.reachable:
        return [session.arm(next_probe_delay(session))]
    session.transfer.forgive()
    session.move(event, Phase.QUEUED)
    return []


# The end of a cancelled upload.


def _cancel_failed(session: SessionState, event: e.ControlFailed) -> Effects:
    """Abort is tried until it is heard, signed out or not; when it was Create or Complete that failed, Abort is next."""
    if not session.server_upload_id:
        return cancelled(session, event)
    if session.control_kind is not fx.AbortUpload:
        return [session.ask_first(fx.AbortUpload)]
    if judge(event.fault) is Verdict.GONE:
        return cancelled(session, event)
    return [session.arm(next_probe_delay(session))]


def on_upload_aborted(session: SessionState, event: e.UploadAborted, now: float) -> Effects:
    """A cancel is done; or what is not to be is out of the way, and the upload begins anew."""
    session.control = None
    return cancelled(session, event) if session.phase is Phase.CANCELLING else start_over(session, event)


def cancelled(session: SessionState, event: e.Event) -> Effects:
    session.move(event, Phase.CANCELLED)
    session.error = None
    return [fx.DeleteSession(session.upload_id)]
