"""An honest S3 bucket in memory, in two dialects, and what can go wrong inside a store.

No bytes are kept: a ``Piece`` names the bytes of a part, so that a file of many gigabytes costs nothing and a mixed-up
object is still seen. Everything here happens at once; time passes on the way to it (``world``).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from upload_engine.core.checksums import multipart_etag
from upload_engine.core.crc64 import combine_all, from_base64, to_base64


class Piece(NamedTuple):
    """The bytes ``[offset, offset + size)`` of a file. ``edits``: which of the file's edits are in them;

    ``damage``: what happened to them on the way, or "".
    """

    file: str
    offset: int
    size: int
    edits: tuple[int, ...] = ()
    damage: str = ""


@functools.lru_cache(maxsize=50_000)
def etag_of(piece: Piece) -> str:
    """The MD5 of these bytes, or rather of their name."""
    return hashlib.md5(repr(tuple(piece)).encode(), usedforsecurity=False).hexdigest()


@functools.lru_cache(maxsize=50_000)
def crc64_of(piece: Piece) -> str:
    """The CRC-64 of these bytes, or rather of their name, in base64."""
    digest = hashlib.md5(b"crc64" + repr(tuple(piece)).encode(), usedforsecurity=False).digest()
    return to_base64(int.from_bytes(digest[:8], "big"))


def whole_crc64_of(pieces: Sequence[Piece]) -> str:
    return to_base64(combine_all((from_base64(crc64_of(piece)), piece.size) for piece in pieces))


class Refusal(Exception):
    """The store says no."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


@dataclass(frozen=True)
class Dialect:
    """How a store differs from AWS's.

    keeps_copies: a part put twice is listed twice, and Complete takes the copy whose ETag is asked for (SeaweedFS);
    lists_after_completion: ListParts goes on answering when the object is there;
    completes_twice: Complete is answered again with 200;
    conditional: an object that is there already is not replaced (412);
    refuses_checksums: the status and code with which it answers a part that comes with a checksum's header;
    keeps_checksums: of whole objects, and compares; tells_checksums: those of the parts as well, and pages can read them.
    """

    keeps_copies: bool = False
    lists_after_completion: bool = False
    completes_twice: bool = True
    conditional: bool = False
    refuses_checksums: tuple[int, str] | None = None
    keeps_checksums: bool = False
    tells_checksums: bool = False


@dataclass
class Multipart:
    """A multipart upload. ``token``: the proof that its object will carry; ``file``: the name told at Create;

    ``ended``: what ended it ("", "completed", "aborted", "expired"); ``whole``: it is none, but a small file whose one part is
    stored as the object itself.
    """

    name: str
    key: str
    file: str
    size: int
    part_size: int
    token: str
    created_at: float
    ended: str = ""
    parts: dict[int, list[Piece]] = field(default_factory=dict)
    whole: bool = False

    @property
    def is_open(self) -> bool:
        """The store keeps its parts until somebody ends it."""
        return not self.ended and not self.whole

    @property
    def takes_parts(self) -> bool:
        return self.is_open or self.whole

    def only_copy(self, number: int) -> Piece | None:
        """What is stored under a number, unless there are different copies of it."""
        copies = self.parts.get(number, [])
        return copies[0] if len(copies) == 1 else None


@dataclass(frozen=True)
class Object:
    """``size``, ``etag`` and ``checksum`` ("" where none is kept) are what HEAD says; ``token`` is "" for somebody else's object."""

    pieces: tuple[Piece, ...]
    token: str
    size: int
    etag: str
    checksum: str = ""


class Bucket:
    """``uploads`` by upload id, ``objects`` by key."""

    def __init__(self, dialect: Dialect | None = None) -> None:
        self.dialect = dialect or Dialect()
        self.uploads: dict[str, Multipart] = {}
        self.objects: dict[str, Object] = {}
        self.bytes_stored = 0

    def create(
        self, key: str, file: str, size: int, part_size: int, now: float, *, whole: bool = False
    ) -> Multipart:
        name = f"{'whole' if whole else 'upload'}-{len(self.uploads) + 1}"
        upload = Multipart(name, key, file, size, part_size, f"token-{name}", now, whole=whole)
        self.uploads[name] = upload
        return upload

    def open_upload(self, name: str) -> Multipart:
        """Raises Refusal unless the upload is open."""
        upload = self.uploads[name]
        if not upload.takes_parts:
            raise Refusal(404, "NoSuchUpload")
        return upload

    def put(self, name: str, number: int, piece: Piece) -> str:
        """Store a part; its ETag."""
        upload = self.open_upload(name)
        copies = upload.parts.setdefault(number, [])
        if upload.whole or not self.dialect.keeps_copies:
            copies.clear()
        if upload.whole:
            for other in self.uploads.values():  # whose object is replaced
                if other.whole and other.key == upload.key and other is not upload:
                    other.parts.clear()
            self.objects[upload.key] = Object((piece,), upload.token, piece.size, etag_of(piece))
        if piece not in copies:
            copies.append(piece)
        self.bytes_stored += piece.size
        return etag_of(piece)

    def list_parts(self, name: str) -> list[tuple[int, Piece]]:
        """All copies of all parts."""
        upload = self.uploads[name]
        if upload.whole:
            found = self.objects.get(upload.key)
            return [(1, found.pieces[0])] if found and found.token == upload.token else []
        if not (upload.ended == "completed" and self.dialect.lists_after_completion):
            self.open_upload(name)
        return [(number, piece) for number, copies in upload.parts.items() for piece in copies]

    def complete(
        self, name: str, parts: Sequence[tuple[int, str]], mishap: str = "", checksum: str = ""
    ) -> None:
        """Assemble the object. ``mishap``: "short" loses its end, "swapped" mixes it up."""
        upload = self.uploads[name]
        if upload.ended == "completed" and upload.key in self.objects and self.dialect.completes_twice:
            return
        self.open_upload(name)
        pieces = [self._chosen(upload, number, etag) for number, etag in parts]
        if self.dialect.conditional and upload.key in self.objects:
            raise Refusal(412, "PreconditionFailed")
        keeps_checksum = self.dialect.keeps_checksums
        if keeps_checksum and checksum not in ("", whole_crc64_of(pieces)):
            raise Refusal(400, "BadDigest")
        etags = [etag_of(piece) for piece in pieces]
        if mishap == "short":
            size = pieces[-1].size
            pieces[-1] = pieces[-1]._replace(size=size - 1 if size else 1, damage="short")
        elif mishap == "swapped":
            pieces[0], pieces[-1] = (
                pieces[-1]._replace(damage="swapped"),
                pieces[0]._replace(damage="swapped"),
            )
            etags.reverse()
            etags.append(etags[0])
        upload.ended = "completed"
        size = sum(piece.size for piece in pieces)
        kept = whole_crc64_of(pieces) if keeps_checksum else ""
        self.objects[upload.key] = Object(
            tuple(pieces), upload.token, size, multipart_etag(etags) or "", kept
        )

    def _chosen(self, upload: Multipart, number: int, etag: str) -> Piece:
        copies = upload.parts.get(number, [])
        for piece in copies if self.dialect.keeps_copies else copies[-1:]:
            if etag_of(piece) == etag:
                return piece
        raise Refusal(400, "InvalidPart")

    def abort(self, name: str, how: str = "aborted") -> None:
        self.open_upload(name).ended = how
