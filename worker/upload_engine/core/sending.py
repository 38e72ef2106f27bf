"""What an upload does while its parts are on their way.

A part that had no answer ("status 0") may be lost, stored, or refused without CORS headers; the browser does not
say. So the server looks: ListParts answers, and the part is charged with a try unless it turns out to be stored; or the
server cannot be reached either, and nothing is charged: it is the network. Until then, or until another part lands, no
further part is started.
"""

from __future__ import annotations

from dataclasses import replace

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.errors import NetworkFault, StallFault
from upload_engine.core.explain import CHUNK_UPLOAD_FAILED, damaged_part, delayed, started_over
from upload_engine.core.limits import MIB
from upload_engine.core.retry import Verdict, judge
from upload_engine.core.session_state import CONTROL, LAST_PARTS, Effects, SessionState
from upload_engine.core.states import Phase
from upload_engine.core.transfer import HEDGE_SECONDS
from upload_engine.core.trouble import AGAIN, again_or_give_up, give_up, next_probe_delay, retry_after

WORTH_MENTIONING = 3
"""A part that has failed so often in a row is told of, though nothing is to be done."""
SMALL_FILE = 64 * MIB
CHECK_SPEED = 200_000_000
"""Bytes per second at which a file is read and hashed while the machine has other work (alone: CRC-64 330, MD5 250 MB/s)."""
CHEAP = 20
"""A check is cheap when sending took so many times as long."""
MAX_SIGNED_ANEW = 4
"""A part whose fresh URL is refused again after this many times, and some seconds, is refused for good."""


def on_upload_created(session: SessionState, event: e.UploadCreated, now: float) -> Effects:
    session.control = None
    session.policy.succeeded()
    session.server_upload_id, session.key, session.bucket = event.server_upload_id, event.key, event.bucket
    session.transfer.part_size = event.part_size or session.transfer.part_size
    session.contradiction = None
    session.transfer.has_opaque_etags, session.transfer.is_whole = event.has_opaque_etags, event.is_whole
    session.transfer.keeps_checksum = event.keeps_checksum
    session.facts = replace(session.facts, user_id=event.user_id or session.facts.user_id)
    if session.phase is Phase.CANCELLING:
        return [session.ask_first(fx.AbortUpload)]
    if session.phase is Phase.CREATING:
        session.move(event, Phase.UPLOADING)
        session.sending_since = now
        session.transfer.plan(now)
    return [session.saved()]


def on_part_progressed(session: SessionState, event: e.PartProgressed, now: float) -> Effects:
    session.transfer.progressed(event.part_number, event.attempt, event.sent, now)
    return []


def on_part_uploaded(session: SessionState, event: e.PartUploaded, now: float) -> Effects:
    transfer = session.transfer
    useless = transfer.landed(event.part_number, event.attempt, event.etag, now, event.crc64nvme)
    aborts: Effects = [fx.AbortAttempt(session.upload_id, attempt) for attempt in useless]
    session.probes = 0
    session.suspicious = False
    if session.error != started_over():  # that one has to stay long enough to be read
        session.error = None
    session.policy.succeeded()
    if transfer.complete:
        return aborts + finish(session, event, now)
    if not transfer.has_next() and LAST_PARTS not in session.timers.values():
        return [*aborts, session.saved(), session.arm(HEDGE_SECONDS, LAST_PARTS)]
    return [*aborts, session.saved()]


def finish(session: SessionState, event: e.Event, now: float) -> Effects:
    """All parts are stored. Where there is but one, compared as it was sent, nothing can be a mix of two versions."""
    session.move(event, Phase.FINALISING)
    session.timers.clear()
    transfer = session.transfer
    is_one_piece = transfer.total_parts == 1 and transfer.is_acknowledged()
    session.is_checked = session.is_checked or is_one_piece
    if is_one_piece or not session.has_file:
        return [session.saved(), session.ask_first(fx.CompleteUpload)]
    doubt_once_more(session, now)
    return [session.saved(), session.ask_first(fx.CheckFile)]


def doubt_once_more(session: SessionState, now: float) -> None:
    """All parts are stored: before Complete all of the file is looked at, where that is cheap."""
    if _is_check_cheap(session.transfer.file_size, now - session.sending_since):
        session.transfer.doubt_all()


def _is_check_cheap(file_size: int, seconds: float) -> bool:
    """Whether all of the file can be compared once more in a fraction of the time that sending it took."""
    return file_size <= SMALL_FILE or seconds >= CHEAP * file_size / CHECK_SPEED


def on_part_failed(session: SessionState, event: e.PartFailed, now: float) -> Effects:
    number, verdict, transfer = event.part_number, judge(event.fault), session.transfer
    started_at = transfer.in_flight[number].started_at
    if verdict is Verdict.THROTTLED or isinstance(event.fault, StallFault):
        session.policy.window.trouble(started_at, now)
    if not transfer.lost(number, event.attempt):
        return []  # another try at it is still on its way
    if verdict is Verdict.NETWORK:
        transfer.in_doubt |= {number}
        session.suspicious = True
        return _look(session)
    if verdict in AGAIN:
        tries = transfer.count_try(number)
        if session.policy.allows(verdict, tries):
            if tries >= WORTH_MENTIONING:
                session.error = delayed(event.fault)
            delay = session.policy.delay(verdict, tries, retry_after(event.fault))
            if verdict is Verdict.THROTTLED:
                session.policy.window.close(now + delay)
            return [session.arm(delay, number)]
    if verdict is Verdict.SIGN_ANEW:
        refusals = transfer.count_signed_anew(number)
        if refusals == 1:
            transfer.give_back(number)
            return []
        if refusals <= MAX_SIGNED_ANEW:
            return [session.arm(session.policy.probe_delay(refusals - 2), number)]
    if verdict is Verdict.GONE:
        session.move(event, Phase.RECONCILING)
        return [session.stop(), session.ask_first(fx.CheckStatus)]
    effects = give_up(session, event, event.fault, verdict, CHUNK_UPLOAD_FAILED)
    if verdict is Verdict.DAMAGED and session.error:
        session.error = damaged_part(session.error, number)
    return effects


def _look(session: SessionState) -> Effects:
    """Let the server look what has become of the parts in doubt."""
    if session.control is not None or CONTROL in session.timers.values():
        return []
    return [session.ask_first(fx.ListParts)]


def on_look_answered(session: SessionState, event: e.PartsListed, now: float) -> Effects:
    session.control = None
    session.suspicious = False
    missing = session.transfer.settle_doubts(event.parts)
    if session.transfer.complete:
        return finish(session, event, now)
    effects: Effects = [session.saved()]
    for number in missing:
        tries = session.transfer.count_try(number)
        if session.policy.allows(Verdict.TRANSIENT, tries):
            effects.append(session.arm(session.policy.delay(Verdict.TRANSIENT, tries), number))
        elif session.transfer.in_flight:  # the others get through: it has to be tried on
            effects.append(session.arm(session.policy.probe_delay(tries), number))
        else:
            return give_up(session, event, NetworkFault(), Verdict.NETWORK, CHUNK_UPLOAD_FAILED)
    return effects


def on_look_failed(session: SessionState, event: e.ControlFailed, now: float) -> Effects:
    session.control = None
    verdict = judge(event.fault)
    if verdict is Verdict.GONE:
        session.move(event, Phase.RECONCILING)
        return [session.stop(), session.ask_first(fx.CheckStatus)]
    if verdict in AGAIN and session.transfer.in_flight:
        return [session.arm(next_probe_delay(session))]  # what is signed already keeps flowing
    if verdict is Verdict.NETWORK:
        return give_up(session, event, event.fault, verdict, CHUNK_UPLOAD_FAILED)
    return again_or_give_up(session, event, event.fault, CHUNK_UPLOAD_FAILED)


def on_timer_fired(session: SessionState, event: e.TimerFired, now: float) -> Effects:
    purpose = session.timers.pop(event.attempt)
    if purpose == CONTROL:
        return [session.ask(session.control_kind)]
    if purpose == LAST_PARTS:
        session.transfer.find_stuck(now)
        return [session.arm(HEDGE_SECONDS, LAST_PARTS)]
    session.transfer.give_back(purpose)
    return []
