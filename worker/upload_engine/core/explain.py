"""Faults in words: what went wrong, and what the person can do. No secrets: built from codes, never from URLs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from upload_engine.core.errors import FileFault, NetworkFault, ServiceFault, UploadFault
from upload_engine.core.retry import LIMITED, REFUSED

NETWORK_ERROR = "NETWORK_ERROR"
CHUNK_UPLOAD_FAILED = "CHUNK_UPLOAD_FAILED"
UPLOAD_INIT_FAILED = "UPLOAD_INIT_FAILED"
UPLOAD_COMPLETE_FAILED = "UPLOAD_COMPLETE_FAILED"
VALIDATION_ERROR = "VALIDATION_ERROR"


@dataclass(frozen=True, slots=True)
class UploadError:
    """The documented error of an upload. ``message`` and ``recovery`` are sentences for people."""

    type: str
    message: str
    recovery: str
    retryable: bool = True
    status: int | None = None
    code: str | None = None
    request_id: str | None = None


_RETRY = "Press Retry to go on where it stopped; nothing that has arrived is lost."
_KEPT = "What has arrived is kept."
_WAITS = "Nothing to do: it goes on by itself."
_OPERATION = {
    NETWORK_ERROR: "The store cannot be reached.",
    UPLOAD_INIT_FAILED: "The upload could not be started.",
    CHUNK_UPLOAD_FAILED: "A part of the file could not be sent.",
    UPLOAD_COMPLETE_FAILED: "The upload could not be finished.",
}
_OUR_SERVER = (UPLOAD_INIT_FAILED, UPLOAD_COMPLETE_FAILED)
"""What is asked of our server alone; parts go to the store, which may refuse by codes of the same names."""
_MISDIRECTED = (
    "The store sends us elsewhere: the bucket is in another region or at another address.",
    f"The operator of the upload server has to set its region or endpoint. Then press Retry. {_KEPT}",
)
_BY_CODE = {
    "PermanentRedirect": _MISDIRECTED,
    "TemporaryRedirect": _MISDIRECTED,
    "AuthorizationHeaderMalformed": _MISDIRECTED,
    "ETagNotExposed": (
        "The store hides the ETag of what it receives.",
        "Its operator has to add ETag to ExposeHeaders in the bucket's CORS rule. Then press Retry.",
    ),
    "BadDigest": (
        "What has arrived is not what was sent.",
        f"Something damages data: the network, a device on the way, or this computer. Press Retry, or use another network. {_KEPT}",
    ),
    "NotFromTheStore": (
        "Something between here and the store answered in its place.",
        "Check whether this network asks you to sign in first; it goes on by itself then.",
    ),
    "ProofFailed": (
        "The stored object could not be proved to be this file.",
        "Press Retry: it is checked again and, if need be, sent again.",
    ),
    "QuotaExceeded": ("The store is full.", f"Make room or ask its operator, then press Retry. {_KEPT}"),
    "BrowserStorageFull": (
        "The browser's storage is full.",
        f"Remove what is finished, or make room on the disk, then press Retry. {_KEPT}",
    ),
    "RefusedOnTheWay": (
        "Something between here and the store (a proxy or a firewall) refuses it.",
        f"Ask the operator of this network, or use another one, then press Retry. {_KEPT}",
    ),
    "PreconditionFailed": (
        "Another file is stored under this name already.",
        "Remove or rename that one, then press Retry; or cancel this upload. What was sent is kept until then.",
    ),
    "RequestTimeTooSkewed": (
        "The clocks of the upload server and the store differ too much.",
        f"Its operator has to set them. Then press Retry. {_KEPT}",
    ),
    "NotSigned": ("The upload server did not sign what it was asked to.", _RETRY),
    "EntityTooLarge": ("The file is larger than the store allows.", "Choose a smaller file."),
}
_BY_STATUS = {
    301: _MISDIRECTED,
    302: _MISDIRECTED,
    307: _MISDIRECTED,
    308: _MISDIRECTED,
    403: (
        "The store refuses access.",
        f"Ask its operator whether you may upload here, then press Retry. {_KEPT}",
    ),
    413: ("The file, or a part of it, is larger than is allowed on the way.", f"Ask the operator. {_KEPT}"),
    502: ("Its gateway says so.", _WAITS),
    504: ("Its gateway says so.", _WAITS),
    429: ("The store is asking everyone to slow down.", "Wait a little, then press Retry."),
    503: ("The store is busy or down.", "Wait a little, then press Retry."),
}


def explain(fault: UploadFault, error_type: str) -> UploadError:
    """The error to show for a fault; ``error_type`` says which operation it ended."""
    if isinstance(fault, FileFault):
        return UploadError(
            VALIDATION_ERROR,
            f"The file has changed since the upload began: {fault.message}.",
            "Cancel this upload, then add the file again to send it as it is now.",
            retryable=False,
        )
    if isinstance(fault, NetworkFault):
        return UploadError(
            NETWORK_ERROR, "The connection is lost.", "It goes on by itself when the network is back."
        )
    if isinstance(fault, ServiceFault) and (
        fault.code in LIMITED or (fault.code in REFUSED and error_type in _OUR_SERVER)
    ):
        return _ruled_out(fault, error_type)
    if isinstance(fault, ServiceFault):
        known = _BY_CODE.get(fault.code)
        if not known and not (
            fault.code and fault.status in (502, 504)
        ):  # our own server's, which says it better
            known = _BY_STATUS.get(fault.status)
        detail, recovery = known or (f"The answer was {fault.message}." if fault.message else "", _RETRY)
        invalid = fault.status in (400, 413, 415, 422) and not known and error_type == UPLOAD_INIT_FAILED
        return UploadError(
            VALIDATION_ERROR if invalid else error_type,
            f"{_OPERATION[error_type]} {detail}".strip(),
            "Change the file or its settings, then add it again." if invalid else recovery,
            retryable=not invalid,
            status=fault.status,
            code=fault.code or None,
            request_id=fault.request_id or None,
        )
    return UploadError(error_type, f"{_OPERATION[error_type]} {fault.message}".strip(), _RETRY)


def _ruled_out(fault: ServiceFault, error_type: str) -> UploadError:
    """What the rules of our own server say about a file: it has the words for it."""
    refused = fault.code in REFUSED
    return UploadError(
        VALIDATION_ERROR if refused else error_type,
        fault.message,
        "Choose another file, or ask the operator." if refused else f"Then press Retry. {_KEPT}",
        retryable=not refused,
        status=fault.status,
        code=fault.code,
        request_id=fault.request_id or None,
    )


def delayed(fault: UploadFault) -> UploadError:
    """What is tried on, and takes long enough to be told."""
    error = explain(fault, CHUNK_UPLOAD_FAILED)
    busy = isinstance(fault, ServiceFault) and fault.status in (429, 503)
    reason = "The store asks to send more slowly." if busy else error.message
    return replace(error, message=reason, recovery=_WAITS)


def damaged_part(error: UploadError, part_number: int) -> UploadError:
    """The same error, with the part that it is about."""
    return replace(error, message=f"Part {part_number:,} did not arrive as it was sent, twice in a row.")


def must_sign_in() -> UploadError:
    return UploadError(
        NETWORK_ERROR,
        "You are signed out.",
        f"Sign in again: it goes on by itself, or with Resume. {_KEPT}",
        status=401,
        code=None,
    )


def wrong_file(difference: str) -> UploadError:
    return UploadError(
        VALIDATION_ERROR,
        f"This is not the file of this upload: {difference}.",
        "Choose the original file to go on, or cancel this upload and add the new file on its own.",
        retryable=False,
    )


def unreadable_file() -> UploadError:
    return UploadError(
        VALIDATION_ERROR,
        "The file has been changed or moved, or can no longer be read.",
        f"Choose it again to go on; if it has been changed, cancel this upload and add it anew. {_KEPT}",
        retryable=False,
    )


def refused_file(reason: str) -> UploadError:
    return UploadError(VALIDATION_ERROR, reason, "Choose another file.", retryable=False)


def started_over() -> UploadError:
    return UploadError(
        UPLOAD_INIT_FAILED,
        "The store no longer has what was sent (it was removed or had expired).",
        "Nothing to do: the file is being sent again from its beginning.",
    )
