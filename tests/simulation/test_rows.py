"""Single rows of the fault matrix, each with nothing else going wrong: what the random runs show less clearly."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from upload_engine.core.checksums import Checksums
from upload_engine.core.limits import GIB, MIB
from upload_engine.interfaces import PartBody
from upload_engine.memory_store import MemoryStore
from uploads import protocol as p

from tests.simulation.browser import Disk, Life, Slice
from tests.simulation.bucket import Dialect, Object
from tests.simulation.scenario import scenario
from tests.simulation.virtual_time import run
from tests.simulation.world import World

PARTS = 10
"""Of 8 MiB each: the part size of a file of this size."""


def large() -> Disk:
    return Disk("a.bin", PARTS * 8 * MIB)


async def arrives(world: World, disk: Disk, **config: Any) -> Life:
    """Upload a file and see it there, whole."""
    async with Life(world, MemoryStore(), **config) as life:
        life.start("a", disk)
        session = await life.page.until("a", "completed")
    assert world.holds(session["s3_key"], disk)
    world.oracle.the_end(set())
    return life


@scenario
async def test_a_slow_but_steady_line_is_left_alone() -> None:
    """Fault 4: 10 KB/s, and not one request is given up."""
    world = World(bytes_per_second=10_000)
    await arrives(world, Disk("a.bin", 6 * MIB))
    assert world.counters["put"] == 1
    assert world.loop.time() > 600


@scenario
async def test_a_second_offline_is_not_charged() -> None:
    """Fault 5."""
    world = World(bytes_per_second=8 * MIB)
    world.loop.call_later(3.0, world.begin, "line: offline for a second", 1.0)
    await arrives(world, large())
    assert world.struck["line: offline for a second"]
    assert world.oracle.charged == 0


@scenario
async def test_eight_hours_offline_and_then_it_goes_on() -> None:
    """Fault 6: every URL has expired meanwhile."""
    world = World(bytes_per_second=8 * MIB)
    world.loop.call_later(3.0, world.begin, "line: offline for hours", 8 * 3600.0)
    await arrives(world, large())
    assert world.oracle.charged == 0
    assert world.calls["sign"] > 0
    assert world.loop.time() < 8 * 3600 + 120


@scenario
async def test_when_the_bandwidth_falls_there_is_no_storm_and_it_recovers() -> None:
    """Faults 11, 12: a hundredth of it is left for ten minutes."""
    world, disk = World(bytes_per_second=12.5e6), Disk("a.bin", 4 * GIB)
    world.loop.call_later(20.0, world.begin, "line: bandwidth falls and comes back", 600.0)
    async with Life(world, MemoryStore()) as life:
        life.start("a", disk)
        await asyncio.sleep(300.0)
        few = world.puts_under_way
        await asyncio.sleep(400.0)
        world.most_puts = 0
        session = await life.page.until("a", "completed")
    assert world.holds(session["s3_key"], disk)
    assert few <= world.most_puts
    assert world.counters["put"] <= 128 + 3, "no part was given up for being slow, but for those in flight"


@scenario
async def test_a_late_answer_of_a_given_up_attempt_changes_nothing() -> None:
    """Fault 14: the bytes of an attempt that was given up arrive after all, before and after the second try's."""
    for seconds in (0.01, 0.5, 200.0):
        world = World(bytes_per_second=8 * MIB)
        world.strike("put: arrives after it was given up", "put", 3, seconds)
        await arrives(world, large())


@scenario
async def test_slow_down_for_ten_minutes_never_fails() -> None:
    """Fault 16: one request at a time is tried, and all is well when the store is."""
    world = World(bytes_per_second=8 * MIB)
    world.loop.call_later(2.0, world.begin, "store: SlowDown for ten minutes", 600.0)
    async with Life(world, MemoryStore()) as life:
        life.start("a", large())
        await asyncio.sleep(400)
        world.most_puts = 0
        await asyncio.sleep(190)
        assert world.most_puts <= 1
        session = await life.page.until("a", "completed", "failed")
    assert session["status"] == "completed"


@scenario
async def test_retry_after_is_obeyed_within_a_cap() -> None:
    """Fault 17: five seconds as told; an hour, cut to a minute."""
    for asked, least, most in ((5.0, 5.0, 30.0), (3_600.0, 55.0, 90.0)):
        world = World(bytes_per_second=80 * MIB)
        world.strike("put: 429 with Retry-After", "put", 1, asked)
        begun = world.loop.time()
        await arrives(world, Disk("a.bin", 5 * MIB))
        assert least <= world.loop.time() - begun <= most


@scenario
async def test_a_complete_that_takes_five_minutes_is_one_success() -> None:
    """Fault 24: said to be finalising meanwhile, and asked for once."""
    world = World()
    world.strike("complete: takes five minutes", "complete", 1)
    async with Life(world, MemoryStore()) as life:
        life.start("a", large())
        await life.page.until("a", "finalising")
        begun = world.loop.time()
        await life.page.until("a", "completed")
    assert world.loop.time() - begun > 290
    assert world.calls["complete"] == 1


@scenario
async def test_412_is_success_when_it_is_our_own_and_a_conflict_when_it_is_not() -> None:
    """Fault 29."""
    world = World()
    world.strike("complete: 412 although ours won", "complete", 1)
    await arrives(world, large())
    world = World(dialect=Dialect(conditional=True))
    async with Life(world, MemoryStore()) as life:
        world.bucket.objects["u/me/mine"] = Object((), "", 7, "f" * 32)
        life.start("a", large(), s3_key="mine")
        await life.page.until("a", "failed")
        assert "stored under this name already" in life.page.errors["a"]["message"]
        assert world.bucket.objects["u/me/mine"].size == 7, "it was not replaced"
        world.bucket.objects.clear()
        life.say(p.RETRY_UPLOAD, upload_id="a")
        await life.page.until("a", "completed")


@scenario
async def test_409_conflict_begins_a_fresh_upload() -> None:
    """Fault 30."""
    world = World()
    world.strike("complete: 409 conflict", "complete", 1)
    await arrives(world, large())
    assert [upload.ended for upload in world.bucket.uploads.values()] == ["aborted", "completed"]


@scenario
async def test_a_list_that_still_answers_after_completion_misleads_nobody() -> None:
    """Faults 25, 35: the browser dies as Complete is answered; the next one finds the object, whatever is listed."""
    for lists in (True, False):
        world, store = World(dialect=Dialect(lists_after_completion=lists)), MemoryStore()
        async with Life(world, store) as life:
            life.start("a", large())
            while not world.bucket.objects:  # noqa: ASYNC110 (the world tells nobody)
                await asyncio.sleep(0.001)
        async with Life(world, store) as life:
            life.start("b", large())
            await life.page.until("a", "completed")
        assert (len(world.bucket.uploads), world.bytes_stored) == (1, large().size)


@scenario
async def test_the_signer_is_down_and_what_is_signed_already_keeps_flowing() -> None:
    """Fault 42: a hundred parts are signed at Create."""
    world, disk = World(bytes_per_second=80 * MIB), Disk("a.bin", 2 * GIB)
    async with Life(world, MemoryStore()) as life:
        life.start("a", disk)
        await asyncio.sleep(2.0)
        world.begin("signer: down", 60.0)
        await asyncio.sleep(20.0)
        assert life.page.sessions["a"]["parts_uploaded"] > 40
        session = await life.page.until("a", "completed", "failed")
    assert session["status"] == "completed"


@pytest.mark.parametrize("is_counted", [True, False])
def test_a_machine_that_slept_judges_no_part_dead(is_counted: bool) -> None:
    """Fault 51: an hour's sleep in the middle of a part, on a clock that counts it and on one that does not."""

    async def story() -> None:
        world = World(bytes_per_second=MIB, url_lifetime=7_200.0)
        async with Life(world, MemoryStore()) as life:
            life.start("a", large())
            await asyncio.sleep(10.0)
            if is_counted:
                world.loop.jump(3_600.0)
            else:
                world.slept += 3_600.0
            await life.page.until("a", "completed")
        assert world.counters["put"] == PARTS, "every part was sent once"

    run(story())


@scenario
async def test_memory_holds_no_more_parts_than_are_under_way() -> None:
    """Fault 53: whatever the file's size."""
    gc.collect()
    before, most = Slice.alive, 0
    world = World(bytes_per_second=80 * MIB)
    async with Life(world, MemoryStore()) as life:
        life.start("a", Disk("a.bin", 5 * GIB))
        while life.page.sessions.get("a", {}).get("status") != "completed":
            most = max(most, Slice.alive - before)
            await asyncio.sleep(0.05)
    assert world.most_puts <= most <= world.most_puts + 2


@scenario
async def test_an_edit_that_nothing_tells_of_is_seen_when_the_file_comes_back() -> None:
    """Fault 59: neither its size nor its date, nor the sample; the parts' checksums tell."""
    world, store, disk = World(bytes_per_second=8 * MIB), MemoryStore(), large()
    async with Life(world, store) as life:
        life.start("a", disk)
        await asyncio.sleep(5.0)
    disk.edit_unnoticed(9 * MIB + 77)
    async with Life(world, store) as life:
        life.start("b", disk)
        session = await life.page.until("a", "completed")
    assert world.holds(session["s3_key"], disk)
    assert world.bucket.objects[session["s3_key"]].pieces[1].edits == (0,)


@scenario
async def test_a_cancel_that_races_complete_has_one_outcome_and_it_is_told() -> None:
    """Fault 67: from well before Complete is asked to after it is answered."""
    for delay in (-0.03, -0.01, 0.0, 0.009, 0.0101, 0.019, 0.021, 0.03):
        world = World()
        async with Life(world, MemoryStore()) as life:
            life.start("a", large())
            await life.page.until("a", "uploading")
            while world.counters["put answered"] < PARTS:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await asyncio.sleep(max(0.0, 0.03 + delay))
            life.say(p.CANCEL_UPLOAD, upload_id="a")
            session = await life.page.until("a", "completed", "cancelled")
        assert (session["status"] == "completed") == bool(world.bucket.objects)
        assert world.open_uploads() == []


@scenario
async def test_of_a_thousand_files_one_is_poisoned_and_999_arrive() -> None:
    """Fault 68."""
    world = World(bytes_per_second=80 * MIB)
    disks = [Disk(f"{number}.bin", 10_240) for number in range(1000)]
    disks[500].edited = True
    async with Life(world, MemoryStore(), strict=False) as life:
        for number, disk in enumerate(disks):
            life.start(str(number), disk)
        await asyncio.sleep(120.0)
        done = [session for session in life.page.sessions.values() if session["status"] == "completed"]
        assert len(done) == 999
        assert life.page.sessions["500"]["status"] == "failed"
        assert life.page.errors["500"]["message"]


@pytest.mark.parametrize("keeps_copies", [True, False])
@pytest.mark.parametrize(
    ("fault", "amount"),
    [
        ("put: a bit flips", 0.0),
        ("put: stored under the wrong number", 0.0),
        ("put: an old copy arrives late", 8.0),
        ("put: an old copy arrives late", 15.0),
    ],
)
def test_what_the_store_has_wrong_is_sent_again(fault: str, amount: float, keeps_copies: bool) -> None:
    """Faults 69, 70, 71."""

    async def story() -> None:
        world = World(bytes_per_second=8 * MIB, dialect=Dialect(keeps_copies=keeps_copies))
        world.strike(fault, "put", 2, amount)
        await arrives(world, Disk("a.bin", 200 * MIB), chunk_size=5 * MIB)
        assert world.struck[fault]
        assert world.bytes_stored <= 200 * MIB + 3 * 5 * MIB

    run(story())


@scenario
async def test_a_reading_that_never_ends_is_begun_anew() -> None:
    """As Chromium's of a stream that it has forgotten: nobody waits for ever, and nothing is sent again."""

    class Stuck(Disk):
        readings = 0

        async def checksums(self, body: PartBody, *, md5: bool, crc64nvme: bool) -> Checksums:
            self.readings += 1
            if self.readings == 2:
                await asyncio.Event().wait()
            return await super().checksums(body, md5=md5, crc64nvme=crc64nvme)

    world, disk = World(bytes_per_second=MIB), Stuck("a.bin", 25 * 8 * MIB)
    await arrives(world, disk)
    assert disk.readings > 25
    assert world.bytes_stored == disk.size


@scenario
async def test_a_site_may_do_without_checksums() -> None:
    """Nothing is read beside what is sent; ETags, lengths and the token still prove the object."""

    class Unread(Disk):
        async def checksums(self, body: PartBody, *, md5: bool, crc64nvme: bool) -> Checksums:
            raise AssertionError("it was read once more")

    world = World(dialect=Dialect(keeps_checksums=True, tells_checksums=True))
    life = await arrives(world, Unread("a.bin", PARTS * 8 * MIB), checksums=False)
    assert life.page.sessions["a"]["etag"]


@pytest.mark.parametrize(
    "fault", ["complete: assembled with the wrong size", "complete: parts assembled in the wrong order"]
)
def test_an_object_that_is_not_the_file_is_refused(fault: str) -> None:
    """Faults 70, 72."""

    async def story() -> None:
        world = World()
        world.strike(fault, "complete", 1)
        await arrives(world, large())
        assert (world.struck[fault], len(world.bucket.objects)) == (1, 1)

    run(story())


@pytest.mark.parametrize(
    "report",
    [
        "complete: a report with a wrong size",
        "complete: a report with a wrong ETag",
        "complete: a report without proof",
    ],
)
def test_success_is_not_announced_without_proof(report: str) -> None:
    """Invariant I2: the object is there, and the report of it is not to be believed."""

    async def story() -> None:
        world = World()
        world.strike(report, "complete", 1)
        await arrives(world, large())
        assert world.calls["status"] == 1

    run(story())
