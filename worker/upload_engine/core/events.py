"""What has happened, in the past tense. Events are the only input of the core.

``attempt`` names the try that an answer belongs to; times are seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from upload_engine.core.errors import UploadFault
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.parts import ListedPart


@dataclass(frozen=True, slots=True)
class Event:
    upload_id: str


# What a person or their page asked for.


@dataclass(frozen=True, slots=True)
class PauseRequested(Event):
    pass


@dataclass(frozen=True, slots=True)
class ResumeRequested(Event):
    """Resume, and also Retry of what has failed."""


@dataclass(frozen=True, slots=True)
class CancelRequested(Event):
    pass


@dataclass(frozen=True, slots=True)
class FileGiven(Event):
    """The person handed the file over again."""

    fingerprint: Fingerprint


# What the queue decided.


@dataclass(frozen=True, slots=True)
class SlotGranted(Event):
    pass


# What the outside answered.


@dataclass(frozen=True, slots=True)
class Answer(Event):
    attempt: int


@dataclass(frozen=True, slots=True)
class UploadCreated(Answer):
    """``server_upload_id`` is the signing server's opaque name of the upload; ``has_opaque_etags``: the ETags of its

    parts are no checksums; ``is_whole``: it is an object that one request stores, without a multipart upload;
    ``keeps_checksum``: the store keeps the CRC-64/NVME of the whole object.
    """

    server_upload_id: str = field(repr=False)
    key: str
    bucket: str
    part_size: int
    user_id: str
    has_opaque_etags: bool = False
    is_whole: bool = False
    keeps_checksum: bool = False


@dataclass(frozen=True, slots=True)
class PartProgressed(Answer):
    """``sent``: absolute bytes of this part handed to the network."""

    part_number: int
    sent: int


@dataclass(frozen=True, slots=True)
class PartUploaded(Answer):
    """``crc64nvme``: of the bytes that were sent, in base64; "" where it was not computed."""

    part_number: int
    etag: str
    crc64nvme: str = ""


@dataclass(frozen=True, slots=True)
class PartFailed(Answer):
    part_number: int
    fault: UploadFault


@dataclass(frozen=True, slots=True)
class PartsListed(Answer):
    parts: tuple[ListedPart, ...]


@dataclass(frozen=True, slots=True)
class FileProgressed(Answer):
    """The file is being compared or hashed: so many of so many bytes are."""

    checked: int
    total: int


@dataclass(frozen=True, slots=True)
class FileChecked(Answer):
    """The file is still the one that the upload began with. ``differing``: stored parts that are not its bytes.

    ``crc64nvme``: of the file's bytes, in base64, by the number of each part that was compared; "" where it was not computed.
    """

    differing: tuple[int, ...]
    crc64nvme: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class FileHashed(Answer):
    """The MD5 of each part of the file, in order, or the CRC-64/NVME of all of it, in base64.

    It is still the one that the upload began with.
    """

    md5s: tuple[str, ...] = ()
    crc64nvme: str = ""


@dataclass(frozen=True, slots=True)
class ObjectReport:
    """What the server's HEAD says of the object. ``proof``: it carries this upload's token; ``is_opaque``: its ETag

    is no checksum, whatever it looks like (the store encrypts with keys of its own). Where not ``is_seen`` the server
    has no way to look at objects: size and ETag are of the parts that the store listed before Complete. ``checksum``: the
    CRC-64/NVME that the store keeps of all of it, in base64, or "".
    """

    size: int
    etag: str
    proof: bool
    is_opaque: bool = False
    is_seen: bool = True
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class UploadCompleted(Answer):
    report: ObjectReport


@dataclass(frozen=True, slots=True)
class StatusChecked(Answer):
    """``state``: ``open``, ``completed`` or ``missing``; ``report`` only when an object is there."""

    state: str
    report: ObjectReport | None


@dataclass(frozen=True, slots=True)
class UploadAborted(Answer):
    pass


@dataclass(frozen=True, slots=True)
class ControlFailed(Answer):
    """The control request under way (create, list, check, status, complete, abort) failed."""

    fault: UploadFault


@dataclass(frozen=True, slots=True)
class TimerFired(Answer):
    pass


@dataclass(frozen=True, slots=True)
class NetworkProbed(Answer):
    reachable: bool


@dataclass(frozen=True, slots=True)
class NetworkHinted(Event):
    """The browser believes that the network is back."""


@dataclass(frozen=True, slots=True)
class ServerLost(Event):
    """The signing server does not say whose uploads these are: it is out of reach, or ``must_sign_in``."""

    must_sign_in: bool = False


@dataclass(frozen=True, slots=True)
class ServerFound(Event):
    """The signing server has said whose uploads these are."""


def describe(event: Event) -> str:
    """An event for the story: its name, the part it is about, and what went wrong."""
    words = [type(event).__name__]
    if isinstance(event, PartUploaded | PartFailed):
        words.append(str(event.part_number))
    if isinstance(event, PartFailed | ControlFailed):
        words.append(f"({type(event.fault).__name__}: {event.fault.message})")
    return " ".join(words)
