"""The files at hand, and how they are compared with what the store has: read a part at a time, telling how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from upload_engine.core import events as e
from upload_engine.core.checksums import Checksums
from upload_engine.core.crc64 import combine_all, from_base64, to_base64
from upload_engine.core.errors import FileChanged, FileUnreadable, StallFault
from upload_engine.core.parts import Part, count_parts, part_range
from upload_engine.core.session import Session
from upload_engine.interfaces import FileSource

Report = Callable[[e.Event], None]


@dataclass(frozen=True, slots=True)
class Hashes:
    """Of a file: the MD5 of each part, or the CRC-64/NVME of all of it, in base64."""

    md5s: tuple[str, ...] = ()
    crc64nvme: str = ""


async def hash_parts(
    file: FileSource, size: int, part_size: int, on_read: Callable[[int], None], *, md5: bool
) -> Hashes:
    """Read the file a part at a time; ``on_read`` takes the bytes read so far. Raises FileFault."""
    found: list[tuple[Checksums, int]] = []
    for number in range(1, count_parts(size, part_size) + 1):
        offset, length = part_range(number, size, part_size)
        body = await file.part(offset, length)
        found.append((await file.checksums(body, md5=md5, crc64nvme=not md5), length))
        on_read(offset + length)
    if md5:
        return Hashes(tuple(one.md5 for one, _ in found))
    return Hashes(
        crc64nvme=to_base64(combine_all((from_base64(one.crc64nvme), length) for one, length in found))
    )


class Files:
    """``files``: the engine's own, by upload id; read only here."""

    def __init__(self, files: Mapping[str, FileSource]) -> None:
        self._files = files

    def of(self, upload_id: str) -> FileSource:
        """Raises FileUnreadable when it is not at hand."""
        file = self._files.get(upload_id)
        if file is None:
            raise FileUnreadable("the file is not at hand")
        return file

    async def check(
        self, session: Session, attempt: int, parts: Sequence[tuple[int, Part]], report: Report
    ) -> e.FileChecked:
        """Compare stored parts with the file's bytes: by the checksum they were sent with, else by their ETag. Raises FileFault."""
        file, transfer = await self._same(session), session.transfer
        found: dict[int, str] = {}
        differing: list[int] = []
        checked, total = 0, sum(part.size for _, part in parts)
        for number, part in parts:
            by_etag = not part.crc64nvme and transfer.tells_bytes(part.etag)
            is_told = transfer.keeps_checksum or part.crc64nvme != ""
            body = await file.part(*part_range(number, transfer.file_size, transfer.part_size))
            checksums = await file.checksums(body, md5=by_etag, crc64nvme=is_told)
            found[number] = checksums.crc64nvme
            if (by_etag and checksums.md5 != part.etag) or part.crc64nvme not in ("", checksums.crc64nvme):
                differing.append(number)
            checked += part.size
            report(e.FileProgressed(session.upload_id, attempt, checked, total))
        return e.FileChecked(session.upload_id, attempt, tuple(differing), found)

    async def hash(
        self, session: Session, attempt: int, part_size: int, report: Report, *, md5: bool
    ) -> e.FileHashed:
        """The MD5 of each part of so many bytes, or the CRC-64/NVME of the file. Raises FileFault."""
        file, size = await self._same(session), session.transfer.file_size

        def on_read(done: int) -> None:
            report(e.FileProgressed(session.upload_id, attempt, done, size))

        found = await hash_parts(file, size, part_size, on_read, md5=md5)
        return e.FileHashed(session.upload_id, attempt, found.md5s, crc64nvme=found.crc64nvme)

    async def _same(self, session: Session) -> FileSource:
        """The file, as far as its sample tells the one that the upload began with. Raises FileFault."""
        file = self.of(session.upload_id)
        if await file.sample() != session.facts.fingerprint.sample:
            raise FileChanged("its content is different")
        return file


class Hashing:
    """A part's checksums, computed while it is sent. ``compute``: see ``FileSource.checksums``."""

    def __init__(self, compute: Callable[[], Coroutine[Any, Any, Checksums]]) -> None:
        self._compute = compute
        self._begin()

    def _begin(self) -> None:
        self._doing = asyncio.ensure_future(self._compute())
        self._doing.add_done_callback(_take_note)

    async def result(self, within: Callable[[asyncio.Future[Checksums]], Awaitable[Checksums]]) -> Checksums:
        """Once the part was sent. ``within`` raises StallFault when it takes too long; then the part is read anew, since a

        browser may forget that it reads. Raises FileFault, StallFault.
        """
        if self._doing.done():
            return self._doing.result()
        try:
            return await within(self._doing)
        except StallFault:
            self._begin()
            return await within(self._doing)

    def cancel(self) -> None:
        self._doing.cancel()


def _take_note(done: asyncio.Future[Checksums]) -> None:
    """A fault of a checksum that nobody waits for any more is no bug."""
    if not done.cancelled():
        done.exception()
