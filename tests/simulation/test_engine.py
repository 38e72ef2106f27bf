"""The engine as a page sees it, in virtual time: the main line and what people do to it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from upload_engine.core.errors import StorageFault
from upload_engine.core.limits import GIB, MIB
from upload_engine.core.records import parts_of
from upload_engine.interfaces import Record
from upload_engine.memory_store import MemoryStore
from upload_engine.outbox import AT_ONCE
from uploads import protocol as p

from tests.simulation.browser import Disk, KeptKey, Life, Page
from tests.simulation.bucket import Dialect
from tests.simulation.scenario import scenario
from tests.simulation.signing import SECRET
from tests.simulation.virtual_time import VirtualClock, run
from tests.simulation.world import World

OFFLINE = "line: offline for hours"
DAY = 86_400.0


@scenario
async def test_a_large_file_arrives_with_few_signing_calls_and_three_parts_at_a_time() -> None:
    world, file = World(), Disk("a.bin", 5 * GIB + 1)
    async with Life(world, MemoryStore()) as life:
        life.start("a", file)
        session = await life.page.until("a", "completed")
    assert world.holds(session["s3_key"], file)
    assert session["object_url"] == "http://s/s3/object?key=u%2Fme%2Fp%2F0%2Fa.bin"
    assert world.most_puts == 3
    assert world.calls["sign"] <= 161 / 50
    assert world.bytes_stored == file.size, "nothing was sent twice"
    assert world.open_uploads() == []


@pytest.mark.parametrize("size", [0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 8 * MIB, 8 * MIB + 1, 16 * MIB])
def test_sizes_at_the_edges_are_exact(size: int) -> None:
    """Fault 63."""

    async def upload() -> None:
        world, file = World(), Disk("a.bin", size)
        async with Life(world, MemoryStore()) as life:
            life.start("a", file)
            session = await life.page.until("a", "completed")
        assert world.holds(session["s3_key"], file)

    run(upload())


@scenario
async def test_small_files_are_not_stuck_behind_a_large_one() -> None:
    world = World()
    async with Life(world, MemoryStore(), max_concurrent_uploads=2) as life:
        life.start("large", Disk("large", 20 * GIB))
        for number in range(20):
            life.start(f"small {number}", Disk(f"small {number}", 1000))
        for number in range(20):
            await life.page.until(f"small {number}", "completed")
        assert life.page.sessions["large"]["progress"] < 50


@scenario
async def test_pause_resume_and_cancel() -> None:
    world, file = World(), Disk("a.bin", 5 * GIB)
    async with Life(world, MemoryStore()) as life:
        life.start("a", file)
        await asyncio.sleep(5)
        life.say(p.PAUSE_UPLOAD, upload_id="a")
        await life.page.until("a", "paused")
        stored = world.bytes_stored
        await asyncio.sleep(600)
        assert (world.bytes_stored, world.puts_under_way) == (stored, 0)
        life.say(p.RESUME_UPLOAD, upload_id="a")
        await asyncio.sleep(5)
        life.say(p.CANCEL_UPLOAD, upload_id="a")
        await life.page.until("a", "cancelled")
        assert world.open_uploads() == []
        assert world.bucket.objects == {}
        life.say(p.REMOVE_UPLOAD, upload_id="a")
        await asyncio.sleep(1)
        assert life.page.sessions == {}


@scenario
async def test_fifty_clicks_in_a_second_and_the_last_one_wins() -> None:
    """Fault 66."""
    world, file = World(), Disk("a.bin", 100 * MIB)
    async with Life(world, MemoryStore()) as life:
        life.start("a", file)
        for _ in range(25):
            life.say(p.PAUSE_UPLOAD, upload_id="a")
            await asyncio.sleep(0.02)
            life.say(p.RESUME_UPLOAD, upload_id="a")
            await asyncio.sleep(0.02)
        session = await life.page.until("a", "completed")
        assert world.holds(session["s3_key"], file)
        assert world.open_uploads() == []


@scenario
async def test_an_engine_that_drains_ends_what_it_has_begun_and_begins_nothing_more() -> None:
    """Fault 53: so that another one can take over, and sends nothing twice."""
    world, store, file = World(), MemoryStore(), Disk("a.bin", 5 * GIB)
    async with Life(world, store) as life:
        life.start("a", file)
        await asyncio.sleep(5)
        assert world.puts_under_way == 3
        await life.engine.drain()
        assert world.puts_under_way == 0
        stored = world.bytes_stored
        await asyncio.sleep(600)
        assert world.bytes_stored == stored
        (record,) = await store.load("me")
    assert sum(part.size for part in parts_of(record).values()) == stored, "all of it is written down"
    async with Life(world, store) as life:
        await life.page.until("a", "waiting-for-file")
        life.start("b", file)
        await life.page.until("a", "completed")
    assert world.bytes_stored == file.size, "nothing was sent twice"


@scenario
async def test_after_a_crash_the_same_file_resumes_and_nothing_stored_is_sent_again() -> None:
    """Faults 47, 49; invariant I3."""
    world, store, file = World(), MemoryStore(), Disk("a.bin", GIB - 5)
    async with Life(world, store) as life:
        life.start("a", file)
        await asyncio.sleep(3)
    before = world.bytes_stored
    assert 0 < before < file.size
    async with Life(world, store) as life:
        session = await life.page.until("a", "waiting-for-file")
        assert (session["status"], session["file_name"]) == ("paused", "a.bin")
        life.start("b", Disk("a.bin", GIB - 5, content="v2"))
        await asyncio.sleep(1)
        assert life.page.replaced == {"b": "a"}
        assert life.page.errors["a"]["type"] == "VALIDATION_ERROR"
        assert "content is different" in life.page.errors["a"]["message"]
        life.start("c", file)
        session = await life.page.until("a", "completed")
    assert world.holds(session["s3_key"], file)
    assert world.bytes_stored == file.size, "a part that arrived unheard is found by ListParts"


@scenario
async def test_the_same_file_picked_twice_is_one_upload_and_in_another_project_two() -> None:
    world, file = World(), Disk("a.bin", GIB)
    async with Life(world, MemoryStore()) as life:
        life.start("a", file)
        await asyncio.sleep(1)
        life.start("b", file)
        life.start("c", file, project_id="other")
        await life.page.until("a", "completed")
        await life.page.until("c", "completed")
    assert life.page.replaced == {"b": "a"}
    assert len(world.bucket.objects) == 2


@scenario
async def test_a_second_page_sees_everything_and_the_first_may_leave() -> None:
    world = World()
    async with Life(world, MemoryStore()) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(5)
        second = Page()
        life.engine.receive(second, p.encode_message({"type": p.HELLO, "config": {}}), None)
        life.say(p.GOODBYE)
        life.say(p.GOODBYE)
        await second.until("a", "completed")
        snapshots = [json.loads(text) for text in second.texts if "UPLOAD_SNAPSHOT" in text]
        assert len(json.loads("".join(snapshots[0]["partsJson"]))) == snapshots[0]["session"]["partsUploaded"]
        assert life.page.sessions["a"]["status"] == "uploading", "a page that left hears nothing"


class Counting(MemoryStore):
    """``most``: sessions that were written by one transaction."""

    most = 0

    async def save(self, records: Sequence[Record]) -> None:
        self.most = max(self.most, len(records))
        await super().save(records)


@scenario
async def test_very_many_sessions_are_written_and_told_some_at_a_time() -> None:
    store, count = Counting(), 2 * AT_ONCE + 7
    async with Life(World(bytes_per_second=1000), store) as life:
        for number in range(count):
            life.start(f"u{number}", Disk(f"{number}.bin", 6 * MIB))
        await life.page.until(f"u{count - 1}", "queued")
        second = Page()
        life.engine.receive(second, p.encode_message({"type": p.HELLO, "config": {}}), None)
        await second.until(f"u{count - 1}", "queued")
        assert second.sessions.keys() == {f"u{number}" for number in range(count)}
        assert len(await store.load("me")) == count
        await store.delete([("me", f"u{number}") for number in range(count)])
        outbox = life.engine.dispatcher.outbox
        for number in range(count):
            outbox.save(f"u{number}")
        await outbox.written("u7")  # which one waits for before its file is sent
        assert "u7" in {record["uploadId"] for record in await store.load("me")}
    assert store.most <= AT_ONCE


def verdicts(life: Life) -> list[str]:
    told = [json.loads(text) for text in life.page.texts if "UPLOAD_VERIFIED" in text]
    return [message["verdict"] for message in told if message["verdict"] != "reading"]


@pytest.mark.parametrize("keeps_checksums", [True, False])
def test_a_completed_upload_is_compared_with_a_file(keeps_checksums: bool) -> None:
    """V6."""

    async def story() -> None:
        world = World(dialect=Dialect(keeps_checksums=keeps_checksums))
        size = 10 * 8 * MIB
        async with Life(world, MemoryStore()) as life:
            life.start("a", Disk("a.bin", size))
            session = await life.page.until("a", "completed")
            unreadable = Disk("a.bin", size)
            unreadable.readable = False
            files = [Disk("a.bin", size), Disk("a.bin", size - 1), Disk("a.bin", size, "v2"), unreadable]
            for file in files:
                life.say(p.VERIFY_UPLOAD, file, upload_id="a")
                await asyncio.sleep(60)
            key = session["s3_key"]
            whole = world.bucket.objects[key]
            checksum = "AAAAAAAAAAA=" if keeps_checksums else ""
            world.bucket.objects[key] = replace(whole, etag=f"{'0' * 32}-10", checksum=checksum)
            life.say(p.VERIFY_UPLOAD, files[0], upload_id="a")
            await asyncio.sleep(60)
            del world.bucket.objects[key]
            life.say(p.VERIFY_UPLOAD, files[0], upload_id="a")
            await asyncio.sleep(60)
            world.begin("signer: down", 600.0)
            life.say(p.VERIFY_UPLOAD, files[0], upload_id="a")
            await asyncio.sleep(120)
            life.say(p.VERIFY_UPLOAD, files[0], upload_id="nobody's")
            await asyncio.sleep(1)
        assert verdicts(life) == ["same", "other", "other", "unreadable", "replaced", "gone", "unknown"]
        assert "Only an upload that is completed" in life.page.refused[-1]
        steps = [text for text in life.page.texts if '"verdict": "reading"' in text]
        assert len(steps) > 7, "it tells how far it is, beside that it begins"

    run(story())


@scenario
async def test_rules_are_told_before_anything_is_sent() -> None:
    """C4."""
    world = World()
    config: dict[str, Any] = {
        "max_file_size": 100,
        "min_file_size": 1,
        "allowed_types": [".bin"],
        "max_files": 2,
    }
    async with Life(world, MemoryStore(), **config) as life:
        life.start("large", Disk("large.bin", 60_000 * GIB))
        life.start("odd", Disk("odd.exe", 10))
        for upload_id, words in (("large", "at most 100"), ("odd", ".bin")):
            await life.page.until(upload_id, "failed")
            assert words in life.page.errors[upload_id]["message"]
            assert not life.page.errors[upload_id]["retryable"]
        for name in ("first", "second", "third"):  # what was refused before does not count
            life.start(name, Disk(f"{name}.bin", 10))
        await life.page.until("third", "failed")
        assert "At most 2 files" in life.page.errors["third"]["message"]
        await life.page.until("second", "completed")
        life.say(p.CANCEL_ALL)
        await life.page.until("third", "cancelled")
    assert {upload.file for upload in world.bucket.uploads.values()} == {"first.bin", "second.bin"}


@scenario
async def test_commands_that_make_no_sense_are_refused_by_name() -> None:
    async with Life(World(), MemoryStore()) as life:
        life.say(p.PAUSE_UPLOAD, upload_id="nobody")
        life.engine.receive(life.page, "{}", None)
        life.engine.receive(life.page, p.encode_message({"type": p.PAUSE_ALL}), Disk("a", 1))
        life.say(p.START_UPLOAD, upload_id="gone", project_id="p", s3_key="")
        life.say(p.HELLO, config={"max_retries": 9})
        life.start("a", Disk("a", GIB))
        life.say(p.REMOVE_UPLOAD, upload_id="a")
        await asyncio.sleep(1)
        refused = "\n".join(life.page.refused)
        for words in (
            "no such upload",
            "version",
            "a file must come with",
            "cannot be opened",
            "max_retries",
            "completed or cancelled",
        ):
            assert words in refused


@scenario
async def test_an_id_that_is_taken_is_refused_and_nothing_else_happens() -> None:
    world, file = World(), Disk("a.bin", GIB)
    async with Life(world, MemoryStore()) as life:
        life.start("a", file)
        life.start("a", Disk("b.bin", 10))
        await asyncio.sleep(3)
        life.start("a", Disk("c.bin", 10))
        session = await life.page.until("a", "completed")
        assert [text for text in life.page.refused if "this id already" in text] == life.page.refused
        assert len(life.page.refused) == 2
    assert world.holds(session["s3_key"], file)


@scenario
async def test_a_file_that_changes_stops_and_an_unreadable_one_is_asked_for() -> None:
    """D6. Faults 58, 60, 62."""
    world, changed, gone = World(), Disk("changed", GIB), Disk("gone", GIB)
    async with Life(world, MemoryStore()) as life:
        life.start("changed", changed)
        life.start("gone", gone)
        await asyncio.sleep(4)
        changed.edited, gone.readable = True, False
        await life.page.until("changed", "failed")
        await life.page.until("gone", "waiting-for-file")
        life.say(p.RESELECT_FILE, Disk("gone", GIB), upload_id="gone")
        await life.page.until("gone", "completed")
        unreadable = Disk("never", 10)
        unreadable.readable = False
        life.start("never", unreadable)
        await life.page.until("never", "failed")
        assert len(world.bucket.objects) == 1


class FullStore(MemoryStore):
    """Storage that refuses to write after a while."""

    async def save(self, records: Any) -> None:
        raise StorageFault("QuotaExceededError")


class ShutStore(MemoryStore):
    """Storage that cannot even be opened."""

    async def set_meta(self, key: str, value: Any) -> None:
        raise StorageFault("SecurityError")


@pytest.mark.parametrize("store", [FullStore, ShutStore])
def test_without_storage_it_goes_on_in_memory_and_says_so(store: type[MemoryStore]) -> None:
    """D7. Fault 54."""

    async def upload() -> None:
        async with Life(World(), store()) as life:
            life.start("a", Disk("a.bin", 10 * MIB))
            await life.page.until("a", "completed")
            assert life.page.capabilities["storage"] == "memory"
            assert "survive a reload" in life.page.capabilities["warnings"][0]

    run(upload())


@scenario
async def test_a_damaged_record_is_set_aside_and_the_others_come_back() -> None:
    """Fault 56."""
    world, store = World(), MemoryStore()
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(4)
    await store.save([{"uploadId": "bad", "userId": "me", "version": 99}])
    async with Life(world, store) as life:
        await life.page.until("a", "waiting-for-file")
        assert list(life.page.sessions) == ["a"]
        assert "set aside" in life.page.capabilities["warnings"][0]


@scenario
async def test_a_session_older_than_its_time_to_live_is_swept_here_and_in_the_store() -> None:
    world, store = World(), MemoryStore()
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(4)
    await asyncio.sleep(8 * 24 * 3600)
    world.oracle.cancelled.add("a.bin")
    async with Life(world, store) as life:
        await life.page.until("a", "cancelled")
        assert world.open_uploads() == []
        assert await store.load("me") == []


@scenario
async def test_started_offline_it_remembers_the_user_of_last_time() -> None:
    world, store = World(), MemoryStore()
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(4)
    world.begin(OFFLINE)
    async with Life(world, store) as life:
        await life.page.until("a", "waiting-for-file")


@scenario
async def test_with_debug_on_every_event_is_told_without_a_secret() -> None:
    """Invariant I7."""
    async with Life(World(), MemoryStore(), debug=True) as life:
        life.start("a", Disk("a.bin", 10 * MIB))
        await life.page.until("a", "completed")
    told = "\n".join(life.log)
    assert "a PartUploaded 2" in told
    assert "UploadCompleted" in told
    assert SECRET not in told
    async with Life(World(), MemoryStore()) as quiet:
        quiet.start("a", Disk("a.bin", 10 * MIB))
        await quiet.page.until("a", "completed")
    assert quiet.log == []


@scenario
async def test_a_guest_who_lost_the_cookie_comes_back() -> None:
    """Fault 49: a browser that is killed forgets the cookies of its last half minute."""
    world, store, key = World(), MemoryStore(), KeptKey()
    async with Life(world, store, key=key) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(4)
    world.server.cookie, world.server.new_guest = "somebody", True
    async with Life(world, store, key=key) as life:
        await life.page.until("a", "waiting-for-file")
    assert world.server.cookie == "me"


@scenario
async def test_a_page_that_hears_of_the_network_ends_the_waiting() -> None:
    """Fault 6: long before the next look at it would have come."""
    world = World()
    async with Life(world, MemoryStore()) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(5)
        world.begin(OFFLINE)
        await life.page.until("a", "waiting-for-network")
        await asyncio.sleep(600)
        life.say(p.NETWORK_HINT)
        await asyncio.sleep(1)
        assert life.page.sessions["a"]["phase"] == "waiting-for-network", "a hint is no more than that"
        world.end(OFFLINE)
        life.say(p.NETWORK_HINT)
        await life.page.until("a", "uploading", seconds=1.0)


@scenario
async def test_the_machines_date_does_not_matter() -> None:
    """Fault 44."""
    world, file = World(url_lifetime=60.0), Disk("a.bin", GIB)
    async with Life(world, MemoryStore()) as life:
        life.start("a", file)
        for _ in range(4):
            await asyncio.sleep(3)
            life.clock.wall_offset -= 86_400.0
        session = await life.page.until("a", "completed")
        assert world.holds(session["s3_key"], file)


@scenario
async def test_what_nobody_comes_back_to_is_removed_after_a_week() -> None:
    """I5: from the store and from the browser, at the start."""
    world, store = World(), MemoryStore()
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(5)
    world.slept += 6.9 * DAY
    async with Life(world, store) as life:
        await life.page.until("a", "waiting-for-file")
    world.slept += 0.2 * DAY
    async with Life(world, store) as life:
        world.oracle.cancelled.add("a.bin")
        await life.page.until("a", "cancelled")
        told = life.page.capabilities["warnings"]
        assert told == ["An upload was interrupted too long ago, and is removed."], (
            "reports tell it: no file is named"
        )
    assert world.open_uploads() == []
    assert await store.load("me") == []


@scenario
async def test_an_engine_that_runs_on_removes_what_rests_and_nothing_else() -> None:
    """I5: looked for every hour."""
    world, hour = World(bytes_per_second=300_000.0), 3_600
    async with Life(world, MemoryStore(), session_ttl=3 * hour * 1000) as life:
        life.start("works", Disk("works.bin", 6 * GIB))
        life.start("rests", Disk("rests.bin", GIB))
        await life.page.until("rests", "uploading")
        await asyncio.sleep(600)
        life.say(p.PAUSE_UPLOAD, upload_id="rests")
        await asyncio.sleep(2.9 * hour)
        assert life.page.sessions["rests"]["status"] == "paused"
        world.oracle.cancelled.add("rests.bin")
        await life.page.until("rests", "cancelled", seconds=1.2 * hour)
        assert life.page.sessions["works"]["status"] == "uploading"
        assert [upload.file for upload in world.open_uploads()] == ["works.bin"]


@scenario
async def test_a_date_that_is_wrong_by_a_month_expires_nothing() -> None:
    """Fault 44: the server's date decides."""
    world, store = World(), MemoryStore()
    async with Life(world, store) as life:
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(5)
    clock = VirtualClock()
    clock.wall_offset += 30 * DAY
    world.begin(OFFLINE)
    async with Life(world, store, clock=clock) as life:
        await life.page.until("a", "waiting-for-file")
        world.end(OFFLINE)
        await asyncio.sleep(3 * 3_600)
        assert life.page.sessions["a"]["phase"] == "waiting-for-file"
    clock.wall_offset -= 60 * DAY
    world.begin(OFFLINE)
    async with Life(world, store, clock=clock) as life:
        life.start("b", Disk("b.bin", GIB))
        await life.page.until("b", "waiting-for-network")
        life.say(p.PAUSE_UPLOAD, upload_id="b")
        world.end(OFFLINE)
        await asyncio.sleep(3 * 3_600)
        assert life.page.sessions["b"]["phase"] == "paused"


@scenario
async def test_an_upload_whose_parts_expired_in_the_store_begins_anew() -> None:
    """D5. Fault 26."""
    world, store, file = World(), MemoryStore(), Disk("a.bin", GIB)
    async with Life(world, store) as life:
        life.start("a", file)
        await asyncio.sleep(5)
    for upload in world.bucket.uploads.values():
        upload.ended = "expired"
    async with Life(world, store) as life:
        life.start("b", file)
        session = await life.page.until("a", "completed")
        assert world.holds(session["s3_key"], file)
        told = [json.loads(text).get("error") for text in life.page.texts]
        assert any(error and "sent again from its beginning" in error["recovery"] for error in told)


class MuteDisk(Disk):
    """Reading it never ends."""

    async def sample(self) -> str:
        await asyncio.sleep(1e9)
        return ""


@scenario
async def test_a_file_whose_reading_never_ends_is_refused_in_the_end() -> None:
    """Fault 60; the others do not wait for it: it is looked at beside them."""
    async with Life(World(), MemoryStore()) as life:
        for upload_id in "abcdef":
            life.start(upload_id, MuteDisk(upload_id, MIB))
        life.start("g", Disk("g", MIB))
        await life.page.until("g", "completed", seconds=30.0)
        session = await life.page.until("a", "failed", seconds=60.0)
    assert session["phase"] == "failed"
    assert life.page.errors["a"]["message"] == "The file cannot be read."
