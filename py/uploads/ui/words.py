"""What the page says: all sentences in one room, in English; `speech` has them in the language that is spoken.

Constants are English, and are said by whoever shows them. Pure functions of plain data.
"""

from uploads.ui import format as fmt
from uploads.ui.speech import counted, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PHASES = {
    "inspecting": "Checking the file…",
    "queued": "Waiting for its turn",
    "creating": "Starting…",
    "uploading": "Uploading",
    "reconciling": "Checking what is already stored…",
    "finalising": "Finishing…",
    "waiting-for-network": "Waiting for the network",
    "waiting-for-file": "Choose the file again to go on",
    "waiting-for-sign-in": "Waiting for you to sign in",
    "cancelling": "Cancelling…",
    "paused": "Paused",
    "completed": "Uploaded",
    "failed": "Stopped",
    "cancelled": "Cancelled",
}

FILE_NEEDED = {
    "open": "Opening the file…",
    "handle": "Opening the file…",
    "copy": "Opening the file…",
    "ask": "Press Continue to go on",
    "denied": PHASES["waiting-for-file"],
    "choose": PHASES["waiting-for-file"],
}
"""What `waiting-for-file` means, by the session's `file_access`."""

_STORED = "What is stored already will not be sent again."
FILE_HINTS = {
    "open": "",
    "handle": "",
    "copy": "",
    "ask": "The browser asks once more whether this page may read the file. " + _STORED,
    "denied": "The browser did not let this page read the file. " + _STORED,
    "choose": "The browser lets go of a file when its page is closed or reloaded. " + _STORED,
}

COPY_KEPT = "A copy of {} is kept in this browser until it is uploaded."

HINTS = {
    "waiting-for-network": "It goes on by itself as soon as the connection is back.",
    "waiting-for-sign-in": "Sign in again in this browser, then come back to this page: it goes on where it stopped.",
}

FILE_WAITS = {
    "open": "Keep this page open: otherwise its file has to be chosen again.",
    "handle": "",
    "copy": COPY_KEPT,
}
"""What `waiting-for-network` means for the file, by the session's `file_access`."""

LEAVING = {
    "": "",
    "goes-on": "You can close this page: another one is open, and the uploads go on.",
    "lingers": "You can leave this page: the uploads go on for some minutes, and go on again when you come back.",
    "comes-back": "The uploads stop when you leave this page, and go on when you open it again.",
    "waits": "You can leave this page: the files are kept in this browser, and go on when you open it again and the network is back.",
    "stops": "Keep this page open until the uploads are done: otherwise their files have to be chosen again.",
}
"""What becomes of uploads when the page is left (`UploadClient.after_leaving`)."""

NEEDS_ENGINE = ("queued", "creating", "uploading", "reconciling", "finalising", "cancelling")
ENGINE = {"starting": "Getting ready…", "ready": "Ready", "failed": "Not available"}

SITE_COPY = {True: "This page opens without a network, too.", False: "This page needs a network to open."}
SITE_COPY_ACTIONS = {True: "Remove its copy", False: "Keep a copy"}
"""Whether a copy of the site is kept in this browser, and what the button beside it does."""

NOT_LOADED = "A part of this page could not be loaded: try again when the network is back."
UNREADABLE = "Something in that folder could not be read, and is left out."

REPORT = {
    True: "The report is copied: paste it where you ask for help.",
    False: "The report could not be copied. It is on the browser's console.",
}

NOTHING_YET = (
    "Nothing here yet. Big files are welcome: you can pause them, lose the network, or come back later."
)

RULE_LARGEST = "at most {} each"
RULE_SMALLEST = "at least {} each"
_FAMILIES = {"image/*": "images", "video/*": "videos", "audio/*": "sound", "text/*": "text"}

STARTED = "started"
COMPLETED = "completed"
FAILED = "failed"
PAUSED = "paused"
RESUMED = "resumed"
NEEDS_FILE = "waiting-for-file"
WAITS = "waiting-for-network"

_ANNOUNCED = (
    (FAILED, "{} stopped with an error.", "{} uploads stopped with an error."),
    (COMPLETED, "{} is uploaded.", "{} files are uploaded."),
    (NEEDS_FILE, "{} needs its file again.", "{} uploads need their files again."),
    (PAUSED, "{} is paused.", "{} uploads are paused."),
    (RESUMED, "{} goes on.", "{} uploads go on."),
    (WAITS, "{} waits for the network.", "{} files wait for the network."),
    (STARTED, "{} is being uploaded.", "{} files are being uploaded."),
)


def phase(name: str, engine: str, file_access: str) -> str:
    """An upload's phase in words; whatever is at work waits for an engine that is starting, or starting anew."""
    if engine == "starting" and name in NEEDS_ENGINE:
        return say(ENGINE["starting"])
    return say(FILE_NEEDED[file_access] if name == NEEDS_FILE else PHASES[name])


def announcement(happened: "list[tuple[str, str]]", name_of: "Callable[[str], str]") -> str:
    """What a screen reader should hear of `[(what happened, upload id), …]`: one short sentence per kind.

    `name_of(upload_id)`: the file's name, asked for only where it is said; "" when the upload is gone.
    """
    sentences = []
    for kind, one, many in _ANNOUNCED:
        uploads = [upload_id for what, upload_id in happened if what == kind]
        name = name_of(uploads[0]) if len(uploads) == 1 else ""
        if name:
            sentences.append(say(one, name))
        elif len(uploads) > 1:
            sentences.append(counted(len(uploads), one, many))
    return " ".join(sentences)


def happened(before: "str | None", after: str) -> str:
    """What to announce when an upload's phase changes from `before` (None: just arrived) to `after`; "" for nothing."""
    if before == after or after in ("cancelling", "cancelled"):  # the person's own doing
        return ""
    if after in (COMPLETED, FAILED, PAUSED, NEEDS_FILE):
        return after
    if after == WAITS and before in (None, "queued"):
        return WAITS
    if before is None:
        return STARTED
    if before in (PAUSED, NEEDS_FILE, FAILED):
        return RESUMED
    return ""


def types(allowed: "list[str]") -> str:
    """The types that are allowed: "images, .pdf"."""
    return ", ".join([say(_FAMILIES.get(entry, entry)) for entry in allowed])


def rule_count(most: int) -> str:
    """How many files may be there at a time."""
    return counted(most, "one file at a time", "at most {} files at a time")


def too_many(limit: int, left_out: int) -> str:
    """More files were given than may be there at a time."""
    most = counted(
        limit, "At most 1 file can be uploaded at a time.", "At most {} files can be uploaded at a time."
    )
    return f"{most} " + counted(left_out, "1 was left out.", "{} were left out.")


def known_already(count: int, name: str) -> str:
    """Files were given that are being uploaded already; `name`: of the first one."""
    if count == 1:
        return say("{} is in the list already, and is not sent twice.", name)
    return counted(count, "", "{} files are in the list already, and are not sent twice.")


def unchecked(count: int, names: "list[str]") -> str:
    """Files that were being checked when the page went; `names`: of the first ones."""
    told = ", ".join([fmt.visible_name(name) for name in names]) + (", …" if count > len(names) else "")
    if count == 1:
        return say("{} was still being checked when this page was left. Add it again.", told)
    return counted(
        count, "", "{} files were still being checked when this page was left. Add them again: {}.", told
    )


def title(base: str, active: int, percent: int) -> str:
    """The tab's title: "42 % · Uploads" while something is under way."""
    return f"{fmt.share(percent)} · {say(base)}" if active else say(base)


_STANDING = (
    ("paused", "{} paused"),
    ("failed", "{} stopped"),
    ("completed", "{} uploaded"),
    ("cancelled", "{} cancelled"),
)


def overall(counts: "dict[str, int]", waiting: int) -> str:
    """How the uploads stand, for the bar above the list: "3 under way · 1 paused · 2 uploaded".

    `counts`: by status; `waiting`: those of "uploading" that wait for the network.
    """
    at_work = counts.get("uploading", 0) - waiting
    said = []
    if at_work:
        said.append(counted(at_work, "1 under way", "{} under way"))
    if waiting:
        waits = counted(waiting, "1 file waits for the network", "{} files wait for the network")
        said.append(waits if at_work else f"{say('Offline')}: {waits}")
    for status, many in _STANDING:
        if counts.get(status):
            said.append(counted(counts[status], many.format(1), many))
    return " · ".join(said)


ALL_DONE = "All uploads are done"


def all_done(completed: int, failed: int) -> str:
    """What a notification says."""
    said = counted(completed, "1 file is uploaded.", "{} files are uploaded.")
    if failed:
        said += " " + counted(failed, "1 stopped with an error.", "{} uploads stopped with an error.")
    return said


def hide_finished(hidden: bool, finished: int) -> str:
    """The button that takes finished uploads out of sight."""
    return say("Show finished ({})", fmt.number(finished)) if hidden else say("Hide finished")


def moved(name: str, place: int, places: int) -> str:
    """A screen reader hears where an upload is after a person has moved it."""
    return say("{} is now {} of {}.", name, fmt.number(place), fmt.number(places))
