"""A bucket in memory: objects, multipart uploads and their parts, by the rules of S3 or of a dialect of it."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

from awscrt import checksums

from tests.fakes.s3_cors import CorsRule
from tests.fakes.s3_errors import S3Error, no_such_key, no_such_upload

SMALLEST_PART = 5 * 1024 * 1024
MOST_PARTS = 10_000


@dataclass(frozen=True)
class Dialect:
    """What stores do differently.

    keeps_copies: a part that was sent twice is listed twice, and Complete takes either; list_order: of ListParts, by
    ``number`` or by ``text`` (10 before 2), which also is the order of its pages; abort_gone: status of an Abort of an
    upload that is not there; checksums: ``verify``, ``ignore`` or ``refuse`` headers such as x-amz-checksum-crc32; where they
    are verified, the CRC-64/NVME of whole objects is kept if Create wants it;
    opaque_etags: ETags say nothing of the content, as with encryption by a key of KMS; list_page: parts in one page of
    ListParts, at the most; lists_after_completion: ListParts goes on answering for an upload that has become an object.
    """

    keeps_copies: bool = False
    list_order: str = "number"
    abort_gone: int = 404
    checksums: str = "verify"
    opaque_etags: bool = False
    list_page: int = 1000
    lists_after_completion: bool = False


AMAZON = Dialect()
SEAWEEDFS = Dialect(keeps_copies=True, list_order="text", abort_gone=204)
ENCRYPTED = Dialect(opaque_etags=True)


@dataclass(frozen=True)
class StoredPart:
    number: int
    content: bytes = field(repr=False)
    etag: str
    modified: float


@dataclass
class StoredUpload:
    """``copies`` holds every part in the order of arrival; ``is_completed``: only ListParts still knows of it."""

    upload_id: str
    key: str
    headers: dict[str, str]
    started: float
    keeps_checksum: bool = False
    copies: list[StoredPart] = field(default_factory=list)
    is_completed: bool = False


@dataclass(frozen=True)
class StoredObject:
    """headers: what GET and HEAD answer, the user's metadata among them."""

    content: tuple[bytes, ...] = field(repr=False)
    etag: str
    headers: dict[str, str]
    modified: float
    upload_id: str = ""
    crc64nvme: str = ""

    @property
    def size(self) -> int:
        return sum(len(piece) for piece in self.content)

    def bytes(self) -> bytes:
        return b"".join(self.content)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def crc64nvme(*pieces: bytes) -> str:
    """Of these bytes, one piece after the other, in base64."""
    value = 0
    for piece in pieces:
        value = checksums.crc64nvme(piece, value)
    return base64.b64encode(value.to_bytes(8, "big")).decode()


def salted(content: bytes) -> str:
    """What looks like an MD5, and is none of the content."""
    return md5(b"salt" + content)


class Bucket:
    """Objects and open uploads by key and upload id. ``cors`` is None until it is set."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.objects: dict[str, StoredObject] = {}
        self.uploads: dict[str, StoredUpload] = {}
        self.cors: list[CorsRule] | None = None
        self.documents: dict[str, bytes] = {}

    def find(self, key: str) -> StoredObject:
        """Raises ``S3Error``."""
        if key not in self.objects:
            raise no_such_key()
        return self.objects[key]

    def upload(self, key: str, upload_id: str) -> StoredUpload:
        """Raises ``S3Error`` unless it is open, and at this key."""
        upload = self._listable(key, upload_id)
        if upload.is_completed:
            raise no_such_upload()
        return upload

    def _listable(self, key: str, upload_id: str) -> StoredUpload:
        upload = self.uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise no_such_upload()
        return upload

    def open_uploads(self) -> list[StoredUpload]:
        return [upload for upload in list(self.uploads.values()) if not upload.is_completed]

    def put(self, key: str, content: bytes, headers: dict[str, str], now: float) -> str:
        self.objects[key] = StoredObject((content,), md5(content), headers, now)
        return self.objects[key].etag

    def create(self, key: str, headers: dict[str, str], now: float, *, keeps_checksum: bool = False) -> str:
        upload_id = secrets.token_hex(16)
        keeps_checksum = keeps_checksum and self.dialect.checksums == "verify"
        self.uploads[upload_id] = StoredUpload(upload_id, key, headers, now, keeps_checksum)
        return upload_id

    def put_part(
        self, key: str, upload_id: str, number: int, content: bytes, now: float, tamper: dict[str, Any]
    ) -> StoredPart:
        """Keep a part, and say what is kept. For ``tamper`` see the faults ``misplace`` and ``overwrite``."""
        upload = self.upload(key, upload_id)
        if not 1 <= number <= MOST_PARTS:
            raise S3Error(
                400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"
            )
        etag_of = salted if self.dialect.opaque_etags else md5
        part = StoredPart(tamper.get("part_number", number), content, etag_of(content), now)
        self._keep(upload, part)
        if "then" in tamper:
            self._keep(upload, replace(part, content=tamper["then"], etag=etag_of(tamper["then"])))
        return part

    def _keep(self, upload: StoredUpload, part: StoredPart) -> None:
        if not self.dialect.keeps_copies:
            upload.copies = [copy for copy in upload.copies if copy.number != part.number]
        upload.copies.append(part)

    def listed(self, key: str, upload_id: str, after: int, limit: int) -> tuple[list[StoredPart], bool]:
        """One page of ListParts after a part number, and whether there is more."""
        copies = self._listable(key, upload_id).copies
        by_text = self.dialect.list_order == "text"
        ordered = sorted(copies, key=lambda part: str(part.number) if by_text else f"{part.number:05}")
        numbers = [part.number for part in ordered]
        start = len(numbers) - numbers[::-1].index(after) if after in numbers else 0
        if after not in numbers and not by_text:
            start = sum(number <= after for number in numbers)
        return ordered[start : start + limit], start + limit < len(ordered)

    def complete(
        self,
        key: str,
        upload_id: str,
        parts: list[tuple[int, str]],
        now: float,
        *,
        fresh: bool = False,
        lacking: int = 0,
        checksum: str = "",
    ) -> StoredObject:
        """Make the object. ``fresh``: only where there is none yet (If-None-Match: *); lacking: see ``assemble_short``.

        A second Complete of the same upload is answered like the first. Raises ``S3Error``.
        """
        there = self.objects.get(key)
        if there and upload_id and there.upload_id == upload_id:
            return there
        upload = self.upload(key, upload_id)
        numbers = [number for number, _ in parts]
        if numbers != sorted(set(numbers)):
            raise S3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        copies = {(copy.number, copy.etag): copy for copy in upload.copies}
        if not all(part in copies for part in parts):
            raise S3Error(400, "InvalidPart", "One or more of the specified parts could not be found.")
        chosen = [copies[part] for part in parts]
        if any(len(part.content) < SMALLEST_PART for part in chosen[:-1]):
            raise S3Error(
                400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"
            )
        if fresh and there:
            raise S3Error(
                412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"
            )
        pieces = [part.content for part in chosen]
        if upload.keeps_checksum and checksum not in ("", crc64nvme(*pieces)):
            raise S3Error(
                400, "BadDigest", "The CRC64NVME you specified did not match the calculated checksum."
            )
        if lacking:
            pieces[-1] = pieces[-1][:-lacking]
        together = md5(b"".join(bytes.fromhex(part.etag) for part in chosen))
        kept = crc64nvme(*pieces) if upload.keeps_checksum else ""
        made = StoredObject(tuple(pieces), f"{together}-{len(chosen)}", upload.headers, now, upload_id, kept)
        self.objects[key] = made
        upload.is_completed = True
        if not self.dialect.lists_after_completion:
            del self.uploads[upload_id]
        return made

    def abort(self, key: str, upload_id: str) -> int:
        """Forget an upload and its parts; the answer's status. Raises ``S3Error``."""
        try:
            del self.uploads[self.upload(key, upload_id).upload_id]
        except S3Error:
            if self.dialect.abort_gone == 404:
                raise
        return 204
