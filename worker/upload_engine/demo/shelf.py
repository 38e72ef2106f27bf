"""Where the demo's bucket keeps what it is given: the role, and a shelf in memory for CPython."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Protocol

from upload_engine.core.errors import StorageFault
from upload_engine.interfaces import PartBody, Record

STEP = 8 * 1024 * 1024
"""Bytes read at a time: no part, let alone a file, is ever in Python's memory as a whole."""


class StorageFull(StorageFault):
    """There is no room for more."""

    def __init__(self) -> None:
        super().__init__("The browser's storage is full")


class Shelf(Protocol):
    """Keeps records by their ``uploadId``, and the bytes of parts beside them, over reloads and crashes where it can.

    Everything raises StorageFault, StorageFull when there is no room.
    """

    async def records(self) -> list[Record]:
        """All that is kept."""
        ...

    async def keep_record(self, record: Record) -> None:
        """Write a record in place of the one before."""
        ...

    async def keep_part(self, upload_id: str, number: int, body: PartBody) -> None:
        """Copy the bytes of a part. Raises FileFault when they can no longer be read."""
        ...

    async def forget(self, upload_id: str) -> None:
        """Let go of a record and of all its parts; they need not be there."""
        ...

    def pieces(self, upload_id: str, number: int) -> AsyncIterator[bytes]:
        """The bytes of a part that is kept, at most ``STEP`` at a time."""
        ...

    def pieces_of(self, body: PartBody) -> AsyncIterator[bytes]:
        """Those of a part that is not. Raises FileFault."""
        ...

    async def link(self, upload_id: str, numbers: Sequence[int], content_type: str) -> str:
        """An address from which pages can have these parts as one; it dies with the worker. "" where there is none."""
        ...

    def unlink(self, url: str) -> None:
        """The address is not needed any more."""
        ...

    async def room(self) -> int | None:
        """Bytes that may be kept in all; None where nobody says."""
        ...


class MemoryShelf:
    """Shelf for contents that are ``bytes``. limit: bytes that may be kept in all."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.parts: dict[tuple[str, int], bytes] = {}
        self._records: dict[str, Record] = {}

    async def records(self) -> list[Record]:
        """See ``Shelf.records``."""
        return list(self._records.values())

    async def keep_record(self, record: Record) -> None:
        """See ``Shelf.keep_record``."""
        self._records[record["uploadId"]] = record

    async def keep_part(self, upload_id: str, number: int, body: PartBody) -> None:
        """See ``Shelf.keep_part``."""
        used = sum(map(len, self.parts.values()))
        if self.limit is not None and used + body.size > self.limit:
            raise StorageFull
        self.parts[upload_id, number] = bytes(body.content)

    async def forget(self, upload_id: str) -> None:
        """See ``Shelf.forget``."""
        self._records.pop(upload_id, None)
        for key in [key for key in self.parts if key[0] == upload_id]:
            del self.parts[key]

    async def pieces(self, upload_id: str, number: int) -> AsyncIterator[bytes]:
        """See ``Shelf.pieces``."""
        for piece in _steps(self.parts[upload_id, number]):
            yield piece

    async def pieces_of(self, body: PartBody) -> AsyncIterator[bytes]:
        """See ``Shelf.pieces_of``."""
        for piece in _steps(bytes(body.content)):
            yield piece

    async def link(self, upload_id: str, numbers: Sequence[int], content_type: str) -> str:  # noqa: ARG002 (the role's signature)
        """See ``Shelf.link``. A name alone: nobody can open it."""
        return f"blob:{upload_id}"

    def unlink(self, url: str) -> None:
        """See ``Shelf.unlink``."""

    async def room(self) -> int | None:
        """See ``Shelf.room``."""
        return self.limit


def _steps(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), STEP):
        yield content[start : start + STEP]
