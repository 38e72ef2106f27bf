"""A line between a browser and a store that can be slow, silent, cut or refused.

It copies bytes and knows nothing of HTTP. Presigned URLs name their host, so the server has to presign for the
proxy's address (its separate public endpoint).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time

from tests.fakes.http_wire import reset

BLOCK = 16 * 1024
UNDER_WAY = 64
"""Blocks that may be on the line at once, each way: 1 MiB."""
CATCH_UP = 0.05
"""Seconds of delay by a busy machine that the line makes up for, to be as fast as it is said to be."""
MOMENTS = 20
"""A slow line moves its bytes in about so many pieces a second, rather than in one block now and then."""


class TcpProxy:
    """Use as an asynchronous context manager. All attributes may be changed while it runs.

    latency: seconds that every byte takes, each way; bandwidth: bytes a second, upwards and all connections together,
    None for no limit; connections: how many were made in all; sent_up, sent_down: bytes copied towards the store and back;
    first_at: when the first of them went up, in seconds since 1970, or None; doomed: how many
    connections ``doom`` has reset; answers_to_lose: so many answers are never heard: their connections are reset at
    their first byte, when the request has long been through.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.latency = 0.0
        self.bandwidth: float | None = None
        self.connections = 0
        self.sent_up = self.sent_down = 0
        self.first_at: float | None = None
        self.doomed = 0
        self.answers_to_lose = 0
        self._doom: tuple[random.Random, float, int] | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._turn = asyncio.Lock()
        self._free_at = 0.0

    async def __aenter__(self) -> TcpProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=BLOCK)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.cut()

    def watch(self) -> None:
        """From now on look for the first byte: see ``first_at``."""
        self.first_at = None

    async def cut(self) -> int:
        """Reset every connection there is; new ones may be made. Returns how many were cut."""
        writers, self._writers = self._writers, set()
        for writer in writers:
            reset(writer)
        return len(writers) // 2

    async def stall(self) -> None:
        """Keep all connections, move no byte."""
        self._flowing.clear()

    async def flow(self) -> None:
        """End a stall."""
        self._flowing.set()

    async def refuse(self) -> None:
        """Reset what there is and every new connection at once: the machine is off the network."""
        self._refusing = True
        await self.cut()

    async def accept(self) -> None:
        """End a refusal."""
        self._refusing = False

    async def refuse_for(self, seconds: float) -> None:
        """Be off the network for so long."""
        await self.refuse()
        await asyncio.sleep(seconds)
        await self.accept()

    def doom(self, share: float, within: int, seed: int = 0) -> None:
        """From now on reset this share of new connections, each within its first so many bytes upwards."""
        self._doom = (random.Random(seed), share, within)

    def spare(self) -> None:
        """End it."""
        self._doom = None

    def _fate(self) -> int | None:
        """After how many bytes a new connection is reset, if it is."""
        if self._doom is None:
            return None
        dice, share, within = self._doom
        return dice.randrange(within) if dice.random() < share else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._refusing:
            reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target, limit=BLOCK)
        except OSError:
            reset(writer)
            return
        self._writers |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._copy(reader, far_writer, up=True, fate=self._fate()))
                both.create_task(self._copy(far_reader, writer, up=False))
        except* (ConnectionError, asyncio.CancelledError):
            reset(writer)
            reset(far_writer)
        finally:
            self._writers -= {writer, far_writer}
            writer.close()
            far_writer.close()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool, fate: int | None = None
    ) -> None:
        """Copy until the end. What was read waits its latency in a line of its own, so that reading goes on."""
        loop = asyncio.get_running_loop()
        copied = 0
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(UNDER_WAY)

        async def deliver() -> None:
            while True:
                due, block = await under_way.get()
                await asyncio.sleep(max(0, due - loop.time()))
                await self._flowing.wait()
                if not block:
                    break
                if not up and self.answers_to_lose:
                    self.answers_to_lose -= 1
                    raise ConnectionResetError
                writer.write(block)
                await writer.drain()
                if up:
                    self.sent_up += len(block)
                else:
                    self.sent_down += len(block)
            with contextlib.suppress(OSError):
                writer.write_eof()

        async def fetch() -> None:
            nonlocal copied
            while True:
                block = await reader.read(self._piece() if up else BLOCK)
                if up and block and self.first_at is None:
                    self.first_at = time.time()
                copied += len(block)
                if fate is not None and copied > fate:
                    self.doomed += 1
                    raise ConnectionResetError
                if up and self.bandwidth:
                    async with self._turn:
                        if self.bandwidth:  # it may have been lifted while this block waited for its turn
                            now = loop.time()
                            self._free_at = max(self._free_at, now - CATCH_UP) + len(block) / self.bandwidth
                            await asyncio.sleep(max(0, self._free_at - now))
                await under_way.put((loop.time() + self.latency, block))
                if not block:
                    break

        async with asyncio.TaskGroup() as both:
            both.create_task(deliver())
            both.create_task(fetch())

    def _piece(self) -> int:
        return BLOCK if not self.bandwidth else max(256, min(BLOCK, int(self.bandwidth / MOMENTS)))
