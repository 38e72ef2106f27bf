"""What a row and the bar above the list show, computed from what the hook knows. Pure functions of plain data."""

from uploads.protocol import FILES_AT_HAND
from uploads.ui import format as fmt
from uploads.ui import words
from uploads.ui.speech import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uploads.client.tally import Tally
    from uploads.protocol import SessionSnapshot, UploadError, UploadHead, UploadProgress

PAUSE, RESUME, CANCEL, RETRY, REMOVE = "pause", "resume", "cancel", "retry", "remove"
CHOOSE, CONTINUE = "choose", "continue"
FIRST, DETAILS = "first", "details"
ALL = (PAUSE, RESUME, RETRY, CONTINUE, CHOOSE, CANCEL, REMOVE, FIRST, DETAILS)

_MOVING = ("queued", "creating", "uploading", "reconciling", "waiting-for-network")
_ENDED = ("completed", "failed", "cancelled")


def actions(
    phase: str, error: "UploadError | None", engine: str, file_access: str, *, many_wait: bool = False
) -> "tuple[str, ...]":
    """The buttons that make sense now, in their order. `many_wait`: other uploads wait for their turn, too."""
    if engine == "failed":  # nobody is there to carry anything else out
        return (REMOVE,)
    first = (FIRST,) if phase == "queued" and many_wait else ()
    details = () if phase == "inspecting" else (DETAILS,)  # the engine has not heard of it yet
    return _own_actions(phase, error, file_access) + first + details


def _own_actions(phase: str, error: "UploadError | None", file_access: str) -> "tuple[str, ...]":
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
    if phase in ("inspecting", "finalising"):
        return (CANCEL,)
    return (REMOVE,) if phase in ("completed", "cancelled") else ()


def row(
    session: "SessionSnapshot",
    progress: "UploadProgress",
    error: "UploadError | None",
    engine: str,
    highest: float = 0.0,
    *,
    many_wait: bool = False,
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
    if session["checked"] is not None:
        told = f"{told} {fmt.share(int(session['checked']))}"
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
        "value_text": f"{fmt.share(whole)}, {told}",
        "state": told,
        "numbers": " · ".join(_numbers(session, progress, engine)),
        "note": _note(session, error),
        "alarm": error is not None and phase not in _MOVING and phase != "finalising",  # a person has to act
        "actions": actions(phase, error, engine, access, many_wait=many_wait),
        "object_url": session["object_url"] or "",
    }


def heard(head: "UploadHead") -> str:
    """The phase as far as it is worth announcing: a file that is just being opened is no news."""
    phase = head["phase"]
    return "queued" if phase == words.NEEDS_FILE and head["file_access"] in FILES_AT_HAND else phase


def _numbers(session: "SessionSnapshot", progress: "UploadProgress", engine: str) -> "list[str]":
    """Size, speed and time left: what is known and worth saying now."""
    total = session["file_size"]
    if total is None:
        return []
    phase = session["phase"]
    if phase in ("completed", "cancelled") or not progress["uploaded_bytes"]:
        numbers = [fmt.size(total)]
    else:
        numbers = [say("{} of {}", fmt.size(progress["uploaded_bytes"]), fmt.size(total))]
    if phase == "uploading" and engine == "ready":
        speed = fmt.speed(progress["speed"])
        if speed:
            numbers.append(speed)
        left = progress["estimated_time_remaining"]
        if left is not None:
            numbers.append(say("{} left", fmt.duration(left)))
    return numbers


def _note(session: "SessionSnapshot", error: "UploadError | None") -> str:
    """The words below the bar: an error with what to do, what a waiting upload waits for, what a copy costs."""
    phase = session["phase"]
    access = session["file_access"]
    total = fmt.size(session["file_size"] or 0)
    told = say(f"{error['message']} {error['recovery']}".strip()) if error is not None else ""
    if phase == words.WAITS:
        told = told or say(words.HINTS[phase])
        file_waits = words.FILE_WAITS.get(access, "")
        if "{}" in file_waits:
            return f"{told} {say(file_waits, total)}"
        return f"{told} {say(file_waits)}".strip()
    if told:
        return told
    if phase == words.NEEDS_FILE and words.FILE_HINTS[access]:
        return say(words.FILE_HINTS[access])
    if phase in words.HINTS:
        return say(words.HINTS[phase])
    if access == "copy" and session["file_size"] is not None and phase not in _ENDED:
        return say(words.COPY_KEPT, total)
    return ""


def overall(tally: "Tally") -> "dict[str, Any]":
    """What the bar above the list shows: all uploads that are neither cancelled nor of unknown size, taken together."""
    statuses, phases = tally.statuses, tally.phases
    total, done = tally.total_bytes, tally.uploaded_bytes
    speed = tally.speed
    whole = fmt.percent(done * 100 / total if total else 0, tally.is_finished and not statuses.get("failed"))
    numbers = [say("{} of {}", fmt.size(done), fmt.size(total))]
    if speed >= 1:
        numbers += [fmt.speed(speed), say("{} left", fmt.duration((total - done) / speed))]
    ended = statuses.get("completed", 0) + statuses.get("cancelled", 0)
    return {
        "shown": tally.uploads > 1,
        "percent": whole,
        "fraction": f"{whole / 100:.2f}",
        "state": words.overall(statuses, phases.get(words.WAITS, 0)),
        "numbers": " · ".join(numbers),
        "pause_all": any(phase in _MOVING for phase in phases),
        "resume_all": "paused" in phases,
        "cancel_all": tally.uploads > ended,
        "finished": statuses.get("completed", 0),
        "active": statuses.get("uploading", 0),
    }


def rules(config: "Mapping[str, Any]") -> str:
    """What files may be given, for the place where they come in: "image/*, .pdf · at most 50 MB each · at most 10 files"."""
    said = []
    if config["allowed_types"]:
        said.append(words.types(config["allowed_types"]))
    if config["max_file_size"] is not None:
        said.append(say(words.RULE_LARGEST, fmt.size(config["max_file_size"])))
    if config["min_file_size"]:
        said.append(say(words.RULE_SMALLEST, fmt.size(config["min_file_size"])))
    if config["max_files"] is not None:
        said.append(words.rule_count(config["max_files"]))
    return " · ".join(said)
