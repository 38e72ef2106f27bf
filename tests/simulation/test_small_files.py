"""Small files go whole: many are created and completed by one call, and each is stored by one request. In virtual time."""

import asyncio
from collections.abc import Sequence

from upload_engine.core.concurrency import HANDED_AHEAD
from upload_engine.core.limits import GIB, KIB, MIB, READ_AT_ONCE
from upload_engine.interfaces import ApiRequest, HttpResponse, Record
from upload_engine.memory_store import MemoryStore
from uploads import protocol as p

from tests.simulation.browser import Disk, Life
from tests.simulation.scenario import scenario
from tests.simulation.world import World

SMALL = 8 * MIB
MANY = 1_000
HOST_LIMIT = 5
"""``max_concurrent_requests_per_host``."""


def small_world(**more: float) -> World:
    return World(small_files=SMALL, **more)  # type: ignore[arg-type]


def ten_kib(number: int) -> Disk:
    return Disk(f"{number}.bin", 10 * KIB)


def start_many(life: Life, count: int) -> None:
    for number in range(count):
        life.start(f"{number}.bin", ten_kib(number))


async def all_completed(life: Life, count: int) -> None:
    for number in range(count):
        await life.page.until(f"{number}.bin", "completed")


@scenario
async def test_a_thousand_small_files_take_few_calls() -> None:
    """R2."""
    world, files = small_world(), [ten_kib(number) for number in range(MANY)]
    async with Life(world, MemoryStore()) as life:
        for file in files:
            life.start(file.name, file)
        for file in files:
            session = await life.page.until(file.name, "completed")
            assert world.holds(session["s3_key"], file)
    assert world.calls["sign"] == 0
    assert world.calls["create"] <= MANY / 50
    assert world.calls["complete"] <= MANY / 50 + 1
    assert world.bytes_stored == MANY * 10 * KIB, "nothing was sent twice"
    assert HOST_LIMIT < world.most_puts <= HOST_LIMIT + HANDED_AHEAD, "the next one waits in the browser"


@scenario
async def test_pages_hear_of_a_small_file_three_times_at_the_most() -> None:
    """It waits, it is on its way, it is there: what happens in between is nobody's business."""
    world = small_world(latency=0.05)
    async with Life(world, MemoryStore()) as life:
        start_many(life, 100)
        await all_completed(life, 100)
        told = [text for text in life.page.texts if '"UPLOAD_SNAPSHOT"' in text]
    assert len(told) <= 300


@scenario
async def test_one_small_file_waits_for_no_other() -> None:
    """Create, the bytes, Complete: three times there and back, and the database."""
    world = small_world(latency=0.1)
    async with Life(world, MemoryStore()) as life:
        await asyncio.sleep(1)
        began = world.loop.time()
        life.start("a.bin", Disk("a.bin", 1000))
        await life.page.until("a.bin", "completed")
        assert world.loop.time() - began < 0.3 + 0.25


@scenario
async def test_small_and_large_ones_do_not_wait_for_each_other() -> None:
    world = small_world()
    large = [Disk(f"large {number}", GIB) for number in range(3)]
    async with Life(world, MemoryStore()) as life:
        for file in large:
            life.start(file.name, file)
        await asyncio.sleep(1)
        start_many(life, MANY)
        await life.page.until("999.bin", "completed")
        sent = [life.page.sessions[file.name]["progress"] for file in large]
        assert all(5 < progress < 60 for progress in sent), sent
        for file in large:
            await life.page.until(file.name, "completed")


@scenario
async def test_one_that_is_refused_keeps_no_other_back() -> None:
    world = small_world()
    world.server.refused = {"13.bin"}
    async with Life(world, MemoryStore()) as life:
        start_many(life, 30)
        await life.page.until("13.bin", "failed")
        for number in range(30):
            if number != 13:
                await life.page.until(f"{number}.bin", "completed")
        assert life.page.errors["13.bin"]["code"] == "TypeNotAllowed"


class SlowStore(MemoryStore):
    """Takes its time for every write."""

    async def save(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(5)
        await super().save(records)


@scenario
async def test_nothing_is_sent_whole_before_it_is_written_down() -> None:
    """R3; faults 47, 48: of an object that no record names nobody would ever hear again."""
    world, store = small_world(), SlowStore()
    async with Life(world, store) as life:
        start_many(life, 3)
        while not world.bucket.objects:
            recorded = {record["serverUploadId"] for record in await store.load("me")}
            await asyncio.sleep(0.01)
        assert {f"whole-{number}" for number in (1, 2, 3)} <= recorded


@scenario
async def test_what_was_stored_and_not_yet_completed_is_not_sent_again() -> None:
    """R3; faults 22, 47; I3: killed between the last byte and the server's word."""
    world, store, file = small_world(), MemoryStore(), Disk("a.bin", 3 * MIB)
    async with Life(world, store) as life:
        life.start("a.bin", file)
        while not world.bucket.objects:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
    async with Life(world, store) as life:
        await life.page.until("a.bin", "waiting-for-file")
        life.say(p.RESELECT_FILE, file.picked_again(), upload_id="a.bin")
        await life.page.until("a.bin", "completed")
    assert world.bytes_stored == file.size


@scenario
async def test_one_that_arrives_after_it_was_cancelled_is_removed() -> None:
    """R3; faults 14, 66: the request was given up, and its bytes reach the store all the same."""
    world = small_world()
    world.strike("put: arrives after it was given up", "put", 1, 1.0)
    async with Life(world, MemoryStore()) as life:
        life.start("a.bin", ten_kib(1))
        await life.page.until("a.bin", "uploading")
        await asyncio.sleep(0.5)
        life.say(p.CANCEL_UPLOAD, upload_id="a.bin")
        await life.page.until("a.bin", "cancelled")
        await asyncio.sleep(60)
    assert world.struck["put: arrives after it was given up"] == 1
    assert world.bucket.objects == {}


@scenario
async def test_a_bit_that_flips_in_a_small_file_is_noticed() -> None:
    """Fault 69: the object is there, and is not the file; it is sent again, by PUT."""
    world, file = small_world(), ten_kib(1)
    world.strike("put: a bit flips", "put", 1)
    async with Life(world, MemoryStore()) as life:
        life.start("a.bin", file)
        session = await life.page.until("a.bin", "completed")
    assert world.holds(session["s3_key"], file)
    assert world.bytes_stored == 2 * file.size
    assert world.calls["sign"] == 1


@scenario
async def test_a_file_that_changed_while_it_waited_is_not_sent() -> None:
    """Fault 58."""
    world = small_world()
    for size in (10 * KIB, READ_AT_ONCE, READ_AT_ONCE + 1):
        file = Disk(f"{size}.bin", size)
        async with Life(world, MemoryStore()) as life:
            life.start(file.name, file)
            life.say(p.PAUSE_UPLOAD, upload_id=file.name)
            await life.page.until(file.name, "paused")
            file.edited = True
            life.say(p.RESUME_UPLOAD, upload_id=file.name)
            await life.page.until(file.name, "failed", "waiting-for-file", seconds=600)
    assert world.bucket.objects == {}


@scenario
async def test_a_form_that_has_expired_in_the_queue_is_signed_anew() -> None:
    """Fault 38: what was created with many others may have to wait for a slow line."""
    world = small_world(bytes_per_second=200_000, url_lifetime=60)
    files = [Disk(f"{number}.bin", 5 * MIB) for number in range(4)]
    async with Life(world, MemoryStore()) as life:
        for file in files:
            life.start(file.name, file)
        for file in files:
            session = await life.page.until(file.name, "completed")
            assert world.holds(session["s3_key"], file)


@scenario
async def test_all_of_them_are_paused_and_go_on() -> None:
    """Fault 66."""
    world = small_world(latency=0.2)
    async with Life(world, MemoryStore()) as life:
        start_many(life, 300)
        await life.page.until("20.bin", "completed")
        life.say(p.PAUSE_ALL)
        await life.page.until("299.bin", "paused")
        await asyncio.sleep(30)
        stored = world.bytes_stored
        await asyncio.sleep(30)
        assert world.bytes_stored == stored < 300 * 10 * KIB
        life.say(p.RESUME_ALL)
        await all_completed(life, 300)
    assert len(world.bucket.objects) == 300


class OlderServer(World):
    """Does not say that it takes small files whole, and does not know the call."""

    async def call(self, request: ApiRequest) -> HttpResponse:
        assert not request.path.startswith("/s3/objects")
        return await super().call(request)


@scenario
async def test_a_server_that_takes_none_is_given_parts() -> None:
    world = OlderServer()
    async with Life(world, MemoryStore()) as life:
        life.start("a.bin", ten_kib(1))
        await life.page.until("a.bin", "completed")
    assert [upload.whole for upload in world.bucket.uploads.values()] == [False]
