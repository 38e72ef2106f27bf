"""The fault proxy does to a real connection what its methods say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from upload_engine.core.errors import NetworkFault
from upload_engine.interfaces import HttpResponse, PartBody, PutRequest

from tests.contracts.roles.transport import content, md5_of
from tests.fakes.adapters import SocketTransport
from tests.fakes.s3_server import ScriptedS3
from tests.fakes.tcp_proxy import TcpProxy

MIB = 1024 * 1024
Script = Callable[[ScriptedS3, TcpProxy], Coroutine[Any, Any, None]]


def play(script: Script) -> None:
    async def run() -> None:
        async with ScriptedS3() as s3, TcpProxy("127.0.0.1", s3.port) as line:
            await asyncio.wait_for(script(s3, line), 30)

    asyncio.run(run())


async def put(line: TcpProxy, body: bytes) -> HttpResponse:
    request = PutRequest(f"{line.url}/b/k", {}, PartBody(body, len(body)))
    return await SocketTransport().put(request, lambda _: None)


async def arrival(s3: ScriptedS3, received: int = 1) -> None:
    while not (found := s3.log("/b/k")) or found[-1].received < received:  # noqa: ASYNC110 - of any amount
        await asyncio.sleep(0.01)


def test_bytes_pass_both_ways() -> None:
    async def script(s3: ScriptedS3, line: TcpProxy) -> None:
        line.latency = 0.01
        answer = await put(line, content(3 * MIB))
        assert answer.headers["etag"] == f'"{md5_of(content(3 * MIB))}"'
        assert line.sent_up > 3 * MIB
        assert line.connections == 1

    play(script)


def test_a_cut_ends_what_is_under_way_and_nothing_else() -> None:
    async def script(s3: ScriptedS3, line: TcpProxy) -> None:
        s3.script("/b/k", {"rate": 4 * MIB})
        task = asyncio.create_task(put(line, content(16 * MIB)))
        await arrival(s3)
        assert await line.cut() == 1
        with pytest.raises(NetworkFault):
            await task
        [exchange] = await s3.ended("/b/k")
        assert exchange.end == "left"
        assert (await put(line, b"abc")).status == 200

    play(script)


def test_a_stall_moves_nothing_until_it_ends() -> None:
    async def script(s3: ScriptedS3, line: TcpProxy) -> None:
        s3.script("/b/k", {"rate": 16 * MIB})
        task = asyncio.create_task(put(line, content(16 * MIB)))
        await arrival(s3)
        await line.stall()
        await asyncio.sleep(0.4)  # in which a busy machine, too, takes most of what was under way
        before = s3.log("/b/k")[0].received
        await asyncio.sleep(0.2)
        assert s3.log("/b/k")[0].received <= before + MIB  # what the server's own buffer held
        assert not task.done()
        await line.flow()
        assert (await task).status == 200

    play(script)


def test_a_refusal_ends_old_and_new_connections() -> None:
    async def script(s3: ScriptedS3, line: TcpProxy) -> None:
        await line.refuse()
        with pytest.raises(NetworkFault):
            await put(line, b"abc")
        assert s3.log("/b/k") == []
        await line.accept()
        assert (await put(line, b"abc")).status == 200

    play(script)


def test_a_narrow_line_is_not_faster_than_it_says() -> None:
    async def script(s3: ScriptedS3, line: TcpProxy) -> None:
        line.bandwidth = 2.0 * MIB
        clock = asyncio.get_running_loop().time
        start = clock()
        await asyncio.gather(put(line, content(MIB)), put(line, content(MIB)))
        assert clock() - start >= 0.9  # two of them share it: the time can only be longer

    play(script)


def test_a_store_that_is_away_resets_the_connection() -> None:
    async def run() -> None:
        async with ScriptedS3() as s3:
            port = s3.port
        async with TcpProxy("127.0.0.1", port) as line:
            with pytest.raises(NetworkFault):
                await put(line, b"abc")

    asyncio.run(run())
