"""What people set and move, and what they are shown of an upload: the engine as a page sees it, in virtual time."""

import asyncio
import json
from typing import Any

from upload_engine.adjustments import KEPT_AS
from upload_engine.core.limits import GIB, MIB
from upload_engine.memory_store import MemoryStore
from uploads import protocol as p

from tests.fakes.adapters import MemoryFileKeeper
from tests.simulation.browser import Disk, Life, Page
from tests.simulation.scenario import scenario
from tests.simulation.world import World


async def told(page: Page, kind: str, wanted: Any = lambda _: True) -> dict[str, Any]:
    """The last message of this kind, once it is as wanted."""
    async with asyncio.timeout(1e5):
        while kind not in page.told or not wanted(page.told[kind]):
            page.heard.clear()
            await page.heard.wait()
    return page.told[kind]


@scenario
async def test_a_persons_settings_count_at_once_and_in_all_pages_and_are_kept() -> None:
    """U6."""
    world, store, keeper = World(), MemoryStore(), MemoryFileKeeper()
    async with Life(world, store, keeper=keeper, bandwidth_limit=1_000_000) as life:
        other = Page()
        life.engine.receive(other, p.encode_message({"type": p.HELLO, "config": {}}), None)
        first = await told(life.page, p.SETTINGS)
        assert (first["settings"], first["site"]["bandwidth_limit"]) == ({}, 1_000_000)
        life.start("a", Disk("a.bin", GIB))
        await asyncio.sleep(60)
        assert life.page.sessions["a"]["progress"] < 10
        mine = {
            "bandwidth_limit": None,
            "max_concurrent_chunks": 1,
            "keep_copy": 10 * MIB,
            "chunk_size": "auto",
        }
        life.say(p.CHANGE_SETTINGS, settings=mine)
        changed = {name: value for name, value in mine.items() if name != "chunk_size"}
        for page in (life.page, other):
            message = await told(page, p.SETTINGS, lambda message: message["settings"])
            assert message["settings"] == changed, "what is as the site has it is not the person's"
        before = life.clock.now()
        world.most_puts = 0
        await life.page.until("a", "completed")
        assert life.clock.now() - before < 60, "the limit is gone for what is under way, too"
        assert world.most_puts == 1
        assert keeper.copy_limit == 10 * MIB
    assert await store.get_meta(KEPT_AS + "me") == {
        "bandwidthLimit": None,
        "maxConcurrentChunks": 1,
        "keepCopy": 10 * MIB,
    }
    async with Life(world, store, keeper=keeper, bandwidth_limit=1_000_000) as life:
        message = await told(life.page, p.SETTINGS, lambda message: message["settings"])
        assert message["settings"] == changed
        life.say(p.CHANGE_SETTINGS, settings={})
        await told(life.page, p.SETTINGS, lambda message: not message["settings"])
        assert keeper.copy_limit == 0
    await store.set_meta(KEPT_AS + "me", {"signerUrl": "https://evil.example"})
    async with Life(world, store) as life:
        await asyncio.sleep(5)
        assert (await told(life.page, p.SETTINGS))["settings"] == {}, (
            "what is not a person's to set is not taken up"
        )


@scenario
async def test_what_is_set_while_nobody_is_known_is_the_first_users() -> None:
    """U6."""
    world, store = World(), MemoryStore()
    world.begin("line: offline for hours")
    async with Life(world, store) as life:
        await told(life.page, p.SETTINGS)
        life.say(p.CHANGE_SETTINGS, settings={"max_concurrent_uploads": 1})
        await told(life.page, p.SETTINGS, lambda message: message["settings"])
    world.end("line: offline for hours")
    for _ in range(2):
        async with Life(world, store) as life:
            message = await told(life.page, p.SETTINGS, lambda message: message["settings"])
            assert message["settings"] == {"max_concurrent_uploads": 1}
            await asyncio.sleep(5)
    assert await store.get_meta(KEPT_AS + "me") == {"maxConcurrentUploads": 1}
    assert await store.get_meta(KEPT_AS) is None


@scenario
async def test_uploads_are_moved_in_the_queue_and_stay_there() -> None:
    """U7."""
    world, store = World(), MemoryStore()
    async with Life(world, store, max_concurrent_uploads=1) as life:
        for name in "abcd":
            life.start(name, Disk(f"{name}.bin", 2 * GIB))
        await life.page.until("a", "uploading")
        await life.page.until("d", "queued")
        life.say(p.MOVE_UPLOAD, upload_id="d", before="b")
        life.say(p.MOVE_UPLOAD, upload_id="b", before=None)
        await asyncio.sleep(1)
        by_rank = sorted(life.page.sessions, key=lambda name: float(life.page.ranks[name]))
        assert by_rank == ["a", "d", "c", "b"]
        await life.page.until("d", "completed")
        assert life.page.sessions["a"]["status"] == "completed"
        assert life.page.sessions["b"]["phase"] == "queued"
        life.say(p.MOVE_UPLOAD, upload_id="nobody", before=None)
        await asyncio.sleep(1)
        assert life.page.refused == ["There is no such upload any more."]
    async with Life(world, store, max_concurrent_uploads=1) as life:
        await life.page.until("b", "waiting-for-file")
        assert sorted(life.page.sessions, key=lambda name: float(life.page.ranks[name])) == ["c", "b"]


@scenario
async def test_a_page_that_watches_an_upload_sees_its_parts_its_speed_and_its_story() -> None:
    """U8."""
    world = World(bytes_per_second=20e6)
    file = Disk("a.bin", GIB)
    async with Life(world, MemoryStore()) as life:
        life.start("a", file)
        await life.page.until("a", "uploading")
        life.say(p.WATCH_UPLOAD, upload_id="a")
        details = await told(
            life.page, p.UPLOAD_DETAILS, lambda message: len(json.loads(message["samples"])) > 20
        )
        assert (details["upload_id"], details["requests"]) == ("a", 3)
        assert details["window"] >= 3
        assert details["parts"].endswith("w")
        assert "s3f" in details["parts"]
        speeds = [speed for _, speed, _, _ in json.loads(details["samples"])]
        assert 10e6 < sum(speeds) / len(speeds) < 30e6
        kinds = [kind for _, kind, _, _ in json.loads(details["story"])]
        assert kinds[:2] == ["SlotGranted", "UploadCreated"]
        assert "PartUploaded" in kinds
        life.say(p.PAUSE_UPLOAD, upload_id="a")
        await life.page.until("a", "paused")
        life.say(p.RESUME_UPLOAD, upload_id="a")
        await life.page.until("a", "completed")
        details = await told(
            life.page, p.UPLOAD_DETAILS, lambda message: not set("wf") & set(message["parts"])
        )
        total = -(-file.size // (32 * MIB))
        assert sum(int(run) for run in details["parts"].replace("S", "s").split("s") if run) == total
        assert details["parts"] != f"{total}s", "what was given up by the pause was sent twice, and says so"
        figures = details["figures"]
        assert (figures["parts"], figures["sent_bytes"]) == (total, file.size)
        assert figures["resent_bytes"] <= 3 * 32 * MIB
        assert figures["seconds"] > 40
        assert 10e6 < figures["mean_speed"] <= figures["peak_speed"] < 60e6
        life.say(p.WATCH_UPLOAD, upload_id=None)
        await asyncio.sleep(2)
        life.page.told.clear()
        await asyncio.sleep(5)
        assert p.UPLOAD_DETAILS not in life.page.told
        life.say(p.ASK_FIGURES)
        (row,) = json.loads((await told(life.page, p.UPLOAD_FIGURES))["figures"])
        assert (row["fileName"], row["status"], row["sentBytes"]) == ("a.bin", "completed", file.size)
        assert row["endedAt"] >= row["startedAt"]
