"""The tests' own adapters keep the contracts: what is shown with them holds for the browser's. (F3)"""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from upload_engine.demo.shelf import MemoryShelf
from upload_engine.interfaces import FileSource, PartBody
from upload_engine.memory_store import MemoryStore

from tests.contracts.roles import (
    Clause,
    clauses,
    clock,
    file_keeper,
    file_source,
    port,
    session_store,
    shelf,
    signer,
    transport,
)
from tests.contracts.site import Site
from tests.fakes.adapters import (
    DiskFile,
    LoopClock,
    MemoryFileKeeper,
    QueuePort,
    SocketSigner,
    SocketTransport,
)
from tests.fakes.s3_server import ScriptedS3

PATH = "/bucket/key"
LIMIT = 30.0


def of(role: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("clause", clauses(role).values(), ids=clauses(role).keys())


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@of(transport)
def test_transport(clause: Clause) -> None:
    async def run() -> None:
        async with ScriptedS3() as s3:

            def body(content: bytes) -> PartBody:
                return PartBody(content, len(content))

            bench = transport.Bench(SocketTransport(), s3.url, PATH, True, body, s3.control, free_address())
            await asyncio.wait_for(clause(bench), LIMIT)

    asyncio.run(run())


@of(signer)
def test_signer(clause: Clause) -> None:
    async def run() -> None:
        async with ScriptedS3() as s3:
            bench = signer.Bench(SocketSigner(s3.url), SocketSigner(free_address()), PATH, s3.control)
            await asyncio.wait_for(clause(bench), LIMIT)

    asyncio.run(run())


@of(file_source)
@pytest.mark.parametrize("size", [4096, 700_000, 3_000_001])
def test_file_source(clause: Clause, size: int, tmp_path: Path) -> None:
    async def read(body: PartBody) -> bytes:
        content: bytes = body.content
        return content

    async def change(how: str) -> None:
        Site(tmp_path).change_file(file_source.NAME, how)

    source = DiskFile(make_file(tmp_path, size))
    asyncio.run(_limited(clause, file_source.Bench(source, transport.content(size), read, change)))


@of(session_store)
def test_session_store(clause: Clause) -> None:
    store = MemoryStore()
    asyncio.run(_limited(clause, session_store.Bench(lambda: store)))


@of(shelf)
def test_shelf(clause: Clause) -> None:
    kept = MemoryShelf()

    def fill() -> None:
        kept.limit = 1_000

    bench = shelf.Bench(lambda: kept, lambda content: PartBody(content, len(content)), fill)
    asyncio.run(_limited(clause, bench))


@of(file_keeper)
def test_file_keeper(clause: Clause, tmp_path: Path) -> None:
    keeper = MemoryFileKeeper()

    def reopen(copy_limit: int | None, offline_limit: int | None = None) -> MemoryFileKeeper:
        keeper.copy_limit = copy_limit or 0
        keeper.offline_limit = max(keeper.copy_limit, offline_limit or 0)
        return keeper

    async def handed(name: str, has_handle: bool) -> FileSource:
        (tmp_path / name).write_bytes(file_keeper.CONTENT)
        file = DiskFile(tmp_path / name)
        file.has_handle = has_handle
        return file

    async def read(body: PartBody) -> bytes:
        content: bytes = body.content
        return content

    def allow(access: Any) -> None:
        keeper.access = access

    def fill() -> None:
        keeper.room = 0

    asyncio.run(_limited(clause, file_keeper.Bench(reopen, handed, allow, read, fill)))


@of(clock)
def test_clock(clause: Clause) -> None:
    asyncio.run(_limited(clause, clock.Bench(LoopClock())))


@of(port)
def test_port(clause: Clause, tmp_path: Path) -> None:
    line = QueuePort()
    (tmp_path / "a.bin").touch()

    async def say(body: str, name: str) -> None:
        file: FileSource | None = DiskFile(tmp_path / name) if name else None
        line.say(body, file)

    asyncio.run(
        _limited(
            clause,
            port.Bench(
                line, say, lambda: line.heard, line.leave, handle=object(), beside=lambda: line.handles
            ),
        )
    )


def make_file(folder: Path, size: int) -> Path:
    """The file that the FileSource contract is about."""
    path = folder / file_source.NAME
    path.write_bytes(transport.content(size))
    os.utime(path, ns=(file_source.LAST_MODIFIED * 1_000_000,) * 2)
    return path


async def _limited(clause: Clause, bench: Any) -> None:
    await asyncio.wait_for(clause(bench), LIMIT)
