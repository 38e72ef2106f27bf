"""Rows in which something is taken back: what a store can do, what a browser remembers, what a file holds."""

from __future__ import annotations

import asyncio
import json

import pytest
from upload_engine.core.limits import MIB
from upload_engine.memory_store import MemoryStore
from uploads import protocol as p

from tests.simulation.browser import Disk, Life
from tests.simulation.bucket import Dialect
from tests.simulation.scenario import scenario
from tests.simulation.virtual_time import run
from tests.simulation.world import World

PART = 8 * MIB
PARTS = 5


def file_of_parts(content: str = "v1") -> Disk:
    return Disk("a.bin", PARTS * PART, content, lazy=True)


async def stored(world: World, parts: int) -> None:
    """Wait until the store has acknowledged so many parts."""
    while world.counters["put answered"] < parts:  # noqa: ASYNC110 (the world tells nobody)
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("refusal", [(400, "InvalidRequest"), (501, "NotImplemented")])
def test_a_store_that_refuses_a_checksum_header_is_sent_none(refusal: tuple[int, str]) -> None:
    """Fault 36: said once, and both files arrive; no retry is charged."""

    async def story() -> None:
        world = World(dialect=Dialect(refuses_checksums=refusal))
        world.server.with_checksums = True
        async with Life(world, MemoryStore()) as life:
            for number in (1, 2):
                disk = Disk(f"{number}.bin", PARTS * PART)
                life.start(str(number), disk)
                session = await life.page.until(str(number), "completed", "failed")
                assert session["status"] == "completed"
                assert world.holds(session["s3_key"], disk)
        assert [warning for warning in life.page.capabilities["warnings"] if "checksum" in warning] == [
            "The store does not take checksum headers: parts are compared by their ETags alone."
        ]
        assert (world.oracle.charged, world.bytes_stored) == (0, 2 * PARTS * PART)

    run(story())


@scenario
async def test_a_store_that_takes_checksum_headers_is_sent_them() -> None:
    """Fault 36, the other way round."""
    world, disk = World(), file_of_parts()
    world.server.with_checksums = True
    async with Life(world, MemoryStore()) as life:
        life.start("a", disk)
        await life.page.until("a", "completed")
    assert life.page.capabilities["warnings"] == []


async def after_eviction(second: Disk) -> tuple[World, str]:
    """The browser dies with three parts stored and loses its storage; then ``second`` is picked. Its key at the end."""
    world = World(bytes_per_second=PART)
    async with Life(world, MemoryStore()) as life:
        life.start("a", file_of_parts())
        await stored(world, 3)
    (upload,) = world.bucket.uploads.values()
    assert len(upload.parts) == 3
    async with Life(world, MemoryStore()) as life:
        await asyncio.sleep(1.0)
        (found,) = life.page.sessions.values()
        assert (found["phase"], found["s3_key"]) == ("waiting-for-file", upload.key)
        life.start("b", second)
        session = await life.page.until(found["upload_id"], "completed")
        assert life.page.replaced == {"b": found["upload_id"]}
    assert world.holds(session["s3_key"], second)
    assert list(world.bucket.uploads) == [upload.name]
    return world, upload.key


@scenario
async def test_what_the_browser_has_forgotten_the_server_remembers() -> None:
    """Fault 55: the same file goes on where it was, and no stored part is sent again."""
    world, _ = await after_eviction(file_of_parts())
    assert world.bytes_stored == PARTS * PART


@scenario
async def test_another_file_of_the_name_replaces_what_differs() -> None:
    """Fault 55: the browser cannot know that it is another; the parts' checksums do."""
    other = file_of_parts()
    other.edit_unnoticed(PART + 100_000)
    world, key = await after_eviction(other)
    assert world.bytes_stored == (PARTS + 1) * PART
    assert [piece.edits for piece in world.bucket.objects[key].pieces] == [(), (0,), (), (), ()]
    world, _ = await after_eviction(file_of_parts("v2"))
    assert world.bytes_stored == (PARTS + 3) * PART


@pytest.mark.parametrize(("parts", "bytes_per_second"), [(PARTS, PART), (PARTS, 50 * MIB), (50, PART)])
def test_an_edit_of_two_parts_while_they_are_sent_is_no_mix(parts: int, bytes_per_second: int) -> None:
    """Fault 59: one of them is stored, the other not yet sent; small files and those that took long are looked at again."""

    async def story() -> None:
        world, disk = World(bytes_per_second=bytes_per_second), Disk("a.bin", parts * PART, lazy=True)
        async with Life(world, MemoryStore(), chunk_size=PART) as life:
            life.start("a", disk)
            await stored(world, 2)
            number = max(number for upload in world.bucket.uploads.values() for number in upload.parts)
            disk.edit_unnoticed(number * PART - 1, 2)
            session = await life.page.until("a", "completed")
        assert world.holds(session["s3_key"], disk)

    run(story())


@scenario
async def test_an_edit_of_two_parts_is_no_mix_after_a_pause_either() -> None:
    """Fault 59: the second part arrives new; after a pause the list shows all parts, and one of them is old."""
    world, disk = World(bytes_per_second=PART), Disk("a.bin", 3 * PART, lazy=True)
    async with Life(world, MemoryStore(), max_concurrent_chunks=1) as life:
        world.strike("put: answer lost", "put", 3)
        world.strike("call: never answers", "list", 1)
        life.start("a", disk)
        await stored(world, 1)
        disk.edit_unnoticed(PART - 1, 2)
        await asyncio.sleep(3.0)
        life.say(p.PAUSE_UPLOAD, upload_id="a")
        await life.page.until("a", "paused")
        life.say(p.RESUME_UPLOAD, upload_id="a")
        session = await life.page.until("a", "completed")
    assert world.holds(session["s3_key"], disk)


@scenario
async def test_a_crash_before_the_last_look_at_the_file_completes_nothing() -> None:
    """Faults 47, 59: all parts are stored and written down, and nobody has compared them with the file since an edit."""
    world, store, disk = World(bytes_per_second=PART), MemoryStore(), file_of_parts()
    async with Life(world, store) as life:
        life.start("a", disk)
        await stored(world, 3)
        disk.edit_unnoticed(3 * PART - 1, 2)
        await life.page.until("a", "finalising")
        assert world.calls["complete"] == 0
    async with Life(world, store) as life:
        await life.page.until("a", "waiting-for-file", "completed")
        life.start("b", disk)
        session = await life.page.until("a", "completed")
    assert world.holds(session["s3_key"], disk)


@scenario
async def test_a_wrong_file_does_not_lock_an_upload_that_is_paused() -> None:
    """Faults 41, 61: refused with the reason, and Resume goes on."""
    world, store, disk = World(bytes_per_second=PART), MemoryStore(), file_of_parts()
    async with Life(world, store) as life:
        life.start("a", disk)
        await stored(world, PARTS)
        world.signed_in = False
        await life.page.until("a", "waiting-for-sign-in")
    async with Life(world, store) as life:
        await life.page.until("a", "waiting-for-sign-in")
        life.say(p.RESELECT_FILE, file_of_parts("another"), upload_id="a")
        await asyncio.sleep(1.0)
        assert "not the file" in json.dumps(life.page.errors["a"])
        world.signed_in = True
        life.say(p.RESUME_ALL)
        await life.page.until("a", "waiting-for-file")
        life.say(p.RESELECT_FILE, disk, upload_id="a")
        await life.page.until("a", "completed")
    assert world.bytes_stored == disk.size, "nothing was sent again"


@scenario
async def test_a_file_is_not_blamed_for_what_the_line_did_to_a_part() -> None:
    """Faults 8, 69: a damaged copy is listed again and again while a proxy stands in the way of the next one."""
    world, disk = World(bytes_per_second=PART), Disk("a.bin", PART)
    world.strike("put: a bit flips", "put", 1)
    for number in range(2, 9):
        world.strike("put: 502", "put", number)
    async with Life(world, MemoryStore()) as life:
        life.start("a", disk)
        session = await life.page.until("a", "completed", "failed")
    assert session["status"] == "completed"
    assert world.holds(session["s3_key"], disk)
