"""The demo on a stage: the real engine over a bucket in memory, in virtual time, and a page that pulls the levers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from upload_engine.demo.demo import Demo
from upload_engine.demo.shelf import MemoryShelf
from upload_engine.dispatcher import Outside
from upload_engine.engine import Engine
from upload_engine.interfaces import FileSource
from upload_engine.memory_store import MemoryStore, NoFileKeeper, NoGuestKey
from upload_engine.operations import Transports
from uploads import protocol as p

from tests.fakes.adapters import DiskFile, QueuePort
from tests.simulation.virtual_time import VirtualClock, VirtualLoop

PART = 5 * 1024 * 1024
SIZE = 3 * PART + 1
LEVERS: dict[str, Any] = {
    "bandwidth": 4_000_000,
    "latency": 100,
    "loss": 0,
    "offline": False,
    "failing": False,
}


class Stage:
    """One worker's life, on a shelf and a store that outlive it. Use as an asynchronous context manager."""

    def __init__(self, shelf: MemoryShelf, store: MemoryStore, seed: int = 1) -> None:
        clock = VirtualClock()
        self.crashed = asyncio.Event()
        self.demo = Demo(shelf, clock, random.Random(seed), self.crashed.set)
        outside = Outside(
            signer=self.demo.signer,
            object_url=self.demo.object_url,
            takes_guests=False,
            guest_key=NoGuestKey(),
            transports=Transports(fetch=self.demo.transport, xhr=self.demo.transport),
            store=store,
            file_keeper=NoFileKeeper(),
            clock=clock,
            rng=random.Random(seed),
            log=lambda line: None,
        )
        told = {
            "worker": "none",
            "storage": "memory",
            "transports": [],
            "python": "3",
            "boot": "plain",
            "warnings": [],
        }
        self.engine = Engine(outside, p.check_upload_config({"chunk_size": PART}), told)
        self.port = QueuePort()
        self.messages: list[dict[str, Any]] = []

    async def __aenter__(self) -> Stage:
        self._running = [asyncio.ensure_future(work) for work in (self.engine.run(), self.demo.desk.run())]
        self.say(p.HELLO, config={})
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.wait(self._running)

    def say(self, kind: str, file: FileSource | None = None, **fields: object) -> None:
        """As a page does."""
        body = p.encode_message({"type": kind, **fields})
        if not self.demo.desk.hear(self.port, body, file):
            self.engine.receive(self.port, body, file)

    def set(self, **levers: object) -> None:
        self.say(p.DEMO_NETWORK, **{**LEVERS, **levers})

    def start(self, file: FileSource) -> None:
        self.say(p.START_UPLOAD, file, upload_id="u1", project_id="p", s3_key="")

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """What the page was told, of this type."""
        self.messages += map(p.decode_worker_response, self.port.heard)
        self.port.heard.clear()
        return [message for message in self.messages if message["type"] == kind]

    async def until(self, is_true: Callable[[], object], seconds: float = 36_000) -> None:
        """Virtual seconds."""
        for _ in range(int(seconds * 10)):
            if is_true():
                return
            await asyncio.sleep(0.1)
        raise AssertionError(self.shown())

    def shown(self) -> dict[str, Any]:
        """The last snapshot."""
        snapshots = self.heard(p.UPLOAD_SNAPSHOT)
        return snapshots[-1] if snapshots else {"session": {"phase": ""}}

    async def phase(self, *words: str) -> dict[str, Any]:
        await self.until(lambda: self.shown()["session"]["phase"] in words)
        return self.shown()


def play(
    story: Callable[[Stage], Coroutine[Any, Any, None]],
    *,
    shelf: MemoryShelf | None = None,
    store: MemoryStore | None = None,
    seed: int = 1,
) -> None:
    """Run a story to its end. Only bugs of the engine and of the desk come out beside its own assertions."""

    async def begin() -> None:
        async with Stage(shelf or MemoryShelf(), store or MemoryStore(), seed) as stage:
            stage.set()
            await story(stage)

    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(begin())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def make_file(folder: Path, seed: int = 1) -> DiskFile:
    path = folder / "film.bin"
    path.write_bytes(random.Random(seed).randbytes(SIZE))
    return DiskFile(path)
