"""What the page says, in English: all sentences in one room. Pure functions of plain data."""

PHASES = {
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

UNREADABLE = "Something in that folder could not be read, and is left out."

REPORT = {
    True: "The report is copied: paste it where you ask for help.",
    False: "The report could not be copied. It is on the browser's console.",
}

NOTHING_YET = (
    "Nothing here yet. Big files are welcome: you can pause them, lose the network, or come back later."
)

EMBED_UNFRAMED = "This is the widget for a frame in another page, and there is no page around it: it works as a page of its own."
EMBED_NO_ORIGIN = (
    "The page around this one cannot speak with it: the address lacks &origin= with that page's origin. "
    "It works as a page of its own."
)
EMBED_BAD_ORIGIN = (
    "This widget does nothing: origin= in its address must be the exact origin of the page around it, "
    "such as https://app.example.com."
)
EMBED_SILENT = "The page around this one has not answered yet, so nothing can be uploaded so far."
EMBED_NOT_CONFIGURED = "CONFIGURE must come first."
EMBED_NO_GESTURE = "The browser opens a picker only just after a click or a key in the widget itself."
EMBED_RESTRICTIONS = "The restrictions are those of the first CONFIGURE; reload the widget to change them."
EMBED_FILE = "A File must come with ADD_FILE, and with nothing else."
EMBED_LOCALE = "The locale must be a BCP 47 language tag, such as en or pt-BR."

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
        return ENGINE["starting"]
    return FILE_NEEDED[file_access] if name == NEEDS_FILE else PHASES[name]


def announcement(happened: "list[tuple[str, str]]") -> str:
    """What a screen reader should hear of `[(what happened, file name), …]`: one short sentence per kind."""
    sentences = []
    for kind, one, many in _ANNOUNCED:
        names = [name for what, name in happened if what == kind]
        if names:
            sentences.append(one.format(names[0]) if len(names) == 1 else many.format(len(names)))
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


def title(base: str, active: int, percent: int) -> str:
    """The tab's title: "42 % · Uploads" while something is under way."""
    return f"{percent} % · {base}" if active else base


def overall(counts: "dict[str, int]") -> str:
    """How the uploads stand, for the bar above the list: "3 under way · 1 paused · 2 uploaded".

    `counts`: by status; those of "uploading" that wait for the network are counted under `WAITS` as well.
    """
    waiting = counts.get(WAITS, 0)
    at_work = counts.get("uploading", 0) - waiting
    said = []
    if at_work:
        said.append(f"{at_work} under way")
    if waiting:
        files = "1 file waits" if waiting == 1 else f"{waiting} files wait"
        said.append(f"{files} for the network" if at_work else f"Offline: {files} for the network")
    known = (
        ("paused", "paused"),
        ("failed", "stopped"),
        ("completed", "uploaded"),
        ("cancelled", "cancelled"),
    )
    return " · ".join(said + [f"{counts[status]} {word}" for status, word in known if counts.get(status)])
