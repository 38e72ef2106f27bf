"""Files that are added while the signing server is out of reach: they wait, over restarts too, and go when it is back."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Literal

import pytest
from upload_engine.account import LAST_USER
from upload_engine.core.limits import GIB, MIB
from upload_engine.interfaces import ApiRequest, FileSource, HttpResponse
from upload_engine.memory_store import MemoryStore
from uploads import protocol as p

from tests.fakes.adapters import MemoryFileKeeper
from tests.simulation.browser import Disk, Life
from tests.simulation.scenario import scenario
from tests.simulation.signing import call_kind
from tests.simulation.virtual_time import run
from tests.simulation.world import World

OFFLINE = "line: offline for hours"


async def known(world: World, store: MemoryStore, keeper: MemoryFileKeeper) -> None:
    """A life in which the server says who it is."""
    async with Life(world, store, keeper=keeper):
        await asyncio.sleep(1)


async def add_offline(world: World, store: MemoryStore, keeper: MemoryFileKeeper, *files: Disk) -> None:
    """A life that begins and ends while the server is out of reach."""
    world.begin(OFFLINE)
    async with Life(world, store, keeper=keeper) as life:
        for file in files:
            life.start(file.name, file)
        for file in files:
            await life.page.until(file.name, "waiting-for-network")
        await asyncio.sleep(5)


@pytest.mark.parametrize("has_handle", [True, False], ids=["by its handle", "by a copy"])
@pytest.mark.parametrize("is_known", [True, False], ids=["a known user", "nobody yet"])
@pytest.mark.parametrize("back", ["offline", "online"])
def test_a_file_added_offline_goes_after_a_restart(has_handle: bool, is_known: bool, back: str) -> None:
    """Faults 6, 47, 49: without a click, whether the browser starts again with the network or before it."""

    async def story() -> None:
        world, store, keeper = World(), MemoryStore(), MemoryFileKeeper(offline_limit=GIB)
        file = Disk("a.bin", 10 * MIB, has_handle=has_handle)
        if is_known:
            await known(world, store, keeper)
        await add_offline(world, store, keeper, file)
        owner = "me" if is_known else ""
        assert [record["uploadId"] for record in await store.load(owner)] == ["a.bin"]
        assert list(keeper.kept) == [(owner, "a.bin")]
        file.readable = has_handle  # the copy does without it
        if back == "online":
            world.end(OFFLINE)
        async with Life(world, store, keeper=keeper) as life:
            if back == "offline":
                session = await life.page.until("a.bin", "waiting-for-network")
                assert session["file_access"] == ("handle" if has_handle else "copy")
                await asyncio.sleep(600)
                assert life.page.sessions["a.bin"]["phase"] == "waiting-for-network"
                world.end(OFFLINE)
            session = await life.page.until("a.bin", "completed")
            await asyncio.sleep(1)
        assert session["user_id"] == "me"
        assert world.holds(session["s3_key"], Disk("a.bin", 10 * MIB))
        assert (keeper.kept, await store.load(owner), world.oracle.charged) == ({}, [], 0)

    run(story())


@scenario
async def test_they_go_in_order_three_at_a_time_and_the_page_tells_of_each_once_it_is_kept() -> None:
    """Faults 6, 10: what is shown has been written down before."""
    world, store, keeper = World(), MemoryStore(), MemoryFileKeeper(offline_limit=GIB)
    names = [f"{number}.bin" for number in range(6)]
    world.begin(OFFLINE)
    async with Life(world, store, keeper=keeper) as life:
        for name in names:
            life.start(name, Disk(name, 50 * MIB))
        for name in names:
            await life.page.until(name, "waiting-for-network", seconds=5)
            assert name in {record["uploadId"] for record in await store.load("")}
        await asyncio.sleep(3600)
        world.end(OFFLINE)
        life.say(p.NETWORK_HINT)
        await asyncio.sleep(0.5)
        phases = [life.page.sessions[name]["phase"] for name in names]
        assert phases == ["uploading"] * 3 + ["queued"] * 3
        for name in names:
            await life.page.until(name, "completed")
    created = [upload.file for upload in world.bucket.uploads.values()]
    assert (created, world.oracle.charged) == (names, 0)


@scenario
async def test_hours_offline_cost_one_question_a_minute_however_many_files_wait() -> None:
    """Fault 6: and a hint is acted upon at once."""
    world = World()
    async with Life(world, MemoryStore(), max_concurrent_uploads=2) as life:
        for number in range(100):
            life.start(str(number), Disk(str(number), 5 * MIB))
        await asyncio.sleep(0.5)
        world.begin(OFFLINE)
        await asyncio.sleep(600)
        before = world.calls.total()
        await asyncio.sleep(8 * 3600)
        assert world.calls.total() - before <= 8 * 3600 / 30
        world.end(OFFLINE)
        life.say(p.NETWORK_HINT)
        for number in range(100):
            await life.page.until(str(number), "completed", seconds=120)


@scenario
async def test_what_is_added_as_the_server_goes_away_is_kept_too() -> None:
    """Fault 42: its creation has failed; those that wait for their turn are kept with it."""
    world, store, keeper = World(), MemoryStore(), MemoryFileKeeper(offline_limit=GIB)
    files = [Disk(f"{number}.bin", 10 * MIB) for number in range(5)]
    async with Life(world, store, keeper=keeper) as life:
        await asyncio.sleep(1)
        world.begin(OFFLINE)
        for file in files:
            life.start(file.name, file)
        for file in files:
            await life.page.until(file.name, "waiting-for-network")
        await asyncio.sleep(5)
    assert len(keeper.kept) == 5
    world.end(OFFLINE)
    async with Life(world, store, keeper=keeper) as life:
        for file in files:
            session = await life.page.until(file.name, "completed")
            assert world.holds(session["s3_key"], file)


class CountingKeeper(MemoryFileKeeper):
    """``asked``: how often it has kept each file."""

    def __init__(self) -> None:
        super().__init__(offline_limit=GIB)
        self.asked: Counter[str] = Counter()

    async def keep(
        self, user_id: str, upload_id: str, file: FileSource, *, is_offline: bool = False
    ) -> Literal["handle", "copy", ""]:
        self.asked[file.name] += 1
        await asyncio.sleep(3.0)
        return await super().keep(user_id, upload_id, file, is_offline=is_offline)


@scenario
async def test_a_copy_is_made_once_however_often_the_network_goes() -> None:
    world, keeper = World(), CountingKeeper()
    world.begin(OFFLINE)
    async with Life(world, MemoryStore(), keeper=keeper) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(60)
        assert life.page.sessions["a"]["file_access"] == "copy"
        for _ in range(3):
            world.end(OFFLINE)
            life.say(p.NETWORK_HINT)
            await asyncio.sleep(2)
            world.begin(OFFLINE)
            await asyncio.sleep(60)
    assert keeper.asked == {"a.bin": 1}


@scenario
async def test_with_the_server_there_no_copy_is_made() -> None:
    keeper = MemoryFileKeeper(offline_limit=GIB)
    async with Life(World(), MemoryStore(), keeper=keeper) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(5)
        assert keeper.kept == {}


@pytest.mark.parametrize("why", ["too large", "no room", "switched off"])
def test_what_cannot_be_kept_waits_all_the_same_and_says_so(why: str) -> None:
    """Faults 49, 54: it goes when the network is back, and has to be chosen again after a restart."""

    async def story() -> None:
        limit = {"too large": 9 * MIB, "no room": GIB, "switched off": None}[why]
        world, store, keeper = World(), MemoryStore(), MemoryFileKeeper(offline_limit=limit)
        keeper.room = 0
        file = Disk("a.bin", 10 * MIB)
        world.begin(OFFLINE)
        async with Life(world, store, keeper=keeper) as life:
            life.start("a.bin", file)
            session = await life.page.until("a.bin", "waiting-for-network")
            assert session["file_access"] == "open"
            assert bool(life.page.capabilities["warnings"]) == (why == "no room")
        async with Life(world, store, keeper=keeper) as life:
            session = await life.page.until("a.bin", "waiting-for-file")
            assert session["file_access"] == "choose"
            life.say(p.RESELECT_FILE, file, upload_id="a.bin")
            await life.page.until("a.bin", "waiting-for-network")
            world.end(OFFLINE)
            session = await life.page.until("a.bin", "completed")
        assert world.holds(session["s3_key"], file)

    run(story())


@scenario
async def test_what_was_added_while_nobody_was_known_is_the_first_ones_for_good() -> None:
    """Fault 43: whoever signs in next sees nothing of it, and it goes on when the first one is back."""
    world, store, keeper, file = (
        World(),
        MemoryStore(),
        MemoryFileKeeper(offline_limit=GIB),
        Disk("a.bin", GIB),
    )
    await add_offline(world, store, keeper, file)
    assert await store.get_meta(LAST_USER) is None
    world.end(OFFLINE)
    async with Life(world, store, keeper=keeper) as life:
        await asyncio.sleep(5)
    world.server.cookie, world.server.new_guest = "somebody", False
    async with Life(world, store, keeper=keeper) as life:
        await asyncio.sleep(60)
        assert life.page.sessions == {}
    assert list(keeper.kept) == [("me", "a.bin")]
    world.server.cookie = "me"
    async with Life(world, store, keeper=keeper) as life:
        session = await life.page.until("a.bin", "completed")
    assert world.holds(session["s3_key"], file)
    assert world.bytes_stored == file.size


@scenario
async def test_files_added_offline_are_not_sent_to_another_user() -> None:
    """Fault 43: the one who added them was known; when somebody else is signed in as the network is back they wait."""
    world, store, keeper = World(), MemoryStore(), MemoryFileKeeper(offline_limit=GIB)
    await known(world, store, keeper)
    await add_offline(world, store, keeper, Disk("a.bin", MIB))
    world.server.cookie, world.server.new_guest = "somebody", False
    async with Life(world, store, keeper=keeper) as life:
        await life.page.until("a.bin", "waiting-for-network")
        life.start("b.bin", Disk("b.bin", MIB))
        await life.page.until("b.bin", "waiting-for-network")
        life.say(p.RESUME_ALL)
        await asyncio.sleep(60)
        world.end(OFFLINE)
        await asyncio.sleep(120)
        assert life.page.sessions == {}
    assert (world.bucket.uploads, world.calls["create"]) == ({}, 0)
    assert sorted(keeper.kept) == [("me", "a.bin"), ("me", "b.bin")]
    world.server.cookie = "me"
    async with Life(world, store, keeper=keeper) as life:
        await life.page.until("a.bin", "completed")
        await life.page.until("b.bin", "completed")
        await asyncio.sleep(1)
    assert keeper.kept == {}


@scenario
async def test_whoever_has_to_sign_in_is_told_so_and_resume_asks_at_once() -> None:
    """Fault 41: as the browser starts."""
    world, store, keeper = World(), MemoryStore(), MemoryFileKeeper(offline_limit=GIB)
    await known(world, store, keeper)
    await add_offline(world, store, keeper, Disk("a.bin", MIB))
    world.end(OFFLINE)
    world.signed_in = False
    async with Life(world, store, keeper=keeper) as life:
        await life.page.until("a.bin", "waiting-for-sign-in")
        life.start("b.bin", Disk("b.bin", MIB))
        await life.page.until("b.bin", "waiting-for-sign-in")
        await asyncio.sleep(1800)
        life.say(p.RESUME_UPLOAD, upload_id="a.bin")
        await asyncio.sleep(1)
        assert life.page.sessions["a.bin"]["phase"] == "waiting-for-sign-in"
        world.signed_in = True
        life.say(p.RESUME_UPLOAD, upload_id="a.bin")
        await life.page.until("a.bin", "completed", seconds=2)
        await life.page.until("b.bin", "completed", seconds=2)


class Companion(World):
    """A signing server that knows of no users."""

    async def call(self, request: ApiRequest) -> HttpResponse:
        if call_kind(request) == "who":
            return HttpResponse(404, {}, "Cannot GET /s3/uploads")
        return await super().call(request)


@scenario
async def test_a_server_that_knows_of_no_users_is_no_server_out_of_reach() -> None:
    async with Life(Companion(), MemoryStore()) as life:
        life.start("a", Disk("a.bin", MIB))
        await life.page.until("a", "completed", seconds=60)


class Hesitant(World):
    """Says who it is after so many seconds."""

    seconds = 0.0

    async def call(self, request: ApiRequest) -> HttpResponse:
        if call_kind(request) == "who":
            await asyncio.sleep(self.seconds)
        return await super().call(request)


@scenario
async def test_a_slow_server_is_waited_for_with_patience() -> None:
    """Fault 42."""
    world = Hesitant()
    world.seconds = 8.0
    async with Life(world, MemoryStore()) as life:
        life.start("a", Disk("a.bin", MIB))
        await life.page.until("a", "completed", seconds=30)


@pytest.mark.parametrize("moment", ["records", "files"])
def test_killed_while_it_becomes_the_first_ones_nothing_is_lost(moment: str) -> None:
    """Faults 43, 47."""

    async def story() -> None:
        world, store = World(), MemoryStore()
        keeper = MemoryFileKeeper(offline_limit=GIB)
        await add_offline(world, store, keeper, Disk("a.bin", MIB))
        await store.set_meta(LAST_USER, "me")
        if moment == "files":
            await store.adopt("me")
        async with Life(world, store, keeper=keeper) as life:
            await asyncio.sleep(5)
            assert [*life.page.sessions] == (["a.bin"] if moment == "files" else [])
        world.end(OFFLINE)
        async with Life(world, store, keeper=keeper) as life:
            await life.page.until("a.bin", "completed")
            await asyncio.sleep(1)
        assert keeper.kept == {}

    run(story())
