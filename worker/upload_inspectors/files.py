"""A person's file as Python's libraries like it, and a new file in its place. Bytes stay outside of Python but for those in hand."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from typing import Any, Protocol

READ_STEP = 4 * 1024 * 1024
"""Bytes read at a time, at least: a browser takes a millisecond for each read, whatever its size."""
WRITE_STEP = 4 * 1024 * 1024
"""Bytes of a new file that are in Python's memory before they are handed to the browser."""


class Source(Protocol):
    """Where a file's bytes are. Sizes in bytes."""

    @property
    def size(self) -> int: ...

    def read(self, start: int, end: int) -> bytes:
        """Exactly these bytes. Raises OSError when the file has changed or cannot be read."""


class Sink(Protocol):
    """Where a new file's bytes go."""

    def append(self, content: bytes) -> None: ...


class _Raw(io.RawIOBase):
    def __init__(self, source: Source, on_read: Callable[[int], None]) -> None:
        self._source = source
        self._on_read = on_read
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}.get(whence)
        if start is None:
            raise ValueError(f"whence must be 0, 1 or 2, not {whence}")
        if start + offset < 0:
            raise OSError(errno.EINVAL, "there is nothing before the start of a file")  # as the system says
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        end = min(self._at + len(view), self._source.size)
        if end <= self._at:
            return 0
        content = self._source.read(self._at, end)
        view[: len(content)] = content
        self._at += len(content)
        self._on_read(self._at)
        return len(content)


class InspectedFile(io.BufferedReader):
    """A person's file: seekable, binary, read only, as `open(path, "rb")` gives one; `zipfile`, `csv` and `wave` read it.

    name: without a folder; size: bytes; content_type: as the browser guesses it from the name, or ""; last_modified:
    milliseconds since 1970. A file that changes while it is read raises OSError.
    """

    def __init__(
        self,
        source: Source,
        *,
        name: str,
        content_type: str = "",
        last_modified: int = 0,
        new_sink: Callable[[], Sink],
        on_read: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__(_Raw(source, on_read), READ_STEP)
        self._name = name
        self._new_sink = new_sink
        self.size = source.size
        self.content_type = content_type
        self.last_modified = last_modified

    @property
    def name(self) -> str:
        return self._name

    def read1(self, size: int = -1, /) -> bytes:
        """At most `size` bytes of what is there. Of `io.BufferedReader` each would be a read by the browser: text is read 8 KiB at a time."""
        self.peek(1)
        return super().read1(size)

    def new_file(self) -> NewFile:
        """An empty file to be written, for `replace`."""
        return NewFile(self._new_sink())


class NewFile(io.RawIOBase):
    """A file in the making, binary and write only: what is written is handed to the browser a few megabytes at a time.

    size: bytes written so far.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._waiting: list[bytes] = []
        self._held = 0
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        piece = bytes(content)
        self._waiting.append(piece)
        self._held += len(piece)
        self.size += len(piece)
        if self._held >= WRITE_STEP:
            self.flush()
        return len(piece)

    def flush(self) -> None:
        if self._waiting:
            self._sink.append(b"".join(self._waiting))
            self._waiting, self._held = [], 0

    def finish(self) -> Any:
        """Hand over the rest; the sink, which has all of it."""
        self.flush()
        return self._sink
