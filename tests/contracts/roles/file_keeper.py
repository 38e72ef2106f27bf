"""FileKeeper: what was kept is there, for its user alone, also for the next to open the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from upload_engine.core.errors import StorageFault
from upload_engine.interfaces import FileKeeper, FileSource, PartBody

from tests.contracts.roles import raised, transport

SIZE = 3_000
CONTENT = transport.content(SIZE)


@dataclass
class Bench:
    """open: another adapter on the same, at first empty, store, with a limit for copies, and one for those made offline.

    handed: a file of that name with ``CONTENT``, which came with a handle or without; allow: what the browser says of
    every handle from now on; read: the bytes of a part; fill: leave no room in the browser, as far as it says.
    """

    open: Callable[..., FileKeeper]
    handed: Callable[[str, bool], Awaitable[FileSource]]
    allow: Callable[[Literal["open", "ask", "denied"]], None]
    read: Callable[[PartBody], Awaitable[bytes]]
    fill: Callable[[], None]


async def starts_empty(bench: Bench) -> None:
    assert await bench.open(None).recall("ann") == {}


async def a_handle_comes_back_with_its_file(bench: Bench) -> None:
    file = await bench.handed("a.bin", True)
    assert await bench.open(None).keep("ann", "u1", file) == "handle"
    found = await bench.open(None).recall("ann")
    assert list(found) == ["u1"]
    kept = found["u1"]
    assert (kept.access, kept.is_copy) == ("open", False), kept
    assert kept.file
    assert (kept.file.name, kept.file.size) == ("a.bin", SIZE)
    assert kept.file.last_modified == file.last_modified
    assert await kept.file.sample() == await file.sample()
    assert await bench.read(await kept.file.part(0, SIZE)) == CONTENT


async def a_copy_comes_back_as_it_was(bench: Bench) -> None:
    file = await bench.handed("a.bin", False)
    assert await bench.open(SIZE).keep("ann", "u1", file) == "copy"
    kept = (await bench.open(None).recall("ann"))["u1"]
    assert (kept.access, kept.is_copy) == ("open", True), kept
    assert kept.file
    assert (kept.file.name, kept.file.size) == ("a.bin", SIZE)
    assert kept.file.last_modified == file.last_modified
    assert await kept.file.sample() == await file.sample()
    assert await bench.read(await kept.file.part(0, SIZE)) == CONTENT


async def no_copy_is_larger_than_allowed(bench: Bench) -> None:
    file = await bench.handed("a.bin", False)
    for limit in (None, SIZE - 1):
        assert await bench.open(limit).keep("ann", "u1", file) == ""
    assert await bench.open(None).recall("ann") == {}


async def offline_a_larger_file_is_copied_than_otherwise(bench: Bench) -> None:
    file, keeper = await bench.handed("a.bin", False), bench.open(None, SIZE)
    assert await keeper.keep("ann", "u1", file) == ""
    assert await keeper.keep("ann", "u1", file, is_offline=True) == "copy"
    assert await bench.open(None, SIZE - 1).keep("ann", "u2", file, is_offline=True) == ""
    assert await bench.open(SIZE, 0).keep("ann", "u3", file, is_offline=True) == "copy"
    assert sorted(await keeper.recall("ann")) == ["u1", "u3"]


async def what_is_nobodys_becomes_a_users_once(bench: Bench) -> None:
    keeper = bench.open(SIZE)
    await keeper.keep("", "u1", await bench.handed("a.bin", False))
    await keeper.keep("", "u2", await bench.handed("b.bin", True))
    await keeper.keep("bob", "u3", await bench.handed("c.bin", False))
    await keeper.adopt("ann")
    found = await bench.open(None).recall("ann")
    assert sorted(found) == ["u1", "u2"]
    copied = found["u1"].file
    assert copied
    assert await bench.read(await copied.part(0, SIZE)) == CONTENT
    assert await keeper.recall("") == {}
    await keeper.adopt("bob")
    assert list(await keeper.recall("bob")) == ["u3"]


async def without_room_there_is_no_copy(bench: Bench) -> None:
    bench.fill()
    fault = await raised(StorageFault, bench.open(SIZE).keep("ann", "u1", await bench.handed("a.bin", False)))
    assert "room" in str(fault), fault
    assert await bench.open(None).recall("ann") == {}


async def a_handle_is_preferred_to_a_copy(bench: Bench) -> None:
    keeper = bench.open(SIZE)
    assert await keeper.keep("ann", "u1", await bench.handed("a.bin", False)) == "copy"
    assert await keeper.keep("ann", "u1", await bench.handed("b.bin", True)) == "handle"
    kept = (await keeper.recall("ann"))["u1"]
    assert kept.file
    assert (kept.file.name, kept.is_copy) == ("b.bin", False)


async def a_person_has_to_be_asked_for_a_handle_and_not_for_a_copy(bench: Bench) -> None:
    keeper = bench.open(SIZE)
    await keeper.keep("ann", "u1", await bench.handed("a.bin", True))
    await keeper.keep("ann", "u2", await bench.handed("b.bin", False))
    access: Literal["ask", "denied"]
    for access in ("ask", "denied"):
        bench.allow(access)
        found = await keeper.recall("ann")
        assert (found["u1"].access, found["u1"].file) == (access, None), found
        assert found["u1"].handle is not None
        assert found["u2"].access == "open"
    bench.allow("open")
    assert (await keeper.recall("ann"))["u1"].access == "open"


async def other_users_files_are_not_seen(bench: Bench) -> None:
    keeper = bench.open(None)
    for user_id in ("ann", "bob"):
        await keeper.keep(user_id, "u1", await bench.handed(f"{user_id}.bin", True))
    kept = (await keeper.recall("ann"))["u1"]
    assert kept.file
    assert kept.file.name == "ann.bin"
    assert await keeper.recall("an") == await keeper.recall("") == await keeper.recall("ann\x00") == {}
    await keeper.forget("ann", "u1")
    assert await keeper.recall("ann") == {}
    assert list(await keeper.recall("bob")) == ["u1"]


async def forgetting_what_is_not_there_is_no_fault(bench: Bench) -> None:
    await bench.open(None).forget("ann", "u1")
