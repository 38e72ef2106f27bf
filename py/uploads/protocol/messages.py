"""Every message by name, with its fields: the one table that both directions and both threads follow.

The page tells what a person wants (`UploadWorkerMessage`), the worker tells how things are
(`UploadWorkerResponse`). Snapshots are whole: losing any but the last of an upload is harmless.
"""

from uploads.protocol.config import CONFIG_CHANGES, PERSONS_SETTINGS
from uploads.protocol.kinds import (
    BearerToken,
    Choice,
    Flag,
    Kind,
    Link,
    LongText,
    Maybe,
    Number,
    Record,
    Text,
    TextMap,
    Texts,
    Whole,
)

PROTOCOL_VERSION = 1

# Page → worker
HELLO = "HELLO"
SIGN_IN = "SIGN_IN"
START_UPLOAD = "START_UPLOAD"
PAUSE_UPLOAD = "PAUSE_UPLOAD"
RESUME_UPLOAD = "RESUME_UPLOAD"
CANCEL_UPLOAD = "CANCEL_UPLOAD"
RETRY_UPLOAD = "RETRY_UPLOAD"
REMOVE_UPLOAD = "REMOVE_UPLOAD"
RESELECT_FILE = "RESELECT_FILE"
VERIFY_UPLOAD = "VERIFY_UPLOAD"
REOPEN_FILE = "REOPEN_FILE"
PAUSE_ALL = "PAUSE_ALL"
RESUME_ALL = "RESUME_ALL"
CANCEL_ALL = "CANCEL_ALL"
MOVE_UPLOAD = "MOVE_UPLOAD"
CHANGE_SETTINGS = "CHANGE_SETTINGS"
WATCH_UPLOAD = "WATCH_UPLOAD"
ASK_FIGURES = "ASK_FIGURES"
NETWORK_HINT = "NETWORK_HINT"
GOODBYE = "GOODBYE"
DEMO_NETWORK = "DEMO_NETWORK"
DEMO_EXPIRE_LINKS = "DEMO_EXPIRE_LINKS"
DEMO_CRASH = "DEMO_CRASH"
DEMO_VERIFY = "DEMO_VERIFY"
DEMO_KEEP = "DEMO_KEEP"
DEMO_FORGET = "DEMO_FORGET"
DEMO_CLEAR = "DEMO_CLEAR"

# Worker → page
ENGINE_READY = "ENGINE_READY"
ENGINE_FAILED = "ENGINE_FAILED"
UPLOAD_SNAPSHOT = "UPLOAD_SNAPSHOT"
UPLOAD_REMOVED = "UPLOAD_REMOVED"
UPLOAD_REPLACED = "UPLOAD_REPLACED"
FILE_OFFERED = "FILE_OFFERED"
COMMAND_REFUSED = "COMMAND_REFUSED"
SIGN_IN_NEEDED = "SIGN_IN_NEEDED"
SETTINGS = "SETTINGS"
UPLOAD_DETAILS = "UPLOAD_DETAILS"
UPLOAD_FIGURES = "UPLOAD_FIGURES"
UPLOAD_VERIFIED = "UPLOAD_VERIFIED"
DEMO_STATE = "DEMO_STATE"
DEMO_OBJECT = "DEMO_OBJECT"
DEMO_VERIFIED = "DEMO_VERIFIED"

FILE_MESSAGES = (START_UPLOAD, RESELECT_FILE, VERIFY_UPLOAD)
"""Messages with a `File` or a `FileSystemFileHandle` beside them."""

STATUSES = ("uploading", "paused", "completed", "failed", "cancelled")
"""The documented states of an upload."""

PHASES = (
    "inspecting",
    "queued",
    "creating",
    "uploading",
    "reconciling",
    "finalising",
    "waiting-for-network",
    "waiting-for-file",
    "waiting-for-sign-in",
    "cancelling",
    "paused",
    "completed",
    "failed",
    "cancelled",
)
"""What an upload is doing, finer than its status; `inspecting` before the engine hears of it. Only `waiting-for-file` goes with status `paused`
besides `paused` itself; the last three go with the status of the same name, all others with `uploading`."""

VERDICTS = ("reading", "same", "other", "replaced", "gone", "unknown", "unreadable")
"""What a look at a completed upload's object and at a file comes to: not yet anything; the object is the file, or another
one; it is not the one that was uploaded any more; it is gone; the store does not tell enough of it; the file cannot be read."""

KEPT_FILES = ("handle", "copy")
FILES_AT_HAND = ("open",) + KEPT_FILES
FILE_ACCESS = FILES_AT_HAND + ("ask", "denied", "choose")
"""How the engine comes by an upload's file: it has it, or is just opening it; the same, and its handle or a copy of it is
kept in this browser; it keeps a handle, for which a person has to be asked first; they said no; it has to be chosen
again."""

ERROR_TYPES = (
    "NETWORK_ERROR",
    "CHUNK_UPLOAD_FAILED",
    "UPLOAD_INIT_FAILED",
    "UPLOAD_COMPLETE_FAILED",
    "VALIDATION_ERROR",
)


def _upload_id(nullable: bool = False) -> Text:
    """An upload's id: made by the page (a UUID), or by whoever started the upload in another life."""
    return Text(shortest=1, longest=200, nullable=nullable)


SESSION = Record(
    {
        "project_id": Text(),
        "upload_id": _upload_id(),
        "s3_key": Text(),
        "next_part_number": Whole(least=1, most=10_001),
        "status": Choice(STATUSES),
        "phase": Choice(PHASES),
        "progress": Number(most=100),  # percent
        "started_at": Whole(),  # milliseconds since 1970
        "last_activity": Whole(),  # milliseconds since 1970
        "file_size": Whole(),  # bytes
        "file_name": Text(),
        "chunk_size": Whole(),  # bytes of a part; 0 until the part size is settled
        "content_type": Text(),
        "user_id": Text(),
        "parts_uploaded": Whole(most=10_000),
        "object_url": Link(nullable=True),  # downloads the object; only when completed
        "etag": Text(nullable=True),
        "checksum": Text(nullable=True),  # CRC-64/NVME of the whole object, in base64; only when completed
        "checked": Number(nullable=True, most=100),  # percent of what is just being compared with the file
        "file_access": Choice(FILE_ACCESS),
        "rank": Number(),  # its place in the list: the lowest comes first
        "metadata": Maybe(TextMap()),  # of the object, from the site's inspectors
    }
)

PROGRESS = Record(
    {
        "project_id": Text(),
        "progress": Number(most=100),  # percent
        "uploaded_bytes": Whole(),
        "total_bytes": Whole(),
        "current_chunk": Whole(most=10_000),
        "total_chunks": Whole(most=10_000),
        "estimated_time_remaining": Number(nullable=True),  # seconds
        "speed": Number(),  # bytes per second
    }
)

ERROR = Record(
    {
        "type": Choice(ERROR_TYPES),
        "message": Text(),
        "retryable": Flag(),
        "recovery": Text(),
        "status": Whole(most=999, nullable=True),
        "code": Text(nullable=True),
        "request_id": Text(nullable=True),
        "story": Texts(
            most=200
        ),  # for developers: what had happened before, oldest first; only of a failed upload
    },
    nullable=True,
)

CAPABILITIES = Record(
    {
        "worker": Choice(("shared", "dedicated", "page", "none")),
        "storage": Choice(("indexeddb", "memory")),
        "transports": Texts(),
        "python": Text(),
        "boot": Choice(("snapshot", "plain")),  # how Python was started in the worker
        "warnings": Texts(),
    }
)

PART = Record({"part_number": Whole(least=1, most=10_000), "etag": Text(), "size": Whole()})
"""One entry of `parts_json`; size in bytes."""

FIGURES = Record(
    {
        "seconds": Number(),  # in which parts were under way
        "sent_bytes": Whole(),  # of parts that the store has acknowledged
        "resent_bytes": Whole(),  # that went onto the network in vain
        "parts": Whole(),
        "retries": Whole(),
        "signing_calls": Whole(),
        "mean_speed": Number(),  # bytes per second
        "peak_speed": Number(),  # the same, over a second or more
    }
)

PART_STATES = {
    "s": "stored",
    "f": "under way",
    "d": "in doubt",
    "r": "resting before another try",
    "w": "waiting",
}
"""The letters of `parts`, each behind how often it stands: "12s3f80w". A capital: sent more than once."""

LONGEST_TOKEN = 8192
"""Characters of a bearer token: servers take headers of some 8 KB."""
DEMO_CONDITIONS = {
    "bandwidth": Whole(least=1024, nullable=True),  # bytes per second; None: as fast as it goes
    "latency": Whole(most=60_000),  # milliseconds
    "loss": Whole(most=100),  # percent of the requests
    "offline": Flag(),
    "failing": Flag(),  # the store refuses some of the parts
}
"""The demo's network, as a person has set it."""

DEMO_COUNTERS = Record(
    {name: Whole() for name in ("requests", "links", "stored", "refused", "lost", "again")}
)

LONGEST_PARTS_JSON = 2 * 1024 * 1024
"""Characters; 10,000 parts take about 900,000."""


def _message(fields: dict[str, Kind] | None = None) -> Record:
    """The body of a message, besides `type` and `version`."""
    return Record(fields or {})


CONTENT_ENCODINGS = ("", "gzip", "zstd")
"""How the bytes of a file may be packed (HTTP's `Content-Encoding`)."""

INSPECTED = Record(
    {"metadata": TextMap(), "content_encoding": Choice(CONTENT_ENCODINGS), "rejection": Text()}
)
"""What a site's inspectors say of a file: metadata of its object, how its bytes are packed, and why it is not to be taken, or ""."""

UPLOAD_WORKER_MESSAGES = {
    HELLO: _message({"config": CONFIG_CHANGES}),
    # who is asking, by a bearer token; before HELLO, and whenever there is another one. A guest's counts only where
    # nobody has come with a token yet
    SIGN_IN: _message({"token": BearerToken(1, LONGEST_TOKEN), "is_guest": Flag()}),
    START_UPLOAD: _message(
        {"upload_id": _upload_id(), "project_id": Text(), "s3_key": Text(), "inspected": Maybe(INSPECTED)}
    ),
    PAUSE_UPLOAD: _message({"upload_id": _upload_id()}),
    RESUME_UPLOAD: _message({"upload_id": _upload_id()}),
    CANCEL_UPLOAD: _message({"upload_id": _upload_id()}),
    RETRY_UPLOAD: _message({"upload_id": _upload_id()}),
    REMOVE_UPLOAD: _message({"upload_id": _upload_id()}),
    RESELECT_FILE: _message({"upload_id": _upload_id()}),
    # is the object still this file? UPLOAD_VERIFIED answers
    VERIFY_UPLOAD: _message({"upload_id": _upload_id()}),
    # the person was asked about the kept file: look again whether it may be read
    REOPEN_FILE: _message({"upload_id": _upload_id()}),
    PAUSE_ALL: _message(),
    RESUME_ALL: _message(),
    CANCEL_ALL: _message(),
    # in the list and in the queue; before None: at the end
    MOVE_UPLOAD: _message({"upload_id": _upload_id(), "before": _upload_id(nullable=True)}),
    # all that a person has set, and nothing else; kept with the user, and told to all pages
    CHANGE_SETTINGS: _message({"settings": PERSONS_SETTINGS}),
    # this page wants to see what happens to an upload; None: to none any more
    WATCH_UPLOAD: _message({"upload_id": _upload_id(nullable=True)}),
    ASK_FIGURES: _message(),
    NETWORK_HINT: _message(),  # the network may be back: workers do not hear of it in every browser
    GOODBYE: _message(),
    # of the demo alone; any other engine refuses them
    DEMO_NETWORK: _message(DEMO_CONDITIONS),
    DEMO_EXPIRE_LINKS: _message(),
    DEMO_CRASH: _message(),
    # with the original file beside it, where the page still has it
    DEMO_VERIFY: _message({"upload_id": _upload_id(), "s3_key": Text()}),
    DEMO_KEEP: _message({"s3_keys": Texts(most=100_000)}),  # the objects that a page shows, to a new worker
    DEMO_FORGET: _message({"s3_key": Text()}),  # an object that no page shows any more
    DEMO_CLEAR: _message(),
}
"""Page → worker."""

SNAPSHOT_HEAD = {
    UPLOAD_SNAPSHOT: _message(
        {
            "upload_id": _upload_id(),
            "status": Choice(STATUSES),
            "phase": Choice(PHASES),
            "file_access": Choice(FILE_ACCESS),
            "rank": Number(),
            "file_size": Whole(),
            "uploaded_bytes": Whole(),
            "speed": Number(),
            "has_error": Flag(),
            "has_parts": Flag(),  # whether `parts_json` is in the snapshot
        }
    )
}
"""Beside an `UPLOAD_SNAPSHOT` in the same message: what a page needs of every upload, as JSON text of its own. The snapshot is
read only of those uploads that somebody looks at; reading all of ten thousand would keep MicroPython busy for a minute."""

UPLOAD_WORKER_RESPONSES = {
    # every upload that the engine knows; whatever else a page shows is no more
    ENGINE_READY: _message(
        {
            "capabilities": CAPABILITIES,
            "upload_ids": Texts(most=100_000),
            "pages": Whole(least=1),  # open ones, this one included
        }
    ),
    ENGINE_FAILED: _message({"message": Text()}),
    UPLOAD_SNAPSHOT: _message(
        {
            "session": SESSION,
            "progress": PROGRESS,
            "error": ERROR,
            # JSON text of [{partNumber, etag, size}], only when the parts changed since the last snapshot
            "parts_json": LongText(LONGEST_PARTS_JSON, optional=True),
        }
    ),
    UPLOAD_REMOVED: _message({"upload_id": _upload_id()}),
    UPLOAD_REPLACED: _message({"upload_id": _upload_id(), "by": _upload_id()}),
    # with the kept `FileSystemFileHandle` beside it, which only a page can ask for
    FILE_OFFERED: _message({"upload_id": _upload_id()}),
    COMMAND_REFUSED: _message({"upload_id": _upload_id(nullable=True), "message": Text()}),
    # what a person has set, and what the site has set where a person has set nothing
    SETTINGS: _message({"settings": PERSONS_SETTINGS, "site": PERSONS_SETTINGS}),
    # to the pages that watch this upload
    UPLOAD_DETAILS: _message(
        {
            "upload_id": _upload_id(),
            "figures": FIGURES,
            "requests": Whole(),  # parts under way
            "window": Whole(),  # parts that may be under way, of all uploads together
            "parts": LongText(200_000),  # what has become of each: see `PART_STATES`
            # JSON text of [[seconds since the upload began, bytes per second, requests under way, retries so far]]
            "samples": LongText(100_000),
            # JSON text of [[milliseconds since 1970, what happened, part number or 0, what went wrong or ""]]
            "story": LongText(200_000),
        }
    ),
    # JSON text of [FIGURES with uploadId, fileName, fileSize, status, startedAt and endedAt] of all uploads
    UPLOAD_FIGURES: _message({"figures": LongText(4_000_000)}),
    # `checked`: percent of the file that has been read
    UPLOAD_VERIFIED: _message(
        {
            "upload_id": _upload_id(),
            "verdict": Choice(VERDICTS),
            "checked": Number(nullable=True, most=100),
        }
    ),
    SIGN_IN_NEEDED: _message(),  # the server takes the token no more
    DEMO_STATE: _message(
        {
            "network": Record(DEMO_CONDITIONS),
            "counters": DEMO_COUNTERS,
            "bytes_stored": Whole(),
            "quota": Whole(nullable=True),  # bytes that the browser lets this site keep
            "events": Texts(most=100),  # sentences, oldest first
        }
    ),
    DEMO_OBJECT: _message(
        {"s3_key": Text(), "object_url": Link()}
    ),  # an object's new address, "" if it is gone
    DEMO_VERIFIED: _message(
        {
            "upload_id": _upload_id(),
            "file_sha256": Text(nullable=True),  # None: no file was there to compare with
            "object_sha256": Text(nullable=True),  # None: there is no such object
        }
    ),
}
"""Worker → page."""
