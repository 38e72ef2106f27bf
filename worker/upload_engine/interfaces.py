"""The roles the engine needs from outside. Each has a contract that every adapter must pass (``tests/contracts``).

The browser's adapters live in ``browser``, the tests' in ``tests/fakes``. Sizes and offsets are bytes, times are
seconds, unless a name says otherwise. Expected failures are the faults of ``core.errors``; anything else is a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from upload_engine.core.checksums import Checksums
from upload_engine.core.http import ApiRequest, HttpResponse

__all__ = [
    "ApiRequest",
    "Clock",
    "FileKeeper",
    "FileSource",
    "GuestKey",
    "HttpResponse",
    "KeptFile",
    "PartBody",
    "PartTransport",
    "Port",
    "PutRequest",
    "Record",
    "SessionStore",
    "UploadSigner",
    "WholeFile",
]

Record = dict[str, Any]
"""A JSON-able mapping: what is stored for one session."""


@dataclass(frozen=True, slots=True)
class PartBody:
    """The bytes of one part on their way: ``content`` is whatever the adapters of one platform agree on

    (a ``Blob`` or an ``ArrayBuffer`` in a browser, ``bytes`` in the tests); ``size`` is its length in bytes.
    """

    content: Any
    size: int


@dataclass(frozen=True, slots=True)
class PutRequest:
    """One PUT to a presigned URL. ``headers`` are sent exactly as given: they are signed.

    fields: when they are given, the body is the last field, ``file``, of a form with these fields, which is POSTed. Without
    headers, and while nobody listens to its progress, a browser sends such a form with no preflight.
    md5: of the body in hexadecimal, where it is known: an answer with this ETag tells that the body was readable to its end.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str]
    body: PartBody
    fields: Mapping[str, str] | None = field(default=None, repr=False)
    md5: str = ""


@dataclass(frozen=True, slots=True)
class WholeFile:
    """All of a small file, and its MD5 in hexadecimal, which is its sample and will be its ETag."""

    body: PartBody
    md5: str


class PartTransport(Protocol):
    """Sends parts."""

    async def put(self, request: PutRequest, on_progress: Callable[[int], None]) -> HttpResponse:
        """Send the body and return the answer, whatever its status.

        ``on_progress`` is given the absolute number of bytes handed to the network so far, never more than the
        body's size, never fewer than before; it is optional for an adapter that cannot know. Cancelling the call
        aborts the request before ``CancelledError`` goes on.

        Raises NetworkFault when there is no readable answer, FileFault when the body can no longer be read.
        """
        ...


class UploadSigner(Protocol):
    """Talks to the signing server.

    token: the bearer token that says who is asking, or "" where a cookie does. It may be set at any time, counts from the
    next call on, and is kept in memory alone.
    """

    token: str

    async def call(self, request: ApiRequest) -> HttpResponse:
        """Send one call, with the person's identity (cookie or bearer token).

        Cancelling aborts the request. Raises NetworkFault when there is no readable answer.
        """
        ...


class FileSource(Protocol):
    """One file of the person's. The four properties are read once, when it is handed over."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def content_type(self) -> str: ...

    @property
    def last_modified(self) -> int:
        """Milliseconds since 1970."""
        ...

    async def sample(self) -> str:
        """What the file is recognised by: see ``fingerprint.sample_of``. Raises FileFault."""
        ...

    async def part(self, offset: int, size: int) -> PartBody:
        """The bytes ``[offset, offset + size)``, checked to be all there and of the same, unchanged file.

        Raises FileChanged or FileUnreadable.
        """
        ...

    async def whole(self) -> WholeFile:
        """The whole file, from one look at it, if it ``is_taken_whole``. Raises FileFault."""
        ...

    async def checksums(self, body: PartBody, *, md5: bool, crc64nvme: bool) -> Checksums:
        """Those that are asked for, of the bytes of a part that ``part`` gave. Raises FileFault."""
        ...


class SessionStore(Protocol):
    """Keeps sessions over reloads and crashes. Records belong to a user; no user sees another's."""

    async def load(self, user_id: str) -> list[Record]:
        """All records of ``user_id``, in no particular order. Raises StorageFault."""
        ...

    async def save(self, records: Sequence[Record]) -> None:
        """Write the records in one transaction and return when it is complete.

        Each record has ``uploadId`` and ``userId``. Raises StorageFault; then nothing was written.
        """
        ...

    async def delete(self, keys: Sequence[tuple[str, str]]) -> None:
        """Forget records, by ``(user id, upload id)``, in one transaction; they need not exist. Raises StorageFault."""
        ...

    async def adopt(self, user_id: str) -> None:
        """Make the user's all records that are nobody's ("") in one transaction. Raises StorageFault; then none is."""
        ...

    async def get_meta(self, key: str) -> Any:
        """A JSON-able value kept under ``key``, or None. Raises StorageFault."""
        ...

    async def set_meta(self, key: str, value: Any) -> None:
        """Keep a JSON-able value under ``key``. Raises StorageFault."""
        ...


@dataclass(frozen=True, slots=True)
class KeptFile:
    """What became of a kept file. ``access``: "open", and ``file`` can be read; "ask" or "denied", and ``handle`` is

    what a page needs to ask the person; "choose": it is no longer where it was. ``is_copy``: of a file, not its handle.
    """

    access: Literal["open", "ask", "denied", "choose"]
    file: FileSource | None = None
    handle: Any = None
    is_copy: bool = False


class FileKeeper(Protocol):
    """Keeps the files of unfinished uploads over reloads and crashes. Files belong to a user; no user sees another's."""

    async def keep(
        self, user_id: str, upload_id: str, file: FileSource, *, is_offline: bool = False
    ) -> Literal["handle", "copy", ""]:
        """Keep the file in place of any other of this upload, and say how; "" when it cannot be kept.

        A handle costs nothing; a copy costs the file's size on the disk. ``is_offline``: the signing server is out of
        reach, and larger copies may be worth it. Raises StorageFault, also when a copy finds no room.
        """
        ...

    def copy_up_to(self, largest: int | None) -> None:
        """Copy files of at most so many bytes from now on; None: no file, but while the signing server is out of reach."""
        ...

    async def recall(self, user_id: str) -> Mapping[str, KeptFile]:
        """All that is kept for ``user_id``, by upload id, each looked at anew. Raises StorageFault."""
        ...

    async def forget(self, user_id: str, upload_id: str) -> None:
        """Let go of one file; it need not be there. Raises StorageFault."""
        ...

    async def adopt(self, user_id: str) -> None:
        """Make the user's what was kept while nobody was known (for ""), one file after the other. Raises StorageFault."""
        ...


class GuestKey(Protocol):
    """Keeps what a guest needs to be known again when the browser has lost the cookie.

    The key can be used but never read again. Where the browser offers nothing of the kind, nothing is kept.
    """

    async def user_id(self) -> str:
        """Whose key is kept; "" when none is. Raises StorageFault."""
        ...

    async def keep(self, user_id: str, key: bytes) -> None:
        """Keep the key of ``user_id`` and forget any other. Raises StorageFault."""
        ...

    async def prove(self, challenge: str) -> str:
        """The HMAC-SHA-256 of ``challenge`` under the kept key, in hexadecimal. Raises StorageFault."""
        ...


class Clock(Protocol):
    """Time. Only the engine reads it; the core is told."""

    def now(self) -> float:
        """Seconds on a clock that never jumps back and need not move while the machine sleeps."""
        ...

    def wall_time(self) -> float:
        """Seconds since 1970, as the machine believes."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Port(Protocol):
    """A line to one page."""

    def post(self, body: str, handle: Any = None, head: str = "") -> None:
        """Send one encoded message, and the ``KeptFile.handle`` or the snapshot's head beside it. Never raises: a page that is
        gone hears nothing.
        """
        ...

    def listen(
        self, on_message: Callable[[str, FileSource | None], None], on_gone: Callable[[], None]
    ) -> None:
        """Call ``on_message(body, file)`` for every message, beginning with those that wait already.

        ``on_gone`` is called once, after the last message, when the page says that it is gone for good. A page that
        crashes says nothing. Call ``listen`` once.
        """
        ...
