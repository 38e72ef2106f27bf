"""PartTransport and FileSource together: a file that changes while it is sent is never mixed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from upload_engine.core.errors import FileFault
from upload_engine.core.fingerprint import is_taken_whole
from upload_engine.interfaces import FileSource, PartBody, PutRequest

from tests.contracts.roles import raised
from tests.contracts.roles.transport import SLOW, md5_of
from tests.contracts.roles.transport import Bench as TransportBench


@dataclass
class Bench:
    """line: a transport's bench; source: a file on disk, with the bytes ``content``; change: as in
    ``file_source``; notices: the adapters know of a change in mid-request (else they send what they read before).
    """

    line: TransportBench
    source: FileSource
    content: bytes
    change: Callable[[str], Awaitable[None]]
    notices: bool


async def an_unchanged_file_arrives(bench: Bench) -> None:
    answer = await _put(bench, await bench.source.part(0, bench.source.size))
    assert answer == md5_of(bench.content), answer


async def a_file_shortened_while_it_is_sent(bench: Bench) -> None:
    """Faults 57, 58."""
    await _change_under_way(bench, "shorten")


async def a_file_overwritten_while_it_is_sent(bench: Bench) -> None:
    """Faults 57, 58."""
    await _change_under_way(bench, "overwrite")


async def a_file_changed_before_it_is_sent(bench: Bench) -> None:
    """The time between the part's hand-over and its request may be long: it waits for a slot."""
    body = await bench.source.part(0, bench.source.size)
    await bench.change("overwrite")
    await _fault_or_old_bytes(bench, asyncio.ensure_future(_put(bench, body)))


async def a_file_deleted_before_it_is_sent(bench: Bench) -> None:
    """Fault 62."""
    body = await bench.source.part(0, bench.source.size)
    await bench.change("delete")
    await _fault_or_old_bytes(bench, asyncio.ensure_future(_put(bench, body)))


async def a_small_file_overwritten_before_it_is_sent_whole(bench: Bench) -> None:
    await _change_before_whole(bench, "overwrite")


async def a_small_file_deleted_before_it_is_sent_whole(bench: Bench) -> None:
    """Fault 62."""
    await _change_before_whole(bench, "delete")


async def a_small_file_overwritten_while_it_is_sent_whole(bench: Bench) -> None:
    """Faults 57, 58: the bytes that were read, if they had left already; or a fault."""
    if is_taken_whole(bench.source.size):
        await bench.source.sample()
        with suppress(FileFault):
            assert await (await _begin(bench, "overwrite", _put_whole(bench))) == md5_of(bench.content)


async def _change_before_whole(bench: Bench, how: str) -> None:
    if is_taken_whole(bench.source.size):
        await bench.source.sample()
        await bench.change(how)
        await raised(FileFault, _put_whole(bench))


async def _put_whole(bench: Bench) -> str:
    whole = await bench.source.whole()
    return await _put(bench, whole.body, whole.md5)


async def _change_under_way(bench: Bench, how: str) -> None:
    body = await bench.source.part(0, bench.source.size)
    await _fault_or_old_bytes(bench, await _begin(bench, how, _put(bench, body)))


async def _begin(bench: Bench, how: str, putting: Coroutine[Any, Any, str]) -> asyncio.Future[str]:
    """A body on its way, whose file is changed meanwhile."""
    await bench.line.script({"rate": SLOW})
    task = asyncio.ensure_future(putting)
    await bench.line.arrival(64 * 1024)
    await bench.change(how)
    await bench.line.control({"hurry": bench.line.path})
    return task


async def _fault_or_old_bytes(bench: Bench, task: asyncio.Future[str]) -> None:
    if bench.notices:
        await raised(FileFault, task)
    else:
        assert await task == md5_of(bench.content), "new bytes were sent, or a mixture"


async def _put(bench: Bench, body: PartBody, md5: str = "") -> str:
    """The MD5 of what arrived."""
    request = PutRequest(f"{bench.line.address}{bench.line.path}", {}, body, md5=md5)
    answer = await bench.line.transport.put(request, lambda _: None)
    return answer.headers["etag"].strip('"')
