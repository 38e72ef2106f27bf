"""The roles of ``upload_engine.interfaces`` on CPython: sockets, disk files, queues. Part bodies are ``bytes``."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import heapq
import itertools
import json
import os
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from upload_engine.core.checksums import Checksums
from upload_engine.core.crc64 import crc64, to_base64
from upload_engine.core.errors import FileChanged, FileUnreadable, NetworkFault, StorageFault
from upload_engine.core.fingerprint import is_taken_whole, sample_of, sample_ranges
from upload_engine.interfaces import (
    ApiRequest,
    FileSource,
    HttpResponse,
    KeptFile,
    PartBody,
    PutRequest,
    WholeFile,
)

BLOCK = 64 * 1024
TEXT_LIMIT = 64 * 1024


async def send(
    method: str,
    url: str,
    headers: dict[str, str],
    content: bytes,
    on_progress: Callable[[int], None] = lambda _: None,
    text_limit: int = TEXT_LIMIT,
) -> HttpResponse:
    """One HTTP/1.1 request on a connection of its own. Raises NetworkFault when no whole answer comes back."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise NetworkFault("the address is none") from None
    if any("\n" in name + value for name, value in headers.items()):
        raise NetworkFault("a header is none")
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "content-length"]
    lines += [f"Content-Length: {len(content)}", "", ""]
    writer = None
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write("\r\n".join(lines).encode("latin-1"))
        for offset in range(0, len(content), BLOCK):
            writer.write(content[offset : offset + BLOCK])
            await writer.drain()
            on_progress(min(offset + BLOCK, len(content)))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        answered = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(answered["content-length"]))
        return HttpResponse(
            int(head[0].split(" ")[1]), answered, body[:text_limit].decode("utf-8", "replace")
        )
    except (OSError, asyncio.IncompleteReadError):
        raise NetworkFault("the connection was lost") from None
    finally:
        if writer:
            writer.transport.abort()


class SocketTransport:
    """PartTransport over a plain socket."""

    async def put(self, request: PutRequest, on_progress: Callable[[int], None]) -> HttpResponse:
        method, headers, content = "PUT", dict(request.headers), request.body.content
        if request.fields is not None:
            boundary = secrets.token_hex(16)
            method, content = "POST", form_data(request.fields, content, boundary)
            headers["content-type"] = f"multipart/form-data; boundary={boundary}"
        told, size = 0, request.body.size

        def tell(sent: int) -> None:
            nonlocal told
            if min(sent, size) > told:
                told = min(sent, size)
                on_progress(told)

        return await send(method, request.url, headers, content, tell)


def form_data(fields: Mapping[str, str], file: bytes, boundary: str) -> bytes:
    """RFC 7578, as browsers write it: the file comes last, and is called "blob"."""
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="blob"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join(lines).encode() + file + f"\r\n--{boundary}--\r\n".encode()


class SocketSigner:
    """UploadSigner over a plain socket, without a cookie."""

    def __init__(self, base_url: str) -> None:
        self.token = ""
        self._base_url = base_url

    async def call(self, request: ApiRequest) -> HttpResponse:
        content = b"" if request.json is None else json.dumps(request.json).encode()
        headers = {"content-type": "application/json"} if content else {}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        return await send(
            request.method, self._base_url + request.path, headers, content, text_limit=8 * 1024 * 1024
        )


class DiskFile:
    """FileSource over a file on disk, judged by size and date at every read, as Chromium does."""

    has_handle = False

    def __init__(self, path: Path, content_type: str = "application/octet-stream") -> None:
        self._path = path
        found = path.stat()
        self._stamp = (found.st_size, found.st_mtime_ns)
        self.name = path.name
        self.size = found.st_size
        self.content_type = content_type
        self.last_modified = found.st_mtime_ns // 1_000_000

    def picked_again(self) -> DiskFile:
        """The file as it is now."""
        again = DiskFile(self._path, self.content_type)
        again.has_handle = self.has_handle
        return again

    async def sample(self) -> str:
        ranges = [(0, self.size)] if is_taken_whole(self.size) else sample_ranges(self.size)
        return sample_of(self.size, b"".join(self._read(offset, length) for offset, length in ranges))

    async def part(self, offset: int, size: int) -> PartBody:
        return PartBody(self._read(offset, size), size)

    async def whole(self) -> WholeFile:
        content = self._read(0, self.size)
        return WholeFile(PartBody(content, self.size), sample_of(self.size, content))

    async def checksums(self, body: PartBody, *, md5: bool, crc64nvme: bool) -> Checksums:
        content: bytes = body.content
        return Checksums(
            hashlib.md5(content, usedforsecurity=False).hexdigest() if md5 else "",
            to_base64(crc64(content)) if crc64nvme else "",
        )

    def _read(self, offset: int, size: int) -> bytes:
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                if (found.st_size, found.st_mtime_ns) != self._stamp:
                    raise FileChanged("the file has been changed")
                file.seek(offset)
                content = file.read(size)
        except OSError:
            raise FileUnreadable("the file has been moved or deleted") from None
        if len(content) != size:
            raise FileChanged("the file is shorter than it was")
        return content


class Handed(FileSource, Protocol):
    """A file as a page hands it over; ``has_handle``: by a handle, which leads to the file as it is later."""

    has_handle: bool

    def picked_again(self) -> FileSource: ...


class MemoryFileKeeper:
    """FileKeeper that outlives engines. ``access``: what the browser says of every handle; ``copy_limit``,

    ``offline_limit``, ``room``: bytes of the largest copy, also while the signing server is out of reach, and of all
    that fits.
    """

    def __init__(self, copy_limit: int | None = None, offline_limit: int | None = None) -> None:
        self.access: Literal["open", "ask", "denied"] = "open"
        self.least_offline = offline_limit or 0
        self.copy_up_to(copy_limit)
        self.room = 2**60
        self.kept: dict[tuple[str, str], Any] = {}

    async def keep(
        self, user_id: str, upload_id: str, file: FileSource, *, is_offline: bool = False
    ) -> Literal["handle", "copy", ""]:
        handed: Any = file
        if handed.has_handle:
            self.kept[user_id, upload_id] = handed
            return "handle"
        if file.size > (self.offline_limit if is_offline else self.copy_limit):
            return ""
        if file.size > self.room:
            raise StorageFault("there is not enough room")
        self.kept[user_id, upload_id] = copy.deepcopy(handed)
        return "copy"

    def copy_up_to(self, largest: int | None) -> None:
        self.copy_limit = largest or 0
        self.offline_limit = max(self.copy_limit, self.least_offline)

    async def recall(self, user_id: str) -> dict[str, KeptFile]:
        return {
            upload_id: self._look_at(file)
            for (owner, upload_id), file in self.kept.items()
            if owner == user_id
        }

    async def forget(self, user_id: str, upload_id: str) -> None:
        self.kept.pop((user_id, upload_id), None)

    async def adopt(self, user_id: str) -> None:
        for owner, upload_id in [key for key in self.kept if not key[0]]:
            self.kept[user_id, upload_id] = self.kept.pop((owner, upload_id))

    def _look_at(self, file: Handed) -> KeptFile:
        if not file.has_handle:
            return KeptFile("open", file, is_copy=True)
        if self.access != "open":
            return KeptFile(self.access, handle=file)
        try:
            return KeptFile("open", file.picked_again())
        except OSError:
            return KeptFile("choose")


class LoopClock:
    """Clock of the running event loop: real time."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_time(self) -> float:
        return self.now() + 1_700_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """Clock that moves when told: no test waits for it. ``wall_offset`` may be changed to make the date jump."""

    def __init__(self) -> None:
        self._now = 0.0
        self.wall_offset = 1_700_000_000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def wall_time(self) -> float:
        return self._now + self.wall_offset

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, waking each sleeper at its time and letting it run before the next."""
        end = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await _let_others_run()
        self._now = end
        await _let_others_run()


async def _let_others_run() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class QueuePort:
    """Port whose other side is a test: ``say`` speaks as the page and ``leave`` lets it go, ``heard`` is what it was
    told, and ``handles`` what came beside it.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.handles: list[Any] = []
        self.closed = False
        self._waiting: deque[tuple[str, FileSource | None]] = deque()
        self._on_message: Callable[[str, FileSource | None], None] | None = None

    def post(self, body: str, handle: Any = None, head: str = "") -> None:
        if not self.closed:
            self.heard.append(body)
            self.handles.append(handle)

    def listen(
        self, on_message: Callable[[str, FileSource | None], None], on_gone: Callable[[], None]
    ) -> None:
        self._on_message, self._on_gone = on_message, on_gone
        while self._waiting:
            on_message(*self._waiting.popleft())

    def say(self, body: str, file: FileSource | None = None) -> None:
        if self._on_message:
            self._on_message(body, file)
        else:
            self._waiting.append((body, file))

    def leave(self) -> None:
        self.closed = True
        self._on_gone()
