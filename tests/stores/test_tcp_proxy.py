"""The line in front of a store is as bad as it is told to be (ACCEPTANCE D4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.fakes.http_wire import listen
from tests.fakes.tcp_proxy import TcpProxy

ANSWER = b"answer"


class Far:
    """What is behind the line: it reads so many bytes of each connection, then answers."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.heard = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heard += len(await reader.readexactly(self.wanted))
            writer.write(ANSWER)
            await writer.drain()
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def line(wanted: int) -> AsyncIterator[tuple[TcpProxy, Far]]:
    far = Far(wanted)
    server, port = await listen(far.serve)
    async with TcpProxy("127.0.0.1", port) as proxy:
        yield proxy, far
    server.close()


async def ask(proxy: TcpProxy, size: int) -> bytes:
    """Send so many bytes and wait for the answer; "" when the connection is reset."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(bytes(size))
        await writer.drain()
        return await reader.readexactly(len(ANSWER))
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""
    finally:
        if writer:
            writer.transport.abort()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


def test_answers_are_lost_when_all_has_arrived() -> None:
    """Fault 2."""

    async def test() -> None:
        async with line(100_000) as (proxy, far):
            proxy.answers_to_lose = 2
            assert [await ask(proxy, 100_000) for _ in range(3)] == [b"", b"", ANSWER]
            assert far.heard == 300_000

    run(test)


def test_a_share_of_the_connections_is_reset_by_seed() -> None:
    """Fault 13."""

    async def test() -> None:
        async with line(50_000) as (proxy, _):
            drawn = []
            for seed in (3, 3, 4):
                proxy.doom(0.4, within=50_000, seed=seed)
                drawn.append([bool(await ask(proxy, 50_000)) for _ in range(20)])
            assert drawn[0] == drawn[1] != drawn[2]
            assert proxy.doomed == sum(answers.count(False) for answers in drawn)
            assert 0 < proxy.doomed < 60
            proxy.spare()
            assert await ask(proxy, 50_000) == ANSWER

    run(test)


def test_a_line_that_is_down_comes_up_again() -> None:
    """Fault 5."""

    async def test() -> None:
        async with line(1000) as (proxy, _):
            down = asyncio.create_task(proxy.refuse_for(0.5))
            await asyncio.sleep(0.1)
            assert await ask(proxy, 1000) == b""
            await down
            assert await ask(proxy, 1000) == ANSWER

    run(test)


@pytest.mark.parametrize("rate", [20_000, 200_000])
def test_a_trickle_keeps_moving(rate: int) -> None:
    """Fault 4: a slow line moves a little all the time, not much now and then."""

    async def test() -> None:
        async with line(rate) as (proxy, _):
            proxy.bandwidth = rate
            asking = asyncio.create_task(ask(proxy, rate))
            steps = set()
            while not asking.done():
                steps.add(proxy.sent_up)
                await asyncio.sleep(0.01)
            assert asking.result() == ANSWER
            assert len(steps) >= 8

    run(test)
