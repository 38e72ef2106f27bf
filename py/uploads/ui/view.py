"""What a row and the bar above the list show, computed from what the hook knows. Pure functions of plain data."""

from uploads.protocol import FILES_AT_HAND
from uploads.ui import format as fmt
from uploads.ui import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uploads.protocol import SessionSnapshot, UploadError, UploadProgress

PAUSE, RESUME, CANCEL, RETRY, REMOVE = "pause", "resume", "cancel", "retry", "remove"
CHOOSE, CONTINUE = "choose", "continue"
ALL = (PAUSE, RESUME, RETRY, CONTINUE, CHOOSE, CANCEL, REMOVE)

_MOVING = ("queued", "creating", "uploading", "reconciling", "waiting-for-network")
_AT_REST = ("paused", "waiting-for-file", "completed", "failed", "cancelled")


def actions(phase: str, error: "UploadError | None", engine: str, file_access: str) -> "tuple[str, ...]":
    """The buttons that make sense now, in their order."""
    if engine == "failed":  # nobody is there to carry anything else out
        return (REMOVE,)
    if phase in _MOVING:
        return (PAUSE, CANCEL)
    if phase in ("paused", "waiting-for-sign-in"):
        return (RESUME, CANCEL)
    if phase == "waiting-for-file":
        if file_access == "ask":
            return (CONTINUE, CANCEL)
        return (CHOOSE, CANCEL) if file_access in ("denied", "choose") else (CANCEL,)
    if phase == "failed":
        return (RETRY, CANCEL) if error is None or error["retryable"] else (CANCEL,)
    if phase == "finalising":
        return (CANCEL,)
    return (REMOVE,) if phase in ("completed", "cancelled") else ()


def row(
    session: "SessionSnapshot",
    progress: "UploadProgress",
    error: "UploadError | None",
    engine: str,
    highest: float = 0.0,
) -> "dict[str, Any]":
    """What one upload's row shows.

    `highest`: the percentage that the row showed last. Bytes that were on the way are taken back when a
    connection breaks; the bar stays where it was until the upload has caught up, or starts anew from nothing.
    """
    phase = session["phase"]
    completed = session["status"] == "completed"
    done = progress["progress"]
    if 0 < done < highest:
        done = highest
    whole = fmt.percent(done, completed)
    name = fmt.visible_name(session["file_name"])
    access = session["file_access"]
    told = words.phase(phase, engine, access)
    return {
        "status": session["status"],
        "phase": phase,
        "name": fmt.short_name(name),
        "full_name": name,
        "kind": fmt.file_kind(session["file_name"], session["content_type"]),
        "highest": done,
        "percent": whole,
        # three decimals: the bar moves smoothly, and only what shows is written
        "fraction": "1" if completed else f"{min(done, 99.9) / 100:.3f}",
        "value_text": f"{whole} %, {told}",
        "state": told,
        "numbers": " · ".join(_numbers(session, progress, engine)),
        "note": _note(session, error),
        "alarm": error is not None and phase not in _MOVING and phase != "finalising",  # a person has to act
        "actions": actions(phase, error, engine, access),
        # a file that is just being opened is no news
        "heard": "queued" if phase == words.NEEDS_FILE and access in FILES_AT_HAND else phase,
        "object_url": session["object_url"] or "",
    }


def _numbers(session: "SessionSnapshot", progress: "UploadProgress", engine: str) -> "list[str]":
    """Size, speed and time left: what is known and worth saying now."""
    total = session["file_size"]
    if total is None:
        return []
    phase = session["phase"]
    if phase in ("completed", "cancelled") or not progress["uploaded_bytes"]:
        numbers = [fmt.size(total)]
    else:
        numbers = [f"{fmt.size(progress['uploaded_bytes'])} of {fmt.size(total)}"]
    if phase == "uploading" and engine == "ready":
        speed = fmt.speed(progress["speed"])
        if speed:
            numbers.append(speed)
        left = progress["estimated_time_remaining"]
        if left is not None:
            numbers.append(fmt.duration(left) + " left")
    return numbers


def _note(session: "SessionSnapshot", error: "UploadError | None") -> str:
    """The words below the bar: an error with what to do, what a waiting upload waits for, what a copy costs."""
    phase = session["phase"]
    access = session["file_access"]
    total = fmt.size(session["file_size"] or 0)
    told = f"{error['message']} {error['recovery']}".strip() if error is not None else ""
    if phase == words.WAITS:
        told = told or words.HINTS[phase]
        return f"{told} {words.FILE_WAITS.get(access, '').format(total)}".strip()
    if told:
        return told
    if phase == words.NEEDS_FILE and words.FILE_HINTS[access]:
        return words.FILE_HINTS[access]
    if phase in words.HINTS:
        return words.HINTS[phase]
    if access == "copy" and session["file_size"] is not None and phase not in _AT_REST[2:]:
        return words.COPY_KEPT.format(total)
    return ""


def overall(
    sessions: "Mapping[str, SessionSnapshot]", progress: "Mapping[str, UploadProgress]"
) -> "dict[str, Any]":
    """What the bar above the list shows: all uploads that are neither cancelled nor of unknown size, taken together."""
    counts: dict[str, int] = {}
    done = total = 0
    speed = 0.0
    pausable = resumable = 0
    for upload_id, session in sessions.items():
        status = session["status"]
        phase = session["phase"]
        counts[status] = counts.get(status, 0) + 1
        if phase == words.WAITS:
            counts[phase] = counts.get(phase, 0) + 1
        pausable += phase in _MOVING
        resumable += phase == "paused"
        file_size = session["file_size"]
        if status != "cancelled" and file_size is not None:
            total += file_size
            done += (
                file_size if status == "completed" else min(file_size, progress[upload_id]["uploaded_bytes"])
            )
            speed += progress[upload_id]["speed"] if phase == "uploading" else 0
    finished = bool(sessions) and all(session["phase"] in _AT_REST[2:] for session in sessions.values())
    whole = fmt.percent(done * 100 / total if total else 0, finished and not counts.get("failed"))
    numbers = [f"{fmt.size(done)} of {fmt.size(total)}"]
    if speed >= 1:
        numbers += [fmt.speed(speed), fmt.duration((total - done) / speed) + " left"]
    unfinished = len(sessions) - counts.get("completed", 0) - counts.get("cancelled", 0)
    return {
        "shown": len(sessions) > 1,
        "percent": whole,
        "fraction": f"{whole / 100:.2f}",
        "state": words.overall(counts),
        "numbers": " · ".join(numbers),
        "pause_all": pausable > 0,
        "resume_all": resumable > 0,
        "cancel_all": unfinished > 0,
        "active": counts.get("uploading", 0),
    }
