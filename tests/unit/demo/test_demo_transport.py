"""The demo's transport as the role wants it (``interfaces.PartTransport``), in virtual time (ACCEPTANCE H4)."""

from __future__ import annotations

import asyncio
import random

from upload_engine.core.errors import NetworkFault
from upload_engine.demo.bucket import Upload
from upload_engine.demo.demo import Demo
from upload_engine.demo.network import Conditions
from upload_engine.demo.shelf import MemoryShelf
from upload_engine.interfaces import HttpResponse, PartBody, PutRequest, Record

from tests.contracts.roles import raised
from tests.contracts.roles.transport import MIB, content, md5_of
from tests.unit.demo.virtual import run

STILL = Conditions(bandwidth=MIB, latency=0.0)


class Store:
    """A demo with one upload of four parts."""

    def __init__(self, demo: Demo, shelf: MemoryShelf, upload: Upload) -> None:
        self.demo, self.shelf, self.upload = demo, shelf, upload

    async def put(self, number: int, sent: bytes, heard: list[int] | None = None) -> HttpResponse:
        url = self.demo.links.sign(self.upload.upload_id, number)
        on_progress = (heard if heard is not None else []).append
        return await self.demo.transport.put(PutRequest(url, {}, PartBody(sent, len(sent))), on_progress)


async def store_with(demo: Demo, shelf: MemoryShelf, last: int = 2 * MIB) -> Store:
    demo.network.conditions = STILL
    return Store(demo, shelf, await demo.bucket.create("k", "a", "b/c", 6 * MIB + last, 2 * MIB, "p"))


def test_progress_is_absolute_never_falls_and_ends_with_the_last_byte() -> None:
    async def story(demo: Demo, shelf: MemoryShelf) -> None:
        store = await store_with(demo, shelf)
        heard: list[int] = []
        answer = await store.put(1, content(2 * MIB), heard)
        assert (answer.status, answer.headers["etag"]) == (200, f'"{md5_of(content(2 * MIB))}"')
        assert heard == sorted(set(heard))
        assert heard[-1] == 2 * MIB
        assert len(heard) > 10

    run(story)


def test_several_at_once_do_not_mix() -> None:
    async def story(demo: Demo, shelf: MemoryShelf) -> None:
        store = await store_with(demo, shelf, last=7)
        bodies = [content(size, seed) for seed, size in enumerate([2 * MIB] * 3 + [7])]
        answers = await asyncio.gather(*(store.put(number, body) for number, body in enumerate(bodies, 1)))
        assert [one.headers["etag"] for one in answers] == [f'"{md5_of(body)}"' for body in bodies]
        assert [shelf.parts[store.upload.upload_id, number] for number in range(1, 5)] == bodies

    run(story)


def test_who_cancels_in_mid_body_leaves_nothing_and_hears_nothing_more() -> None:
    async def story(demo: Demo, shelf: MemoryShelf) -> None:
        store = await store_with(demo, shelf)
        heard: list[int] = []
        task = asyncio.ensure_future(store.put(1, content(2 * MIB), heard))
        await asyncio.sleep(1)
        task.cancel()
        await raised(asyncio.CancelledError, task)
        count = len(heard)
        assert 0 < heard[-1] < 2 * MIB
        await asyncio.sleep(5)
        assert (len(heard), shelf.parts, demo.network.under_way) == (count, {}, 0)

    run(story)


def test_a_lost_answer_is_a_network_fault_and_the_part_is_there() -> None:
    async def story(demo: Demo, shelf: MemoryShelf) -> None:
        store = await store_with(demo, shelf)
        demo.network.conditions = Conditions(bandwidth=None, latency=2.0)
        task = asyncio.ensure_future(store.put(1, content(2 * MIB)))
        await asyncio.sleep(1.5)
        demo.network.conditions = Conditions(offline=True)
        await raised(NetworkFault, task)
        assert list(store.upload.parts) == [1]
        assert demo.tally.counters.lost == 1

    run(story)


def test_what_is_stored_is_counted_though_nobody_waits_for_the_answer() -> None:
    """A part may be given up in the very moment when it is written down."""

    async def story(demo: Demo, shelf: MemoryShelf) -> None:
        store = await store_with(demo, shelf)
        tasks: list[asyncio.Future[HttpResponse]] = []
        write_down = shelf.keep_record

        async def cancelled_meanwhile(record: Record) -> None:
            await write_down(record)
            tasks[0].cancel()
            await asyncio.sleep(0)

        shelf.keep_record = cancelled_meanwhile  # type: ignore[method-assign]
        tasks.append(asyncio.ensure_future(store.put(1, content(2 * MIB))))
        await raised(asyncio.CancelledError, tasks[0])
        assert (list(store.upload.parts), demo.tally.counters.stored) == ([1], 1)

    run(story)


def test_a_part_of_an_upload_that_is_given_up_meanwhile_is_not_kept() -> None:
    async def story(demo: Demo, shelf: MemoryShelf) -> None:
        store = await store_with(demo, shelf)
        task = asyncio.ensure_future(store.put(1, content(2 * MIB)))
        await asyncio.sleep(1)
        await demo.bucket.remove(store.upload)
        answer = await task
        assert (answer.status, "NoSuchUpload" in answer.text) == (404, True)
        assert (shelf.parts, await shelf.records()) == ({}, [])

    run(story)


def test_chance_is_an_argument() -> None:
    """The same seed, the same day."""

    async def day(demo: Demo, shelf: MemoryShelf) -> None:
        store = await store_with(demo, shelf)
        demo.network.conditions = Conditions(bandwidth=None, latency=0.0, loss=0.3, failing=True)
        results.append(
            await asyncio.gather(*(store.put(1, content(2 * MIB)) for _ in range(20)), return_exceptions=True)
        )

    results: list[list[object]] = []
    for _ in range(2):
        run(day, random.Random(5))
    assert [str(one) for one in results[0]] == [str(one) for one in results[1]]
