"""PartTransport and FileSource together: a file that changes while it is sent is never mixed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from upload_engine.core.errors import FileFault
from upload_engine.interfaces import FileSource, PartBody, PutRequest

from tests.contracts.roles import raised
from tests.contracts.roles.transport import SLOW, md5_of
from tests.contracts.roles.transport import Bench as TransportBench


@dataclass
class Bench:
    """line: a transport's bench; source: a file on disk of many MiB, with the bytes ``content``; change: as in
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


async def _change_under_way(bench: Bench, how: str) -> None:
    await bench.line.script({"rate": SLOW})
    body = await bench.source.part(0, bench.source.size)
    task = asyncio.ensure_future(_put(bench, body))
    await bench.line.arrival(64 * 1024)
    await bench.change(how)
    await bench.line.control({"hurry": bench.line.path})
    await _fault_or_old_bytes(bench, task)


async def _fault_or_old_bytes(bench: Bench, task: asyncio.Future[str]) -> None:
    if bench.notices:
        await raised(FileFault, task)
    else:
        assert await task == md5_of(bench.content), "new bytes were sent, or a mixture"


async def _put(bench: Bench, body: PartBody) -> str:
    """The MD5 of what arrived."""
    request = PutRequest(f"{bench.line.address}{bench.line.path}", {}, body)
    answer = await bench.line.transport.put(request, lambda _: None)
    return answer.headers["etag"].strip('"')
