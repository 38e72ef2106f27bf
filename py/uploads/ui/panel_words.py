"""What the dialogs say: settings, details, statistics. Constants are English, and are said by whoever shows them.

Pure functions of plain data.
"""

from uploads.ui import format as fmt
from uploads.ui.speech import counted, say

NO_LIMIT = "No limit"
AUTOMATIC = "Automatic"
BY_SPEED = "By the speed of the line"
NO_COPIES = "No copies"
UP_TO = "Up to {}"
AS_THE_BROWSER = "As the browser has it"
STANDARD = "{} (standard)"
NOT_ALLOWED_TO_NOTIFY = (
    "The browser does not let this page show notifications: allow them beside its address."
)

READING = "Reading the file…"
VERDICTS = {
    "same": "The object in the store is this file, to the last bit.",
    "other": "This is another file than the one that is in the store.",
    "replaced": "The object in the store is not the one that was uploaded: something else has been put in its place.",
    "gone": "The object is in the store no more.",
    "unknown": "The store does not tell enough of the object to compare it.",
    "unreadable": "The file cannot be read.",
}
"""What the comparison of an object with a file has shown."""

FACTS = {
    "size": "Size",
    "type": "Type",
    "key": "Key",
    "part_size": "Size of a part",
    "checksum": "Checksum (CRC-64/NVME)",
    "etag": "ETag",
    "seconds": "Time on the line",
    "mean_speed": "Mean speed",
    "peak_speed": "Peak speed",
    "sent_bytes": "Sent",
    "resent_bytes": "Sent in vain",
    "retries": "Retries",
    "signing_calls": "Signing calls",
    "requests": "Parts on the way",
    "status": "HTTP status",
    "code": "Code",
    "request_id": "Request",
}

STORY = {
    "SlotGranted": "It is its turn",
    "UploadCreated": "The store has begun the upload",
    "PartUploaded": "Part {} is stored",
    "PartFailed": "Part {} did not get through ({})",
    "PartsListed": "The store said which parts it has",
    "FileChecked": "The file was compared with what is stored",
    "FileHashed": "The file was compared with the object",
    "StatusChecked": "The server looked at the object",
    "UploadCompleted": "The store has put the parts together, and the object is this file",
    "UploadAborted": "The store has removed the parts",
    "ControlFailed": "The server could not do what it was asked ({})",
    "NetworkProbed": "The network was looked for",
    "ServerLost": "The signing server is out of reach",
    "ServerFound": "The signing server is back",
    "FileGiven": "The file is at hand",
    "PauseRequested": "Pause was pressed",
    "ResumeRequested": "It goes on",
    "CancelRequested": "Cancel was pressed",
}
"""What happened, by the engine's names of events; others are of no interest to people."""


def parts(stored: int, total: int, on_the_way: int, again: int) -> str:
    """The map of the parts in one sentence."""
    said = [say("{} of {} parts are stored", fmt.number(stored), fmt.number(total))]
    if on_the_way:
        said.append(counted(on_the_way, "1 on the way", "{} on the way"))
    if again:
        said.append(counted(again, "1 sent more than once", "{} sent more than once"))
    return " · ".join(said)


def verdict(verdict: str, checked: "float | None") -> str:
    """What a comparison has shown, or how far it is."""
    if verdict == "reading":
        return f"{say(READING)} {fmt.share(int(checked or 0))}"
    return say(VERDICTS[verdict])


def plot(mean: str, peak: str) -> str:
    """The plot in one sentence."""
    return say("Speed over time: {} in the mean, {} at most", mean, peak)


def statistics(count: int, size: str, again: str) -> str:
    """What all uploads took, in one sentence."""
    files = counted(count, "1 file", "{} files")
    return f"{files} · {size} · " + say("{} sent in vain", again)
