"""A line between a browser and a store that can be slow, silent, cut or refused.

It copies bytes and knows nothing of HTTP. Presigned URLs name their host, so the server has to presign for the
proxy's address (its separate public endpoint).
"""

from __future__ import annotations

import asyncio
import contextlib

from tests.fakes.http_wire import reset

BLOCK = 16 * 1024
UNDER_WAY = 64
"""Blocks that may be on the line at once, each way: 1 MiB."""


class TcpProxy:
    """Use as an asynchronous context manager. All attributes may be changed while it runs.

    latency: seconds that every byte takes, each way; bandwidth: bytes a second, upwards and all connections together,
    None for no limit; connections: how many were made in all; sent_up: bytes copied towards the store.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.latency = 0.0
        self.bandwidth: float | None = None
        self.connections = 0
        self.sent_up = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> TcpProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=BLOCK)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.cut()

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
                both.create_task(self._copy(reader, far_writer, up=True))
                both.create_task(self._copy(far_reader, writer, up=False))
        except* (ConnectionError, asyncio.CancelledError):
            reset(writer)
            reset(far_writer)
        finally:
            self._writers -= {writer, far_writer}
            writer.close()
            far_writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        """Copy until the end. What was read waits its latency in a line of its own, so that reading goes on."""
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(UNDER_WAY)

        async def deliver() -> None:
            while True:
                due, block = await under_way.get()
                await asyncio.sleep(max(0, due - loop.time()))
                await self._flowing.wait()
                if not block:
                    break
                writer.write(block)
                await writer.drain()
                self.sent_up += len(block) if up else 0
            with contextlib.suppress(OSError):
                writer.write_eof()

        async def fetch() -> None:
            while True:
                block = await reader.read(BLOCK)
                if up and self.bandwidth:
                    async with self._turn:
                        if self.bandwidth:  # it may have been lifted while this block waited for its turn
                            await asyncio.sleep(len(block) / self.bandwidth)
                await under_way.put((loop.time() + self.latency, block))
                if not block:
                    break

        async with asyncio.TaskGroup() as both:
            both.create_task(deliver())
            both.create_task(fetch())
