"""A person's file whose bytes are in memory, for inspectors on CPython."""

from __future__ import annotations

from upload_inspectors import InspectedFile, NewFile, Verdict


class MemorySource:
    """``Source`` over bytes; ``reads``: the ranges that were asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.reads: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        return len(self._content)

    def read(self, start: int, end: int) -> bytes:
        self.reads.append((start, end))
        return self._content[start:end]


class MemorySink:
    """``Sink`` into a list of pieces."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def append(self, content: bytes) -> None:
        self.pieces.append(content)


def a_file(content: bytes, name: str = "a.bin", content_type: str = "") -> InspectedFile:
    return InspectedFile(MemorySource(content), name=name, content_type=content_type, new_sink=MemorySink)


def written(new: NewFile | None) -> bytes:
    """What is in a new file."""
    assert new is not None
    return b"".join(new.finish().pieces)


def replaced(verdict: Verdict) -> bytes:
    """What is to be uploaded in the file's place."""
    assert not verdict.reason
    return written(verdict.replacement)
