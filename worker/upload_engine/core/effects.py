"""What is to be done, in the imperative. Effects are the only output of the core; the engine carries them out."""

from __future__ import annotations

from dataclasses import dataclass

from upload_engine.core.parts import Part


@dataclass(frozen=True, slots=True)
class Effect:
    upload_id: str


@dataclass(frozen=True, slots=True)
class Request(Effect):
    """Something whose outcome comes back as an ``events.Answer`` with the same ``attempt``."""

    attempt: int


@dataclass(frozen=True, slots=True)
class CreateUpload(Request):
    """``whole``: as one object that is sent by one request, together with other small files."""

    whole: bool = False


@dataclass(frozen=True, slots=True)
class UploadPart(Request):
    """PUT the bytes ``[offset, offset + size)``.

    step_seconds: from the end of one part of the file to the next one's, at the measured speed of all of them; None while no
    speed is known.
    """

    part_number: int
    offset: int
    size: int
    step_seconds: float | None


@dataclass(frozen=True, slots=True)
class ListParts(Request):
    pass


@dataclass(frozen=True, slots=True)
class CheckFile(Request):
    """See whether the file is still the one that the upload began with, and whether the stored ``parts`` are its

    bytes (their ETags are MD5s).
    """

    parts: tuple[tuple[int, Part], ...]


@dataclass(frozen=True, slots=True)
class HashFile(Request):
    """Compute a checksum of every part of the file, cut into ``part_size`` bytes, to tell whether an object is it.

    ``md5``: the MD5; otherwise the CRC-64/NVME.
    """

    part_size: int
    md5: bool


@dataclass(frozen=True, slots=True)
class CheckStatus(Request):
    """Ask the server whether the upload is open, has become an object, or is gone."""


@dataclass(frozen=True, slots=True)
class CompleteUpload(Request):
    """``checksum``: of the whole file, for the store to compare; "" where it keeps none. See ``Transfer.checksum``."""

    parts: tuple[tuple[int, Part], ...]
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class AbortUpload(Request):
    pass


@dataclass(frozen=True, slots=True)
class ProbeNetwork(Request):
    pass


@dataclass(frozen=True, slots=True)
class ArmTimer(Request):
    """Answer with ``TimerFired`` after ``delay`` seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class AbortRequests(Effect):
    """Give up every part, timer, listing and probe under way; leave Create and Complete alone."""


@dataclass(frozen=True, slots=True)
class AbortAttempt(Effect):
    """Give up one request: another try at the same part has won."""

    attempt: int


@dataclass(frozen=True, slots=True)
class SaveSession(Effect):
    """Write the session down; nothing newer is announced before that has happened."""


@dataclass(frozen=True, slots=True)
class KeepFile(Effect):
    """The file waits for the network, and nothing of it is stored anywhere: keep it over a restart, even as a copy."""


@dataclass(frozen=True, slots=True)
class FindServer(Effect):
    """Ask the signing server whose uploads these are until it answers. For all uploads at once."""


@dataclass(frozen=True, slots=True)
class DeleteSession(Effect):
    """Forget the session in storage."""
