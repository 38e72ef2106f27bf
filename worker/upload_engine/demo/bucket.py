"""The demo's bucket: multipart uploads and objects as S3 has them, over a shelf.

An object is the list of its parts: nothing is copied when an upload is completed. ETags are what S3 gives, the MD5 of the
bytes as they were stored and the MD5 of those MD5s, so that the engine's own checks are worth something.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from upload_engine.core.checksums import multipart_etag
from upload_engine.core.errors import ServiceFault
from upload_engine.core.parts import count_parts, part_range
from upload_engine.demo.shelf import Shelf
from upload_engine.interfaces import Clock, PartBody

DAY = 24 * 3600.0
"""Seconds after which an upload that nobody went on with is swept away."""


@dataclass(slots=True)
class Upload:
    """A multipart upload, or the object that it has become. ``started_at``: seconds since 1970; ``parts``: ETag and size

    by number; ``etag``: the object's, "" while there is none; ``url``: where pages find it, as long as this worker lives.
    """

    upload_id: str
    key: str
    name: str
    content_type: str
    size: int
    part_size: int
    project_id: str
    started_at: float
    parts: dict[int, tuple[str, int]] = field(default_factory=dict)
    etag: str = ""
    url: str = ""

    @property
    def is_object(self) -> bool:
        return bool(self.etag)

    def length(self, number: int) -> int:
        """Bytes of a part; -1 for a number that the upload does not have."""
        if not 1 <= number <= count_parts(self.size, self.part_size):
            return -1
        return part_range(number, self.size, self.part_size)[1]

    def to_record(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "uploadId": self.upload_id,
            "parts": [[number, *part] for number, part in self.parts.items()],
            "url": "",
        }


def from_record(record: dict[str, Any]) -> Upload:
    fields = {name: value for name, value in record.items() if name != "uploadId"}
    fields["parts"] = {int(number): (str(etag), int(size)) for number, etag, size in record["parts"]}
    return Upload(**fields)


class Bucket:
    """``open`` it before anything else. What is refused is raised as the ServiceFault that S3 would answer with.

    on_stored: told of every part that is there, whether or not somebody still waits for the answer.
    """

    def __init__(self, shelf: Shelf, clock: Clock, rng: random.Random, on_stored: Callable[[], None]) -> None:
        self._shelf = shelf
        self._on_stored = on_stored
        self._clock = clock
        self._rng = rng
        self.uploads: dict[str, Upload] = {}
        """All of them by id, open or completed."""
        self._is_open = False
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Read what is kept, once."""
        async with self._opening:
            if not self._is_open:
                found = map(from_record, await self._shelf.records())
                self.uploads.update({upload.upload_id: upload for upload in found})
                self._is_open = True

    @property
    def bytes_stored(self) -> int:
        return sum(size for upload in self.uploads.values() for _, size in upload.parts.values())

    async def create(
        self, key: str, name: str, content_type: str, size: int, part_size: int, project_id: str
    ) -> Upload:
        """Begin an upload; without a key it is given one."""
        upload_id, folder = (f"{self._rng.getrandbits(128):032x}" for _ in range(2))
        upload = Upload(
            upload_id,
            key or f"demo/{project_id}/{folder}/{name}",
            name,
            content_type,
            size,
            part_size,
            project_id,
            self._clock.wall_time(),
        )
        await self._shelf.keep_record(upload.to_record())
        self.uploads[upload_id] = upload
        return upload

    def find(self, upload_id: str) -> Upload:
        """An upload by its id, or the object that it has become."""
        if upload_id not in self.uploads:
            raise ServiceFault(404, "NoSuchUpload", "There is no such upload.")
        return self.uploads[upload_id]

    def object_at(self, key: str) -> Upload | None:
        """The object of this key."""
        return next(
            (upload for upload in self.uploads.values() if upload.key == key and upload.is_object), None
        )

    async def put(self, upload: Upload, number: int, body: PartBody) -> str:
        """Store a part in place of the one before; its ETag. Raises StorageFault, FileFault."""
        await self._shelf.keep_part(upload.upload_id, number, body)
        etag = await _md5(self._shelf.pieces(upload.upload_id, number))
        if upload.upload_id not in self.uploads:  # given up while its bytes were being written
            await self._shelf.forget(upload.upload_id)
        self.find(upload.upload_id).parts[number] = (etag, body.size)
        self._on_stored()
        await self._shelf.keep_record(upload.to_record())
        return etag

    async def complete(self, upload: Upload, given: Iterable[tuple[int, str]]) -> None:
        """Make an object of these parts, ``(number, ETag)``. Once more is as good as once."""
        wanted = dict(given)
        if any(upload.parts.get(number, ("",))[0] != etag for number, etag in wanted.items()):
            raise ServiceFault(409, "InvalidPart", "The store refuses the parts.")
        if sum(upload.parts[number][1] for number in wanted) != upload.size:
            raise ServiceFault(409, "ProofFailed", "The object in the store is not what was sent.")
        if not upload.is_object:
            if before := self.object_at(upload.key):
                await self.remove(before)
            upload.parts = {number: upload.parts[number] for number in sorted(wanted)}
            upload.etag = multipart_etag(etag for etag, _ in upload.parts.values()) or ""
            await self._shelf.keep_record(upload.to_record())
        await self.link(upload)

    async def link(self, upload: Upload) -> None:
        """See to it that pages can have the object."""
        if not upload.url:
            upload.url = await self._shelf.link(upload.upload_id, list(upload.parts), upload.content_type)

    async def read(self, upload: Upload) -> AsyncIterator[bytes]:
        """The bytes of an object, in pieces."""
        for number in upload.parts:
            async for piece in self._shelf.pieces(upload.upload_id, number):
                yield piece

    async def remove(self, upload: Upload) -> None:
        """Forget an upload or object, and all its bytes."""
        self.uploads.pop(upload.upload_id, None)
        if upload.url:
            self._shelf.unlink(upload.url)
        await self._shelf.forget(upload.upload_id)

    async def clear(self) -> None:
        """Remove everything."""
        for upload in list(self.uploads.values()):
            await self.remove(upload)

    async def sweep(self, wanted: Collection[str]) -> None:
        """Remove what nobody will ask for again: objects but those of the ``wanted`` keys, and uploads of days before."""
        for upload in list(self.uploads.values()):
            is_old = self._clock.wall_time() - upload.started_at > DAY
            if upload.key not in wanted and (upload.is_object or is_old):
                await self.remove(upload)


async def _md5(pieces: AsyncIterator[bytes]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    async for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
