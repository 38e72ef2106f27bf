"""A signing server, a store, a network and a person's files, all of them in memory and all of them breakable.

Bytes are not kept: the content of a range is the tuple ``(file content, offset, size)``, so that a file of many
gigabytes costs nothing and a mixed-up object is still seen.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from upload_engine.core.checksums import multipart_etag
from upload_engine.core.errors import FileChanged, FileUnreadable, NetworkFault
from upload_engine.core.parts import count_parts, part_range
from upload_engine.engine import Engine, Outside
from upload_engine.interfaces import ApiRequest, FileSource, GuestKey, HttpResponse, PartBody, PutRequest
from upload_engine.memory_store import NoGuestKey
from upload_engine.operations import Transports
from uploads import protocol as p

from tests.simulation.virtual_time import VirtualClock

PUT_KINDS = ("reset", "lost answer", "500", "503", "429", "403", "portal", "stall", "bare 503")
CALL_KINDS = ("reset", "lost answer", "500", "503", "portal")


class Disk:
    """A person's file. ``content`` names its bytes; change it and the file has been edited."""

    def __init__(self, name: str, size: int, content: str = "v1", last_modified: int = 1) -> None:
        self.name, self.size, self.content_type, self.last_modified = (
            name,
            size,
            "application/octet-stream",
            last_modified,
        )
        self.content = content
        self.edited = False
        self.readable = True

    async def sample(self) -> str:
        self._check()
        return hashlib.sha256(self.content.encode()).hexdigest()

    async def part(self, offset: int, size: int) -> PartBody:
        self._check()
        return PartBody((self.content, offset, size), size)

    async def checksum(self, body: PartBody) -> str:
        self._check()
        return etag_of(body.content)

    def _check(self) -> None:
        if not self.readable:
            raise FileUnreadable("gone")
        if self.edited:
            raise FileChanged("the file has been changed")


def etag_of(content: Any) -> str:
    return hashlib.md5(repr(content).encode(), usedforsecurity=False).hexdigest()


@dataclass
class Multipart:
    key: str
    size: int
    part_size: int
    created_at: float
    parts: dict[int, tuple[Any, int]] = field(default_factory=dict)
    state: str = "open"


@dataclass
class World:
    """``trouble(kind of request)`` names the fault that strikes a request, or ""."""

    trouble: Callable[[str], str] = lambda _: ""
    bytes_per_second: float = 50e6
    url_lifetime: float = 900.0
    up: bool = True
    signed_in: bool = True
    cookie: str = "me"
    new_guest: bool = True
    uploads: dict[str, Multipart] = field(default_factory=dict)
    objects: dict[str, list[Any]] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    bytes_stored: int = 0
    puts_under_way: int = 0
    most_puts: int = 0
    orphans: set[str] = field(default_factory=set)

    # The network.

    async def _pass(self, kind: str) -> str:
        self.calls[kind] += 1
        await asyncio.sleep(0.02)
        if not self.up:
            raise NetworkFault("offline")
        fault = self.trouble(kind)
        if fault:
            self.struck[f"{kind}: {fault}"] += 1
        if fault == "reset":
            raise NetworkFault("reset")
        return fault

    # The store.

    async def put(self, request: PutRequest, on_progress: Callable[[int], None]) -> HttpResponse:
        self.puts_under_way += 1
        self.most_puts = max(self.most_puts, self.puts_under_way)
        try:
            return await self._put(request, on_progress)
        finally:
            self.puts_under_way -= 1

    async def _put(self, request: PutRequest, on_progress: Callable[[int], None]) -> HttpResponse:
        fault = await self._pass("put")
        upload_id, number, expires_at = request.url.split("|")
        if fault == "stall":
            await asyncio.sleep(10**9)
        for step in (1, 2, 3, 4):
            await asyncio.sleep(request.body.size / self.bytes_per_second / 4)
            if not self.up:
                raise NetworkFault("the line broke")
            on_progress(request.body.size * step // 4)
        if fault == "portal":
            return HttpResponse(200, {}, "<html>Sign in to this Wi-Fi</html>")
        if fault == "bare 503":
            raise NetworkFault("503 without CORS headers")
        if fault == "429":
            return HttpResponse(429, {"retry-after": "3"}, _xml("TooManyRequests"))
        if fault and fault != "lost answer":
            code = {"500": "InternalError", "503": "SlowDown", "403": "AccessDenied"}[fault]
            return HttpResponse(int(fault), {}, _xml(code))
        if _now() > float(expires_at):
            return HttpResponse(403, {}, _xml("AccessDenied"))
        upload = self.uploads[upload_id]
        if upload.state != "open":
            return HttpResponse(404, {}, _xml("NoSuchUpload"))
        assert request.body.size == part_range(int(number), upload.size, upload.part_size)[1], (
            "signed Content-Length"
        )
        upload.parts[int(number)] = (request.body.content, request.body.size)
        self.bytes_stored += request.body.size
        if fault == "lost answer":
            raise NetworkFault("the answer was lost")
        return HttpResponse(200, {"etag": f'"{etag_of(request.body.content)}"'}, "")

    # The signing server.

    async def call(self, request: ApiRequest) -> HttpResponse:
        url = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        route = url.path.removeprefix("/s3/multipart/").split("/")
        tail = route[1] if len(route) > 1 and url.path.startswith("/s3/multipart/") else ""
        kind = f"{request.method} {tail or ('create' if url.path == '/s3/multipart' else url.path.split('/')[1])}"
        fault = await self._pass(kind)
        if fault == "portal":
            return HttpResponse(200, {}, "<html>Sign in to this Wi-Fi</html>")
        if fault and fault != "lost answer":
            return HttpResponse(int(fault), {}, json.dumps({"code": "StoreDown", "message": "no"}))
        if not self.signed_in:
            return HttpResponse(401, {}, json.dumps({"code": "SignInRequired", "message": "sign in"}))
        answer = self._answer(request, url.path, unquote(route[0]), tail, query)
        if fault == "lost answer":
            if kind == "POST create":
                self.orphans.add(json.loads(answer.text)["uploadId"])
            raise NetworkFault("the answer was lost")
        return answer

    def _answer(
        self, request: ApiRequest, path: str, upload_id: str, tail: str, query: dict[str, str]
    ) -> HttpResponse:
        if path == "/healthz":
            return _json({"status": "ok"})
        if path == "/s3/uploads":
            return _json({"userId": self.cookie, "isNewGuest": self.new_guest, "uploads": []})
        if path.startswith("/s3/guest/"):
            return self._guest(path, request.json)
        if path == "/s3/multipart":
            return self._create(request.json)
        upload = self.uploads[upload_id]
        if tail == "status":
            return _json(
                {"state": {"open": "open", "completed": "completed"}.get(upload.state, "missing")}
                | self._head(upload)
            )
        if tail == "complete" and upload.state == "completed":
            return _json(self._head(upload))
        if upload.state != "open":
            return _json({"code": "NoSuchUpload", "message": "gone"}, 404)
        if tail == "batch":
            return _json(self._sign(upload_id, "presignedUrls", query["partNumbers"].split(",")))
        if tail == "complete":
            return self._complete(upload, request.json["parts"])
        if request.method == "DELETE":
            upload.state = "aborted"
            return _json({})
        rows = [
            {"PartNumber": n, "ETag": etag_of(content), "Size": size}
            for n, (content, size) in upload.parts.items()
        ]
        return _json(rows)

    def _guest(self, path: str, body: Any) -> HttpResponse:
        if path == "/s3/guest/key":
            return _json({"userId": self.cookie, "key": base64.b64encode(guest_key(self.cookie)).decode()})
        if path == "/s3/guest/challenge":
            return _json({"challenge": "c-1"})
        if body["proof"] != hmac.digest(guest_key(body["userId"]), b"c-1", "sha256").hex():
            return _json({"code": "WrongProof", "message": "no"}, 403)
        self.cookie, self.new_guest = body["userId"], False
        return _json({"userId": self.cookie})

    def _create(self, body: dict[str, Any]) -> HttpResponse:
        upload_id = f"upload {len(self.uploads) + 1}"
        upload = self.uploads[upload_id] = Multipart(
            f"me/{len(self.uploads)}", body["size"], body["partSize"], _now()
        )
        numbers = range(1, min(100, count_parts(upload.size, upload.part_size)) + 1)
        signed = self._sign(upload_id, "urls", [str(number) for number in numbers])
        return _json(
            {"key": upload.key, "uploadId": upload_id, "bucket": "b", "userId": self.cookie} | signed
        )

    def _sign(self, upload_id: str, name: str, numbers: Sequence[str]) -> dict[str, Any]:
        expires_at = _now() + self.url_lifetime
        urls = {number: f"{upload_id}|{number}|{expires_at}" for number in numbers}
        return {name: urls, "expires": self.url_lifetime, "partSize": self.uploads[upload_id].part_size}

    def _complete(self, upload: Multipart, parts: list[dict[str, Any]]) -> HttpResponse:
        for part in parts:
            kept = upload.parts.get(part["PartNumber"])
            if kept is None or etag_of(kept[0]) != part["ETag"]:
                return _json({"code": "InvalidPart", "message": "no such part"}, 400)
        upload.state = "completed"
        assert upload.key not in self.objects, "invariant I4: one object per upload"
        self.objects[upload.key] = [upload.parts[part["PartNumber"]][0] for part in parts]
        return _json(self._head(upload))

    def _head(self, upload: Multipart) -> dict[str, Any]:
        content = self.objects.get(upload.key)
        if content is None:
            return {"size": None, "etag": None, "proof": False}
        size = sum(piece[2] for piece in content)
        return {"size": size, "etag": multipart_etag(etag_of(piece) for piece in content), "proof": True}

    def holds(self, key: str, file: Disk) -> bool:
        """Invariant I1: the object's bytes are the file's bytes."""
        at = 0
        for content, offset, size in self.objects[key]:
            if (content, offset) != (file.content, at):
                return False
            at += size
        return at == file.size

    def open_uploads(self) -> list[str]:
        """Open multipart uploads, but for those whose creation nobody heard of."""
        return [
            name
            for name, upload in self.uploads.items()
            if upload.state == "open" and name not in self.orphans
        ]


def guest_key(user_id: str) -> bytes:
    return hashlib.sha256(user_id.encode()).digest()


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


def _now() -> float:
    return asyncio.get_running_loop().time()


def _json(body: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, {}, json.dumps(body))


def _xml(code: str) -> str:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>"


CREATED_JUST_NOW = 1.0
"""Seconds: a call's way there and back, and the outbox's interval."""


class Page:
    """A page that believes what it is told, and checks invariant I8 while it listens."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, Any] = {}
        self.replaced: dict[str, str] = {}
        self.refused: list[str] = []
        self.capabilities: dict[str, Any] = {}
        self.texts: list[str] = []
        self._heard = asyncio.Event()

    def post(self, body: str) -> None:
        self.texts.append(body)
        message = p.decode_worker_response(body)
        if message["type"] == p.UPLOAD_SNAPSHOT:
            session, before = message["session"], self.sessions.get(message["session"]["upload_id"])
            if before:
                assert session["progress"] >= before["progress"], (
                    "invariant I8: progress never runs backwards"
                )
            assert (session["progress"] == 100) == (session["status"] == "completed"), (
                "I8: 100 means completed"
            )
            assert message["progress"]["uploaded_bytes"] <= message["progress"]["total_bytes"]
            self.sessions[session["upload_id"]] = session
            self.errors[session["upload_id"]] = message["error"]
        elif message["type"] == p.UPLOAD_REPLACED:
            self.replaced[message["upload_id"]] = message["by"]
        elif message["type"] == p.COMMAND_REFUSED:
            self.refused.append(message["message"])
        elif message["type"] == p.ENGINE_READY:
            self.capabilities = message["capabilities"]
        elif message["type"] == p.UPLOAD_REMOVED:
            del self.sessions[message["upload_id"]]
        self._heard.set()

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
                self._heard.clear()
                await self._heard.wait()


class Life:
    """One engine's life in a world; leaving the context kills it as a crash does: at once, with no good-bye."""

    def __init__(
        self, world: World, store: Any, seed: int = 1, key: GuestKey | None = None, **config: object
    ) -> None:
        self.page = Page()
        self.log: list[str] = []
        self._world, self._store = world, store
        self.clock = VirtualClock()
        transports = Transports(fetch=world, xhr=world)
        outside = Outside(
            world,
            "http://s",
            key or NoGuestKey(),
            transports,
            store,
            self.clock,
            random.Random(seed),
            self.log.append,
        )
        capabilities = {
            "worker": "none",
            "storage": "memory",
            "transports": ["xhr"],
            "python": "3",
            "warnings": [],
        }
        self.engine = Engine(outside, p.check_upload_config(config), capabilities)

    async def __aenter__(self) -> Life:
        self._running = asyncio.create_task(self.engine.run())
        self.say(p.HELLO, config={})
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running.done():
            self._running.result()
        self._running.cancel()
        await asyncio.wait((self._running,))
        recorded = {record.get("serverUploadId") for record in await self._store.load("me")}
        for name in self._world.open_uploads():
            if name not in recorded and _now() - self._world.uploads[name].created_at < CREATED_JUST_NOW:
                self._world.orphans.add(name)  # fault 48: killed between Create and its record

    def say(self, kind: str, file: FileSource | None = None, **fields: object) -> None:
        self.engine.receive(self.page, p.encode_message({"type": kind, **fields}), file)

    def start(self, upload_id: str, file: FileSource, project_id: str = "p") -> None:
        self.say(p.START_UPLOAD, file, upload_id=upload_id, project_id=project_id, s3_key="")
