"""A browser in memory: files, pages, storage, and the life of one engine in it, which may end at any moment."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from upload_engine.core.checksums import Checksums
from upload_engine.core.errors import FileChanged, FileUnreadable, StorageFault
from upload_engine.core.fingerprint import is_taken_whole, sample_ranges
from upload_engine.core.requests import object_path
from upload_engine.dispatcher import Outside
from upload_engine.engine import Engine
from upload_engine.interfaces import (
    FileKeeper,
    FileSource,
    GuestKey,
    PartBody,
    Record,
    SessionStore,
    WholeFile,
)
from upload_engine.memory_store import NoFileKeeper, NoGuestKey
from upload_engine.operations import Transports
from uploads import protocol as p

from tests.simulation.bucket import Piece, crc64_of, etag_of
from tests.simulation.oracle import WatchedBudget
from tests.simulation.virtual_time import VirtualClock
from tests.simulation.world import World

WRITE_SECONDS = 0.002
HASHED_PER_SECOND = 2e8
"""Bytes."""


class Slice:
    """A part's body. A lazy one is read when its bytes are sent, any other when it is taken."""

    alive = 0

    def __init__(self, disk: Disk, offset: int, size: int) -> None:
        self._disk, self._offset, self._size = disk, offset, size
        self._read = None if disk.lazy else disk.read(offset, size)
        Slice.alive += 1

    def __del__(self) -> None:
        Slice.alive -= 1

    def pin(self) -> None:
        """Read it now, and not when it is sent."""
        self._read = self.read()

    def read(self) -> Piece:
        """The bytes. Raises FileFault."""
        return self._read or self._disk.read(self._offset, self._size)


class Disk:
    """A person's file. ``content`` names its bytes; ``edited``: its date tells of a change; ``readable``: at all;

    ``edits``: the byte ranges of changes that neither its size nor its date tells of.
    """

    content_type = "application/octet-stream"

    def __init__(
        self,
        name: str,
        size: int,
        content: str = "v1",
        last_modified: int = 1,
        *,
        lazy: bool = False,
        has_handle: bool = False,
    ) -> None:
        self.name, self.size, self.content, self.last_modified, self.lazy = (
            name,
            size,
            content,
            last_modified,
            lazy,
        )
        self.has_handle = has_handle
        self.edited = False
        self.readable = True
        self.edits: list[tuple[int, int]] = []

    def picked_again(self) -> Disk:
        """The file as it is now, when a person chooses it once more."""
        content = self.content + ("+" if self.edited else "")
        fresh = Disk(self.name, self.size, content, self.last_modified + self.edited, lazy=self.lazy)
        fresh.edits = self.edits
        fresh.has_handle = self.has_handle
        return fresh

    def edit_unnoticed(self, at: int, length: int = 1) -> None:
        self.edits.append((at, at + length))

    async def sample(self) -> str:
        self._check()
        if is_taken_whole(self.size):
            return etag_of(self._piece(0, self.size))
        seen = [self._edits_in(*sampled) for sampled in sample_ranges(self.size)]
        return hashlib.sha256(f"{self.content} {seen}".encode()).hexdigest()

    async def part(self, offset: int, size: int) -> PartBody:
        return PartBody(Slice(self, offset, size), size)

    async def whole(self) -> WholeFile:
        body = await self.part(0, self.size)
        body.content.pin()
        return WholeFile(body, (await self.checksums(body, md5=True, crc64nvme=False)).md5)

    async def checksums(self, body: PartBody, *, md5: bool, crc64nvme: bool) -> Checksums:
        piece = body.content.read()
        await asyncio.sleep(body.size / HASHED_PER_SECOND)
        return Checksums(etag_of(piece) if md5 else "", crc64_of(piece) if crc64nvme else "")

    def read(self, offset: int, size: int) -> Piece:
        self._check()
        return self._piece(offset, size)

    def is_whole(self, pieces: Sequence[Piece]) -> bool:
        """Whether these are the file's bytes, all of them as they were at one moment."""
        return any(self._was(pieces, moment) for moment in range(len(self.edits), -1, -1))

    def is_now(self, pieces: Sequence[Piece]) -> bool:
        """Whether these are the file's bytes as they are now."""
        return self._was(pieces, len(self.edits))

    def _was(self, pieces: Sequence[Piece], moment: int) -> bool:
        at = 0
        for piece in pieces:
            if piece != self._piece(at, piece.size, moment):
                return False
            at += piece.size
        return at == self.size

    def _piece(self, offset: int, size: int, moment: int | None = None) -> Piece:
        return Piece(f"{self.name} {self.content}", offset, size, self._edits_in(offset, size, moment))

    def _edits_in(self, offset: int, size: int, moment: int | None = None) -> tuple[int, ...]:
        return tuple(
            number
            for number, (begin, end) in enumerate(self.edits[:moment])
            if begin < offset + size and end > offset
        )

    def _check(self) -> None:
        if not self.readable:
            raise FileUnreadable("gone")
        if self.edited:
            raise FileChanged("the file has been changed")


class KeptKey:
    """GuestKey that outlives engines, as a browser's database does."""

    def __init__(self) -> None:
        self._kept = ("", b"")

    async def user_id(self) -> str:
        return self._kept[0]

    async def keep(self, user_id: str, key: bytes) -> None:
        self._kept = (user_id, key)

    async def prove(self, challenge: str) -> str:
        return hmac.digest(self._kept[1], challenge.encode(), "sha256").hex()


class Storage:
    """SessionStore that outlives engines. ``records``: by user and upload id; ``broken``: since when writes fail.

    ``before_write`` and ``after_write`` may kill the browser: then the write's caller never hears of it.
    """

    def __init__(self, world: World) -> None:
        self.records: dict[tuple[str, str], Record] = {}
        self.meta: dict[str, Any] = {}
        self.broken = self.blocked = False
        self._world = world

    async def load(self, user_id: str) -> list[Record]:
        await self._open()
        return [copy.deepcopy(record) for key, record in self.records.items() if key[0] == user_id]

    async def save(self, records: Sequence[Record]) -> None:
        def write() -> None:
            for record in records:
                self._world.oracle.written(record)
                self.records[record["userId"], record["uploadId"]] = record

        if records:
            await self._write(write)

    async def delete(self, keys: Sequence[tuple[str, str]]) -> None:
        def forget() -> None:
            for key in keys:
                self.records.pop(key, None)

        await self._write(forget)

    async def adopt(self, user_id: str) -> None:
        def write() -> None:
            for owner, upload_id in [key for key in self.records if not key[0]]:
                record = self.records.pop((owner, upload_id))
                self.records[user_id, upload_id] = record | {"userId": user_id}

        if any(not owner for owner, _ in self.records):
            await self._write(write)

    async def get_meta(self, key: str) -> Any:
        await self._open()
        return self.meta.get(key)

    async def set_meta(self, key: str, value: Any) -> None:
        await self._write(lambda: self.meta.__setitem__(key, value))

    async def _open(self) -> None:
        await asyncio.sleep(WRITE_SECONDS / 2)
        if self.blocked:
            self._world.hit("browser: storage blocked")
            raise StorageFault("SecurityError")

    async def _write(self, write: Callable[[], object]) -> None:
        await self._open()
        items = self._world.reach("write")
        deeds = {item.fault: item for item in items}
        if item := deeds.get("browser: killed before a write"):
            await self._die(item)
        if "browser: storage full" in deeds:
            self.broken = True
        if self.broken:
            self._world.hit("browser: storage full")
            raise StorageFault("QuotaExceededError")
        write()
        if item := deeds.get("browser: killed after a write"):
            await self._die(item)
        await asyncio.sleep(WRITE_SECONDS / 2)

    async def _die(self, item: Any) -> None:
        assert self._world.on_item
        self._world.on_item(item)
        await asyncio.sleep(1e9)


class Page:
    """A page that believes what it is told, and checks invariant I8 while it listens.

    ``strict``: it reads every message with the protocol's own codec, and not just what it needs.
    """

    def __init__(self, *, strict: bool = True) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, Any] = {}
        self.replaced: dict[str, str] = {}
        self.removed: set[str] = set()
        self.refused: list[str] = []
        self.capabilities: dict[str, Any] = {}
        self.texts: list[str] = []
        self.offered: dict[str, Any] = {}
        self.told: dict[str, dict[str, Any]] = {}
        self.ranks: dict[str, float] = {}
        self.on_text: Callable[[str], None] = self.texts.append
        self.on_session: Callable[[dict[str, Any]], None] = lambda _: None
        self._decode = p.decode_worker_response if strict else _decode_quickly
        self.heard = asyncio.Event()

    def post(self, body: str, handle: Any = None, head: str = "") -> None:
        self.on_text(body)
        message = self._decode(body)
        kind = message["type"]
        if kind == p.UPLOAD_SNAPSHOT:
            self._take(message)
        elif kind == p.UPLOAD_REPLACED:
            self.replaced[message["upload_id"]] = message["by"]
        elif kind == p.FILE_OFFERED:
            self.offered[message["upload_id"]] = handle
        elif kind == p.COMMAND_REFUSED:
            self.refused.append(message["message"])
        elif kind in (p.SETTINGS, p.UPLOAD_DETAILS, p.UPLOAD_FIGURES):
            self.told[kind] = message
        elif kind == p.ENGINE_READY:
            self.capabilities = message["capabilities"]
        elif kind == p.UPLOAD_REMOVED:
            del self.sessions[message["upload_id"]]
            self.removed.add(message["upload_id"])
        self.heard.set()

    def _take(self, message: dict[str, Any]) -> None:
        session, progress = message["session"], message["progress"]
        upload_id = session["upload_id"]
        before = self.sessions.get(upload_id)
        assert before is None or session["progress"] >= before["progress"], (
            "I8: progress never runs backwards"
        )
        assert (session["progress"] == 100) == (session["status"] == "completed"), "I8: 100 means completed"
        assert progress["uploaded_bytes"] <= progress["total_bytes"], "I8: no more than the file"
        self.sessions[upload_id] = session
        self.errors[upload_id] = message["error"]
        self.ranks[upload_id] = session["rank"]
        self.on_session(session)

    def listen(
        self, on_message: Callable[[str, FileSource | None], None], on_gone: Callable[[], None]
    ) -> None:
        raise AssertionError("the engine is told by the test")

    async def until(self, upload_id: str, *words: str, seconds: float = 1e6) -> dict[str, Any]:
        """The session once its status or phase is one of ``words``; fails after so many virtual seconds (I6)."""
        async with asyncio.timeout(seconds):
            while True:
                session = self.sessions.get(upload_id, {"status": "", "phase": ""})
                if session["status"] in words or session["phase"] in words:
                    return session
                self.heard.clear()
                await self.heard.wait()


_SHOWN = {
    "uploadId": "upload_id",
    "fileName": "file_name",
    "s3Key": "s3_key",
    "status": "status",
    "phase": "phase",
    "progress": "progress",
    "partsUploaded": "parts_uploaded",
    "fileAccess": "file_access",
    "rank": "rank",
}


def _decode_quickly(body: str) -> dict[str, Any]:
    """A message of the engine, without the codec's checks."""
    message = json.loads(body)
    if message["type"] == p.UPLOAD_SNAPSHOT:
        session, progress = message["session"], message["progress"]
        message["session"] = {name: session[wire_name] for wire_name, name in _SHOWN.items()}
        message["progress"] = {
            "uploaded_bytes": progress["uploadedBytes"],
            "total_bytes": progress["totalBytes"],
        }
    elif "uploadId" in message:
        message["upload_id"] = message["uploadId"]
    return message  # type: ignore[no-any-return]


CAPABILITIES = {
    "worker": "none",
    "storage": "memory",
    "transports": ["xhr"],
    "python": "3",
    "boot": "plain",
    "warnings": [],
}


class Life:
    """One engine's life in a world; leaving the context kills it as a crash does: at once, with no good-bye.

    ``spare``: the tasks that are not the browser's, and live on.
    """

    def __init__(
        self,
        world: World,
        store: SessionStore,
        seed: int = 1,
        *,
        key: GuestKey | None = None,
        keeper: FileKeeper | None = None,
        clock: VirtualClock | None = None,
        strict: bool = True,
        **config: object,
    ) -> None:
        self.page = Page(strict=strict)
        self.page.on_session = world.oracle.shown
        self.log: list[str] = []
        self.world, self.store = world, store
        self.clock = clock or VirtualClock()
        outside = Outside(
            signer=world,
            object_url=lambda key: "http://s" + object_path(key),
            takes_guests=True,
            guest_key=key or NoGuestKey(),
            transports=Transports(fetch=world, xhr=world),
            store=store,
            file_keeper=keeper or NoFileKeeper(),
            clock=self.clock,
            rng=random.Random(seed),
            log=self._logged,
        )
        self.spare = tuple(self.world.loop.live_tasks())
        self.engine = Engine(outside, p.check_upload_config(config), CAPABILITIES)
        self.engine.dispatcher.policy.budget = WatchedBudget(world.oracle)

    def _logged(self, line: str) -> None:
        self.world.oracle.heard(line)
        self.world.tell(f"      {line}")
        self.log.append(line)

    async def __aenter__(self) -> Life:
        self.running = asyncio.create_task(self.engine.run())
        self.say(p.HELLO, config={})
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.running.done():
            self.running.result()
        for task in self.world.loop.live_tasks():  # all at once, in an order that a replay repeats
            if task not in self.spare and task is not asyncio.current_task():
                task.cancel()
        await asyncio.wait((self.running,))
        recorded = {
            str(record.get("serverUploadId")).partition("~")[0] for record in await self.store.load("me")
        }
        self.world.oracle.life_ended(recorded, forgetful=False)

    def say(self, kind: str, file: FileSource | None = None, **fields: object) -> None:
        """The page says something; what a person cancels is noted."""
        if isinstance(file, Disk):
            self.world.oracle.given.append(file)
        if kind in (p.CANCEL_UPLOAD, p.CANCEL_ALL):
            for upload_id in [fields["upload_id"]] if fields else [*self.page.sessions]:
                session = self.page.sessions.get(str(upload_id))
                if disk := self.world.oracle.files.get(str(upload_id)):
                    self.world.oracle.cancelled.add(disk.name)
                elif session:
                    self.world.oracle.cancelled.add(session["file_name"])
        self.engine.receive(self.page, p.encode_message({"type": kind, **fields}), file)

    def start(self, upload_id: str, file: Disk, project_id: str = "p", s3_key: str = "") -> None:
        self.world.oracle.files.setdefault(upload_id, file)
        self.say(p.START_UPLOAD, file, upload_id=upload_id, project_id=project_id, s3_key=s3_key)
