"""The whole demo in virtual time: the real engine, a bucket in memory, and a page that pulls the levers (ACCEPTANCE H3, H4)."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from upload_engine.demo.desk import SWEEP_AFTER
from upload_engine.demo.shelf import MemoryShelf
from upload_engine.memory_store import MemoryStore
from uploads import protocol as p

from tests.fakes.adapters import DiskFile
from tests.unit.demo.stage import PART, SIZE, Stage, make_file, play


async def prove(stage: Stage, file: DiskFile) -> None:
    """The object is the file, by the demo's own comparison and by its bytes."""
    session = (await stage.phase("completed", "failed"))["session"]
    assert session["phase"] == "completed", stage.shown()
    found = stage.demo.bucket.object_at(session["s3_key"])
    assert found is not None
    content = b"".join([piece async for piece in stage.demo.bucket.read(found)])
    assert content == (await file.part(0, SIZE)).content
    assert session["object_url"] == found.url != ""


@pytest.mark.parametrize("seed", range(10))
def test_it_arrives_through_every_fault(seed: int, tmp_path: Path) -> None:
    file = make_file(tmp_path)

    async def story(stage: Stage) -> None:
        stage.set(loss=30, failing=True)
        stage.start(file)
        await asyncio.sleep(3)
        stage.set(loss=30, failing=True, offline=True)
        await asyncio.sleep(120)
        stage.set(loss=50, failing=True)
        await asyncio.sleep(3)
        stage.say(p.DEMO_EXPIRE_LINKS)
        await asyncio.sleep(3)
        stage.set(loss=20)
        await prove(stage, file)
        counters = stage.demo.tally.counters
        assert counters.stored >= 4
        assert counters.lost > 0

    play(story, seed=seed)


def test_links_that_expire_in_mid_part_are_signed_anew(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        file = make_file(tmp_path)
        stage.start(file)
        await stage.until(lambda: stage.demo.network.under_way == 3)
        await asyncio.sleep(0.5)
        stage.say(p.DEMO_EXPIRE_LINKS)
        await asyncio.sleep(0.3)
        refused = stage.demo.tally.counters.refused
        assert refused == 3
        await prove(stage, file)
        assert "Links expired: new ones were signed." in stage.demo.tally.events
        assert stage.demo.tally.counters.again >= refused

    play(story)


def test_a_crash_costs_what_was_on_the_way_and_no_more(tmp_path: Path) -> None:
    shelf, store, file = MemoryShelf(), MemoryStore(), make_file(tmp_path)

    async def first(stage: Stage) -> None:
        stage.start(file)
        await stage.until(lambda: stage.demo.tally.counters.stored == 3)
        stage.say(p.DEMO_CRASH)
        await stage.crashed.wait()

    async def second(stage: Stage) -> None:
        await stage.phase("waiting-for-file")
        stage.say(p.RESELECT_FILE, file.picked_again(), upload_id="u1")
        await prove(stage, file)
        assert stage.demo.tally.counters.stored == 1

    play(first, shelf=shelf, store=store)
    play(second, shelf=shelf, store=store)


def test_a_full_browser_says_so_and_loses_nothing(tmp_path: Path) -> None:
    shelf = MemoryShelf(limit=2 * PART)

    async def story(stage: Stage) -> None:
        file = make_file(tmp_path)
        stage.start(file)
        error = (await stage.phase("failed"))["error"]
        assert "The browser's storage is full." in error["message"]
        assert error["code"] == "BrowserStorageFull"
        assert error["retryable"]
        shelf.limit = None
        stage.say(p.RETRY_UPLOAD, upload_id="u1")
        await stage.phase("reconciling", "uploading", "completed")
        await prove(stage, file)
        assert stage.demo.tally.counters.stored == 4

    play(story, shelf=shelf)


def test_the_object_is_compared_with_the_file(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        file = make_file(tmp_path)
        stage.start(file)
        key = (await stage.phase("completed"))["session"]["s3_key"]
        other = make_file(tmp_path, seed=2)
        stage.say(p.DEMO_VERIFY, other, upload_id="u1", s3_key=key)
        stage.say(p.DEMO_VERIFY, upload_id="u2", s3_key=key)
        stage.say(p.DEMO_VERIFY, upload_id="u3", s3_key="nothing")
        await stage.until(lambda: len(stage.heard(p.DEMO_VERIFIED)) == 3)
        answers = {answer["upload_id"]: answer for answer in stage.heard(p.DEMO_VERIFIED)}
        content = (await other.part(0, SIZE)).content
        assert answers["u1"]["file_sha256"] == hashlib.sha256(content).hexdigest()
        assert answers["u1"]["object_sha256"] not in (None, answers["u1"]["file_sha256"])
        assert answers["u2"]["file_sha256"] is None
        assert answers["u2"]["object_sha256"] == answers["u1"]["object_sha256"]
        assert answers["u3"]["object_sha256"] is None

    play(story)


def test_what_is_cancelled_forgotten_or_cleared_leaves_nothing(tmp_path: Path) -> None:
    """H3."""
    shelf = MemoryShelf()

    async def story(stage: Stage) -> None:
        file = make_file(tmp_path)
        stage.start(file)
        await stage.until(lambda: stage.demo.tally.counters.stored == 3)
        stage.say(p.CANCEL_UPLOAD, upload_id="u1")
        await stage.phase("cancelled")
        assert (shelf.parts, await shelf.records()) == ({}, [])
        stage.say(p.REMOVE_UPLOAD, upload_id="u1")
        for last in (p.DEMO_FORGET, p.DEMO_CLEAR):
            stage.start(file)
            key = (await stage.phase("completed"))["session"]["s3_key"]
            assert len(shelf.parts) == 4
            stage.say(p.REMOVE_UPLOAD, upload_id="u1")
            stage.say(last, **({"s3_key": key} if last == p.DEMO_FORGET else {}))
            await stage.until(lambda: not shelf.parts)
            assert await shelf.records() == []
            await stage.until(lambda: stage.heard(p.UPLOAD_REMOVED))
            stage.messages.clear()

    play(story, shelf=shelf)


def test_what_is_left_over_is_swept_at_the_start(tmp_path: Path) -> None:
    """H3: objects that no page shows, and uploads of another day; not those that are still wanted."""
    shelf, store, keys = MemoryShelf(), MemoryStore(), []

    async def complete(stage: Stage) -> None:
        for _ in range(2):
            stage.start(make_file(tmp_path))
            keys.append((await stage.phase("completed"))["session"]["s3_key"])
            stage.say(p.REMOVE_UPLOAD, upload_id="u1")
            await stage.until(lambda: stage.heard(p.UPLOAD_REMOVED))
            stage.messages.clear()
        await stage.demo.bucket.create("old", "a", "b/c", SIZE, PART, "p")
        new = await stage.demo.bucket.create("new", "a", "b/c", SIZE, PART, "p")
        for record in await shelf.records():
            record["started_at"] -= 2 * 24 * 3600 * (record["uploadId"] != new.upload_id)

    async def come_back(stage: Stage) -> None:
        stage.say(p.DEMO_KEEP, s3_keys=[keys[1], "nothing"])
        await stage.until(lambda: len(stage.heard(p.DEMO_OBJECT)) == 2)
        told, other = stage.heard(p.DEMO_OBJECT)
        assert (told["s3_key"], other["s3_key"], other["object_url"]) == (keys[1], "nothing", "")
        assert told["object_url"] == stage.demo.object_url(keys[1]) != ""
        await asyncio.sleep(SWEEP_AFTER + 1)
        assert {upload.key for upload in stage.demo.bucket.uploads.values()} == {keys[1], "new"}

    play(complete, shelf=shelf, store=store)
    play(come_back, shelf=shelf, store=store)


def test_the_page_is_told_the_levers_as_they_are_and_what_was_counted(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.set(bandwidth=None, latency=250, loss=7, failing=True)
        await asyncio.sleep(1)
        state = stage.heard(p.DEMO_STATE)[-1]
        levers = {"bandwidth": None, "latency": 250, "loss": 7, "offline": False, "failing": True}
        assert state["network"] == levers
        assert state["quota"] is None
        assert state["events"][-1] == "The store refuses about every third part."
        stage.set(bandwidth=None)
        stage.start(make_file(tmp_path))
        await stage.phase("completed")
        await asyncio.sleep(1)
        state = stage.heard(p.DEMO_STATE)[-1]
        assert state["bytes_stored"] == SIZE
        assert state["counters"]["stored"] == 4
        assert state["events"][-2:] == ["An upload was created.", "The object was put together, of 4 parts."]
        stage.set(offline=True)
        stage.set()
        stage.say(p.GOODBYE)
        await asyncio.sleep(1)
        assert stage.heard(p.DEMO_STATE)[-1] == state, "a page that has gone is told nothing"
        assert list(stage.demo.tally.events)[-2:] == [
            "The network is gone: 0 requests broke off.",
            "The network is back.",
        ]

    play(story)


def test_another_engine_refuses_the_demos_messages_by_name() -> None:
    async def story(stage: Stage) -> None:
        for kind, fields in (
            (p.DEMO_CRASH, {}),
            (p.DEMO_CLEAR, {}),
            (p.DEMO_FORGET, {"s3_key": "k"}),
        ):
            body = p.encode_message({"type": kind, **fields})
            stage.engine.receive(stage.port, body, None)
        await stage.until(lambda: len(stage.heard(p.COMMAND_REFUSED)) == 3)
        refused = [message["message"] for message in stage.heard(p.COMMAND_REFUSED)]
        assert [words.split(":")[0] for words in refused] == ["DEMO_CRASH", "DEMO_CLEAR", "DEMO_FORGET"]

    play(story)
