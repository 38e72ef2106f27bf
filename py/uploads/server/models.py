"""The shapes of the signing API: what a browser sends and what it gets. Sizes in bytes, times in seconds.

The names are the wire's: those of Uppy Companion, and ours in the same manner (camelCase; S3's own are as S3 has them).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from uploads.server.parts import MAX_PARTS


def _as_text(value: object) -> object:
    """Metadata as applications have it: numbers and truth values become text, what is not there is left out."""
    if not isinstance(value, dict):
        return {} if value is None else value
    return {
        str(name): ("true" if item else "false") if isinstance(item, bool) else str(item)
        for name, item in value.items()
        if isinstance(item, str | int | float)
    }


Metadata = Annotated[dict[str, str], BeforeValidator(_as_text)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore")


class FileWanted(_Shape):
    """A file that is to be uploaded. `size` and what follows are ours: Uppy leaves them out. `encoding`: how its bytes are packed,

    for browsers to undo when they download it (`Content-Encoding`).
    """

    filename: str = Field("file", max_length=1000)
    type: str = Field("application/octet-stream", max_length=255)
    metadata: Metadata = Field(default_factory=dict)
    size: int | None = Field(None, ge=0)
    projectId: str = Field(default="", max_length=200)  # noqa: N815 - the wire's name
    key: str | None = Field(default=None, max_length=1024)
    encoding: Literal["", "gzip", "zstd"] = ""


class UploadWanted(FileWanted):
    """A multipart upload that is to be created."""

    partSize: int | None = Field(default=None, ge=1)  # noqa: N815


class UploadCreated(_Shape):
    """A created upload. `urls` holds the first parts' URLs by part number; `headers` go with every PUT.

    `etagsAreChecksums`: parts' ETags are their MD5s, as far as the store says. `checksumAlgorithm`: of the whole object, which
    the store keeps, and compares with the one that comes with Complete.
    """

    key: str
    uploadId: str  # noqa: N815
    bucket: str
    partSize: int | None  # noqa: N815
    userId: str  # noqa: N815
    urls: dict[str, str]
    headers: dict[str, str]
    expires: int
    etagsAreChecksums: bool  # noqa: N815
    checksumAlgorithm: Literal["CRC64NVME"] | None = None  # noqa: N815


class PartListed(_Shape):
    """A part that the store has. The ETag is quoted, as S3 has it; the time is ISO 8601."""

    PartNumber: int
    Size: int
    ETag: str
    LastModified: str


class PartSigned(_Shape):
    """Where to PUT one part."""

    url: str
    headers: dict[str, str]
    expires: int


class PartsSigned(_Shape):
    """Where to PUT several parts, by part number."""

    presignedUrls: dict[str, str]  # noqa: N815
    headers: dict[str, str]
    expires: int


class PartDone(_Shape):
    """A part that was sent; the ETag with or without quotes."""

    PartNumber: int = Field(ge=1, le=MAX_PARTS)
    ETag: str = Field(max_length=200, pattern=r"^[!-~]+$")


class WholeChecksum(_Shape):
    """The CRC-64/NVME of a whole object: its eight bytes, the highest first, in base64."""

    type: Literal["CRC64NVME"]
    value: str = Field(pattern=r"^[A-Za-z0-9+/]{11}=$")


class PartsDone(_Shape):
    """All parts of an upload, in any order. `checksum`: of all bytes, for the store to compare, if it was told so at Create."""

    parts: list[PartDone] = Field(min_length=1, max_length=MAX_PARTS)
    checksum: WholeChecksum | None = None


class Checksum(_Shape):
    """What the object's content was compared with: by S3's name, or what its ETag is."""

    type: Literal["CRC64NVME", "md5", "md5-of-md5s"]
    value: str


class UploadCompleted(_Shape):
    """A completed upload, proved by a look at the object.

    `deliveryUrl`: where a content delivery network has it, for `deliveryExpires` seconds or, if that is null, for good.
    """

    location: str
    key: str
    bucket: str
    size: int
    etag: str
    checksum: Checksum | None
    etagIsChecksum: bool  # noqa: N815
    proof: Literal[True]
    deliveryUrl: str | None = None  # noqa: N815
    deliveryExpires: int | None = None  # noqa: N815


class UploadStatus(_Shape):
    """How an upload stands. `proof` says that the object at its key is this upload's."""

    state: Literal["open", "completed", "missing"]
    key: str
    bucket: str
    size: int | None
    etag: str | None
    etagIsChecksum: bool  # noqa: N815
    proof: bool
    checksum: WholeChecksum | None = None


class OpenUpload(_Shape):
    """An upload that was neither completed nor aborted. `startedAt` is ISO 8601."""

    uploadId: str  # noqa: N815
    key: str
    filename: str
    projectId: str  # noqa: N815
    startedAt: str  # noqa: N815


class SmallFiles(_Shape):
    """What files are sent whole, as one object each: of at most `maxSize` bytes, and `maxCount` of them in one call."""

    maxSize: int  # noqa: N815
    maxCount: int  # noqa: N815


class OpenUploads(_Shape):
    """A user's open uploads. `isNewGuest`: the user is a guest who had no cookie until a moment ago.

    `serverTime`: milliseconds since 1970; the browser's own date may be wrong by days. `smallFiles` is null where all files
    go in parts.
    """

    userId: str  # noqa: N815
    isNewGuest: bool  # noqa: N815
    serverTime: int  # noqa: N815
    smallFiles: SmallFiles | None = None  # noqa: N815
    uploads: list[OpenUpload]


class GuestKey(_Shape):
    """The key with which a guest comes back after the cookie is lost; base64."""

    userId: str  # noqa: N815
    key: str


class GuestChallenge(_Shape):
    """Text to prove a guest's key with; valid for a minute."""

    challenge: str


class GuestReturn(_Shape):
    """`proof`: the HMAC-SHA-256 of the challenge's UTF-8 bytes under the guest's key, in hexadecimal."""

    userId: str = Field(min_length=1, max_length=200)  # noqa: N815
    challenge: str = Field(max_length=500)
    proof: str = Field(max_length=200)


class GuestBack(_Shape):
    """Who the cookie speaks for now."""

    userId: str  # noqa: N815


class Form(_Shape):
    """Where and with which fields to POST a small file (the field `file` comes last)."""

    method: Literal["POST"] = "POST"
    url: str
    fields: dict[str, str]
    expires: int


MOST_FILES = 1000
"""Small files that one call may be about."""


class FilesWanted(_Shape):
    """Several small files that are to be uploaded, each by one POST."""

    files: list[FileWanted] = Field(min_length=1, max_length=MOST_FILES)


class Forms(_Shape):
    """A form for each file asked for, in the same order."""

    userId: str  # noqa: N815
    uploads: list[Form]


class ObjectWanted(FileWanted):
    """A small file that is to be sent whole."""

    size: int = Field(ge=0)


class ObjectsWanted(_Shape):
    """Several of them."""

    files: list[ObjectWanted] = Field(min_length=1, max_length=MOST_FILES)


class Refusal(_Shape):
    """Why one file of many was not granted, or not proved: what it would have been answered alone."""

    status: int
    code: str
    message: str
    retryable: bool
    retryAfter: int | None = None  # noqa: N815


class ObjectCreated(_Shape):
    """The one request by which a small file is stored: a form, with `fields` before the field `file`, or a PUT with `headers`.

    `etagsAreChecksums`: the object's ETag will be its MD5, as far as is known.
    """

    key: str
    uploadId: str  # noqa: N815
    bucket: str
    method: Literal["POST", "PUT"]
    url: str
    fields: dict[str, str]
    headers: dict[str, str]
    expires: int
    etagsAreChecksums: bool  # noqa: N815


class ObjectsCreated(_Shape):
    """For each file asked for, in the same order."""

    userId: str  # noqa: N815
    uploads: list[ObjectCreated | Refusal]


class ObjectDone(_Shape):
    """A small file that was sent; the ETag with or without quotes."""

    uploadId: str  # noqa: N815
    key: str = Field(min_length=1, max_length=1100)
    etag: str = Field(max_length=200, pattern=r"^[!-~]+$")


class ObjectsDone(_Shape):
    """Several of them."""

    uploads: list[ObjectDone] = Field(min_length=1, max_length=MOST_FILES)


class ObjectsCompleted(_Shape):
    """For each of them, in the same order."""

    uploads: list[UploadCompleted | Refusal]


class ProblemBody(_Shape):
    """The answer of a request that was not granted. `requestId` is the one in its header, for the server's log."""

    error: str
    message: str
    code: str
    retryable: bool
    requestId: str  # noqa: N815
