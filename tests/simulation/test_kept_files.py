"""Files that come back by themselves, and those that have to be chosen again: the engine in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from upload_engine.core.errors import StorageFault
from upload_engine.core.limits import GIB, MIB
from upload_engine.interfaces import FileSource, KeptFile
from upload_engine.memory_store import MemoryStore
from uploads import protocol as p

from tests.fakes.adapters import MemoryFileKeeper
from tests.simulation.browser import Disk, Life
from tests.simulation.scenario import scenario
from tests.simulation.virtual_time import run
from tests.simulation.world import World

OFFLINE = "line: offline for hours"


def dropped(name: str = "a.bin", size: int = GIB, content: str = "v1") -> Disk:
    """A file that comes with a handle."""
    disk = Disk(name, size, content)
    disk.has_handle = True
    return disk


async def begun(world: World, store: MemoryStore, keeper: MemoryFileKeeper, *files: Disk) -> None:
    """A life that ends when parts of each file are stored."""
    async with Life(world, store, keeper=keeper) as life:
        for file in files:
            life.start(file.name, file)
        await asyncio.sleep(8)


async def until_access(life: Life, upload_id: str, access: str) -> None:
    while life.page.sessions.get(upload_id, {}).get("file_access") != access:
        life.page.heard.clear()
        await life.page.heard.wait()


@scenario
async def test_with_leave_a_dropped_file_goes_on_by_itself() -> None:
    """Faults 47, 49; I3."""
    world, store, keeper, file = World(), MemoryStore(), MemoryFileKeeper(), dropped()
    for _ in range(3):
        await begun(world, store, keeper, *([] if keeper.kept else [file]))
    assert list(keeper.kept) == [("me", "a.bin")]
    async with Life(world, store, keeper=keeper) as life:
        session = await life.page.until("a.bin", "completed")
        await asyncio.sleep(1)
    assert world.holds(session["s3_key"], file)
    assert world.bytes_stored == file.size, "nothing stored is sent again"
    assert keeper.kept == {}, "let go at the end"


@scenario
async def test_asked_once_more_the_person_says_yes() -> None:
    """Fault 49: one answer opens all files of this origin, as in Chromium."""
    world, store, keeper = World(), MemoryStore(), MemoryFileKeeper()
    await begun(world, store, keeper, dropped("a.bin"), dropped("b.bin"))
    keeper.access = "ask"
    async with Life(world, store, keeper=keeper) as life:
        await until_access(life, "a.bin", "ask")
        await until_access(life, "b.bin", "ask")
        assert sorted(life.page.offered) == ["a.bin", "b.bin"]
        assert life.page.offered["a.bin"].name == "a.bin"
        keeper.access = "open"
        life.say(p.REOPEN_FILE, upload_id="a.bin")
        await life.page.until("a.bin", "completed")
        await life.page.until("b.bin", "completed")
        life.say(p.REOPEN_FILE, upload_id="a.bin")
        await asyncio.sleep(1)
    assert keeper.kept == {}


@pytest.mark.parametrize("answer", ["ask", "denied"])
def test_asked_once_more_the_person_says_no_and_chooses_the_file(answer: Literal["ask", "denied"]) -> None:
    """A question that is waved away counts as a no until the next start."""

    async def story() -> None:
        world, store, keeper, file = World(), MemoryStore(), MemoryFileKeeper(), dropped()
        await begun(world, store, keeper, file)
        keeper.access = "ask"
        async with Life(world, store, keeper=keeper) as life:
            await until_access(life, "a.bin", "ask")
            keeper.access = answer
            life.say(p.REOPEN_FILE, upload_id="a.bin")
            await until_access(life, "a.bin", "denied")
            assert life.page.sessions["a.bin"]["phase"] == "waiting-for-file"
            life.start("again", file.picked_again())
            session = await life.page.until("a.bin", "completed")
            await asyncio.sleep(1)
        assert world.holds(session["s3_key"], file)
        assert keeper.kept == {}

    run(story())


@scenario
async def test_a_copy_comes_back_whatever_becomes_of_the_file() -> None:
    """Fault 49: what the copy costs is told as long as it is there."""
    world, store, keeper = World(), MemoryStore(), MemoryFileKeeper(copy_limit=GIB)
    small, large = Disk("small", GIB), Disk("large", GIB + 1)
    await begun(world, store, keeper, small, large)
    assert list(keeper.kept) == [("me", "small")]
    small.edited = True
    async with Life(world, store, keeper=keeper) as life:
        await until_access(life, "small", "copy")
        assert life.page.sessions["large"]["file_access"] == "choose"
        session = await life.page.until("small", "completed")
        assert session["s3_key"]
        life.say(p.CANCEL_UPLOAD, upload_id="large")
        await life.page.until("large", "cancelled")
        await asyncio.sleep(1)
    assert world.holds(session["s3_key"], Disk("small", GIB))
    assert keeper.kept == {}


@scenario
async def test_a_cancelled_upload_lets_go_of_its_file() -> None:
    world, store, keeper = World(), MemoryStore(), MemoryFileKeeper()
    await begun(world, store, keeper, dropped())
    keeper.access = "denied"
    async with Life(world, store, keeper=keeper) as life:
        await until_access(life, "a.bin", "denied")
        life.say(p.CANCEL_UPLOAD, upload_id="a.bin")
        await life.page.until("a.bin", "cancelled")
        await asyncio.sleep(1)
    assert keeper.kept == {}


@scenario
async def test_a_file_that_is_another_one_by_now_is_refused_with_the_reason() -> None:
    """Fault 61."""
    world, store, keeper, file = World(), MemoryStore(), MemoryFileKeeper(), dropped()
    await begun(world, store, keeper, file)
    file.edited = True
    async with Life(world, store, keeper=keeper) as life:
        await until_access(life, "a.bin", "choose")
        assert "not the file of this upload" in life.page.errors["a.bin"]["message"]
        assert life.page.sessions["a.bin"]["phase"] == "waiting-for-file"


@scenario
async def test_what_was_paused_stays_paused_with_its_file_at_hand() -> None:
    world, store, keeper, file = World(), MemoryStore(), MemoryFileKeeper(), dropped()
    async with Life(world, store, keeper=keeper) as life:
        life.start("a.bin", file)
        await asyncio.sleep(5)
        life.say(p.PAUSE_UPLOAD, upload_id="a.bin")
        await life.page.until("a.bin", "paused")
        await asyncio.sleep(1)
    before = world.bytes_stored
    async with Life(world, store, keeper=keeper) as life:
        await life.page.until("a.bin", "paused")
        await asyncio.sleep(600)
        assert (life.page.sessions["a.bin"]["phase"], world.bytes_stored) == ("paused", before)
        life.say(p.RESUME_UPLOAD, upload_id="a.bin")
        session = await life.page.until("a.bin", "completed")
    assert world.holds(session["s3_key"], file)


@scenario
async def test_another_users_file_is_never_used() -> None:
    """Fault 43: while the server cannot be asked who it is, it is opened for the user of last time, and not sent."""
    world, store, keeper = World(), MemoryStore(), MemoryFileKeeper()
    await begun(world, store, keeper, dropped())
    world.begin(OFFLINE)
    world.server.cookie = "somebody"
    async with Life(world, store, keeper=keeper) as life:
        await life.page.until("a.bin", "waiting-for-network")
        stored, created = world.bytes_stored, len(world.bucket.uploads)
        world.end(OFFLINE)
        await asyncio.sleep(60)
        assert life.page.sessions == {}
    assert (world.bytes_stored, len(world.bucket.uploads)) == (stored, created), "nothing was sent"
    assert world.calls["list"] == 0
    assert list(keeper.kept) == [("me", "a.bin")]


@scenario
async def test_started_offline_the_file_comes_back_with_the_network() -> None:
    world, store, keeper, file = World(), MemoryStore(), MemoryFileKeeper(), dropped()
    await begun(world, store, keeper, file)
    world.begin(OFFLINE)
    async with Life(world, store, keeper=keeper) as life:
        await life.page.until("a.bin", "waiting-for-network")
        assert life.page.sessions["a.bin"]["file_access"] == "handle"
        world.end(OFFLINE)
        session = await life.page.until("a.bin", "completed")
    assert world.holds(session["s3_key"], file)


@scenario
async def test_what_belongs_to_no_upload_is_let_go_at_the_next_start() -> None:
    """A browser that is killed between the end of an upload and the letting go."""
    keeper = MemoryFileKeeper()
    await keeper.keep("me", "long gone", dropped())
    async with Life(World(), MemoryStore(), keeper=keeper):
        await asyncio.sleep(1)
    assert keeper.kept == {}


class ForgetsNothing(MemoryStore):
    """Storage that is cut off whenever a record is about to be deleted."""

    async def delete(self, keys: Sequence[tuple[str, str]]) -> None:
        await asyncio.Event().wait()


@scenario
async def test_a_file_is_kept_as_long_as_its_record() -> None:
    """Faults 22, 47, 49: killed between the end of an upload and the letting go, nobody is asked for the file."""
    world, store, keeper = World(), ForgetsNothing(), MemoryFileKeeper()
    async with Life(world, store, keeper=keeper) as life:
        life.start("a.bin", dropped())
        await life.page.until("a.bin", "completed")
        await asyncio.sleep(60)
    assert list(keeper.kept) == [("me", "a.bin")]
    async with Life(world, store, keeper=keeper) as life:
        await life.page.until("a.bin", "completed")
    assert world.bytes_stored == dropped().size


@scenario
async def test_a_kept_file_is_looked_at_when_its_upload_finds_out_late_that_it_needs_it() -> None:
    """Fault 22: killed with all parts stored, before they were compared with the file."""
    world, store, keeper = World(latency=2.0), MemoryStore(), MemoryFileKeeper()
    async with Life(world, store, keeper=keeper) as life:
        life.start("a.bin", dropped())
        await life.page.until("a.bin", "finalising")
    async with Life(world, store, keeper=keeper) as life:
        session = await life.page.until("a.bin", "completed", seconds=600)
    assert world.holds(session["s3_key"], dropped())
    assert world.bytes_stored == dropped().size


class DeafStore(MemoryStore):
    """Storage whose records cannot be read at first."""

    deaf = True

    async def load(self, user_id: str) -> list[Any]:
        if self.deaf:
            raise StorageFault("UnknownError")
        return await super().load(user_id)


@scenario
async def test_where_the_records_cannot_be_read_no_file_is_let_go() -> None:
    """Fault 54."""
    keeper, store = MemoryFileKeeper(), DeafStore()
    await keeper.keep("me", "not known to be gone", dropped())
    async with Life(World(), store, keeper=keeper) as life:
        life.start("a", dropped("a", MIB))
        await life.page.until("a", "completed")
        life.say(p.REOPEN_FILE, upload_id="a")
        await asyncio.sleep(1)
        store.deaf = False
    assert list(keeper.kept) == [("me", "not known to be gone")]


class FullKeeper(MemoryFileKeeper):
    """No room for a copy."""

    async def keep(self, *_: object, **__: object) -> Any:
        raise StorageFault("there is not enough room")

    async def forget(self, user_id: str, upload_id: str) -> None:
        raise StorageFault("QuotaExceededError")


class ShutKeeper(MemoryFileKeeper):
    """Storage that cannot be read."""

    async def recall(self, user_id: str) -> dict[str, KeptFile]:
        raise StorageFault("SecurityError")


@pytest.mark.parametrize("keeper", [FullKeeper, ShutKeeper])
def test_what_cannot_be_kept_is_said_once_and_the_upload_goes_on(keeper: type[MemoryFileKeeper]) -> None:
    """Fault 54."""

    async def story() -> None:
        world = World()
        async with Life(world, MemoryStore(), keeper=keeper()) as life:
            for name in ("a", "b"):
                life.start(name, dropped(name, 10 * MIB))
                await life.page.until(name, "completed")
            assert len(life.page.capabilities["warnings"]) == 1
        assert len(world.bucket.objects) == 2

    run(story())


class SlowKeeper(MemoryFileKeeper):
    """Copies take their time."""

    async def keep(self, user_id: str, upload_id: str, file: FileSource, *, is_offline: bool = False) -> Any:
        await asyncio.sleep(60)
        return await super().keep(user_id, upload_id, file, is_offline=is_offline)


@scenario
async def test_a_copy_that_comes_too_late_is_let_go() -> None:
    """The first one is being made when its upload ends; the second one is not even begun."""
    keeper = SlowKeeper(copy_limit=GIB)
    async with Life(World(), MemoryStore(), keeper=keeper) as life:
        for name in ("a", "b"):
            life.start(name, Disk(name, MIB))
            await life.page.until(name, "completed")
        await asyncio.sleep(200)
        assert [session["file_access"] for session in life.page.sessions.values()] == ["open", "open"]
    assert keeper.kept == {}


@scenario
async def test_several_files_picked_at_once_find_their_uploads() -> None:
    """Faults 49, 61: two of them have the same name and other bytes, and the order is not that of last time."""
    world, store = World(), MemoryStore()
    files = {
        "one": Disk("film.bin", GIB, "one"),
        "two": Disk("film.bin", GIB, "two"),
        "three": Disk("other.bin", 2 * GIB),
    }
    async with Life(world, store) as life:
        for upload_id, file in files.items():
            life.start(upload_id, file)
        await asyncio.sleep(20)
    stored = world.bytes_stored
    async with Life(world, store) as life:
        for upload_id in files:
            await life.page.until(upload_id, "waiting-for-file")
        for upload_id, file in reversed(files.items()):
            life.start(f"{upload_id} again", file.picked_again())
        for upload_id, file in files.items():
            session = await life.page.until(upload_id, "completed")
            assert world.holds(session["s3_key"], file)
        assert life.page.replaced == {f"{upload_id} again": upload_id for upload_id in files}
    assert 0 < stored < world.bytes_stored == sum(file.size for file in files.values())
