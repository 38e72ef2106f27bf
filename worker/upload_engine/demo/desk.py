"""The demo's desk: hears what the pages' panels want, and tells them how the network and the store are."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from uploads import protocol as p

from upload_engine.core.errors import UploadFault
from upload_engine.demo.bucket import Bucket
from upload_engine.demo.links import Links
from upload_engine.demo.network import Conditions, Network
from upload_engine.demo.shelf import STEP, Shelf
from upload_engine.demo.tally import Tally
from upload_engine.interfaces import Clock, FileSource, Port

TELL_EVERY = 0.2
"""Seconds between two states sent to the pages."""
LAST_WORDS = 0.05
"""Seconds that they take to leave a worker: Firefox drops what is said in the very moment of its end."""
SWEEP_AFTER = 20.0
"""Seconds after the start: by then every page has said which objects it still shows."""

Message = dict[str, Any]


class Desk:
    """``crash`` ends the worker as if it had been killed."""

    def __init__(
        self,
        network: Network,
        bucket: Bucket,
        links: Links,
        shelf: Shelf,
        tally: Tally,
        clock: Clock,
        crash: Callable[[], None],
    ) -> None:
        self._network = network
        self._bucket = bucket
        self._links = links
        self._shelf = shelf
        self._tally = tally
        self._clock = clock
        self._crash = crash
        self._ports: list[Port] = []
        self._wanted: set[str] = set()
        self._jobs: asyncio.Queue[Coroutine[Any, Any, None]] = asyncio.Queue()
        self._news = asyncio.Event()
        self._room: int | None = None
        tally.on_change = self._news.set

    def hear(self, port: Port, body: str, file: FileSource | None) -> bool:
        """Take in a page's message; whether it was for the demo. The engine hears of all the others."""
        try:
            message = p.decode_worker_message(body)
        except p.ProtocolError:
            return False
        kind = message["type"]
        if kind == p.HELLO and port not in self._ports:
            self._ports.append(port)
            self._news.set()
        elif kind == p.GOODBYE and port in self._ports:
            self._ports.remove(port)
        elif kind == p.DEMO_NETWORK:
            self._change(message)
        elif kind == p.DEMO_EXPIRE_LINKS:
            self._links.expire()
            self._tally.links_expired()
            self._tally.tell("All links signed so far have expired.")
        elif kind == p.DEMO_CRASH:
            self._jobs.put_nowait(self._end())
        elif kind == p.DEMO_KEEP:
            self._wanted.update(message["s3_keys"])
            self._jobs.put_nowait(self._relink(port, message["s3_keys"]))
        elif kind == p.DEMO_FORGET:
            self._jobs.put_nowait(self._forget(message["s3_key"]))
        elif kind == p.DEMO_CLEAR:
            self._jobs.put_nowait(self._clear())
        elif kind == p.DEMO_VERIFY:
            self._jobs.put_nowait(self._verify(port, message, file))
        return str(kind).startswith("DEMO_")

    async def run(self) -> None:
        """Do what pages ask for, for ever. Only bugs come out."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell_for_ever())
            group.create_task(self._sweep())
            while True:
                group.create_task(self._try(await self._jobs.get()))

    async def _try(self, job: Coroutine[Any, Any, None]) -> None:
        """The storage may be out of order, and an object or a file may be gone."""
        try:
            await job
        except UploadFault as fault:
            self._tally.tell(f"{fault.message}.")

    def _change(self, wanted: Message) -> None:
        before = self._network.conditions
        now = self._network.conditions = Conditions(
            bandwidth=wanted["bandwidth"],
            latency=wanted["latency"] / 1000,
            loss=wanted["loss"] / 100,
            offline=wanted["offline"],
            failing=wanted["failing"],
        )
        if now.offline and not before.offline:
            count = self._network.under_way
            broken = "1 request" if count == 1 else f"{count} requests"
            self._tally.tell(f"The network is gone: {broken} broke off.")
        elif before.offline and not now.offline:
            self._tally.tell("The network is back.")
        if now.failing != before.failing:
            self._tally.tell(
                "The store refuses about every third part." if now.failing else "The store works again."
            )
        self._news.set()

    async def _end(self) -> None:
        """What was counted is told first: nobody can tell it later."""
        self._send(self._state(), *self._ports)
        await self._clock.sleep(LAST_WORDS)
        self._crash()

    async def _relink(self, port: Port, keys: list[str]) -> None:
        """Another worker stands in for one that is gone, and with it the addresses that it had given."""
        await self._bucket.open()
        for key in keys:
            if found := self._bucket.object_at(key):
                await self._bucket.link(found)
            url = found.url if found else ""  # kept in memory, it went with that worker
            self._send({"type": p.DEMO_OBJECT, "s3_key": key, "object_url": url}, port)

    async def _forget(self, key: str) -> None:
        await self._bucket.open()
        if found := self._bucket.object_at(key):
            await self._bucket.remove(found)
            self._tally.tell("An object was removed, and its bytes with it.")

    async def _clear(self) -> None:
        await self._bucket.open()
        await self._bucket.clear()
        self._tally.tell("Everything was removed from this browser.")

    async def _sweep(self) -> None:
        await self._clock.sleep(SWEEP_AFTER)
        new = {upload.key for upload in self._bucket.uploads.values() if upload.url}
        await self._try(self._sweep_but(self._wanted | new))

    async def _sweep_but(self, wanted: set[str]) -> None:
        await self._bucket.open()
        await self._bucket.sweep(wanted)
        self._news.set()

    async def _verify(self, port: Port, message: Message, file: FileSource | None) -> None:
        """Compare an object with the file that a page has still in its hands."""
        await self._bucket.open()
        found = self._bucket.object_at(message["s3_key"])
        answer = {
            "type": p.DEMO_VERIFIED,
            "upload_id": message["upload_id"],
            "file_sha256": await self._sum_of_file(file) if file else None,
            "object_sha256": await _sha256(self._bucket.read(found)) if found else None,
        }
        self._send(answer, port)

    async def _sum_of_file(self, file: FileSource) -> str:
        async def pieces() -> AsyncIterator[bytes]:
            for offset in range(0, file.size, STEP):
                body = await file.part(offset, min(STEP, file.size - offset))
                async for piece in self._shelf.pieces_of(body):
                    yield piece

        return await _sha256(pieces())

    async def _tell_for_ever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self._room = await self._shelf.room()
            self._send(self._state(), *self._ports)
            await self._clock.sleep(TELL_EVERY)

    def _state(self) -> Message:
        conditions = self._network.conditions
        return {
            "type": p.DEMO_STATE,
            "network": {
                "bandwidth": conditions.bandwidth,
                "latency": round(conditions.latency * 1000),
                "loss": round(conditions.loss * 100),
                "offline": conditions.offline,
                "failing": conditions.failing,
            },
            "counters": self._tally.as_dict(),
            "bytes_stored": self._bucket.bytes_stored,
            "quota": self._room,
            "events": list(self._tally.events),
        }

    def _send(self, message: Message, *ports: Port) -> None:
        for port in ports:
            port.post(p.encode_message(message))


async def _sha256(pieces: AsyncIterator[bytes]) -> str:
    digest = hashlib.sha256()
    async for piece in pieces:
        digest.update(piece)
        await asyncio.sleep(0)
    return digest.hexdigest()
