"""SessionStore: what was saved is there, for its user alone, also for the next to open the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from upload_engine.core.errors import StorageFault
from upload_engine.interfaces import SessionStore

from tests.contracts.roles import raised


@dataclass
class Bench:
    """open: another adapter on the same, at first empty, store."""

    open: Callable[[], SessionStore]


def record(upload_id: str, user_id: str = "ann", **more: Any) -> dict[str, Any]:
    return {"uploadId": upload_id, "userId": user_id, **more}


async def starts_empty(bench: Bench) -> None:
    store = bench.open()
    assert await store.load("ann") == []
    assert await store.get_meta("device") is None


async def a_record_comes_back_as_it_was(bench: Bench) -> None:
    kept = record(
        "u1",
        fileSize=5 * 2**40,
        progress=12.5,
        parts=[{"partNumber": 1, "etag": '"a"', "size": 2**24}, {"partNumber": 2, "etag": '"b"', "size": 1}],
        nothing=None,
        yes=True,
        no=False,
        zero=0,
        empty={"list": [], "text": "", "mapping": {}},
        name="\u202e名\U0001f600\x00.bin",
        **{"10": "ten", "1": "one"},
    )
    store = bench.open()
    await store.save([kept])
    [found] = await bench.open().load("ann")
    assert found == kept, found
    kinds = [type(found[key]) for key in ("fileSize", "zero", "yes", "nothing")]
    assert kinds == [int, int, bool, type(None)], kinds


async def ten_thousand_parts_come_back(bench: Bench) -> None:
    parts = [{"partNumber": number, "etag": f'"{number:032x}"', "size": 2**24} for number in range(1, 10_001)]
    await bench.open().save([record("u1", parts=parts)])
    [found] = await bench.open().load("ann")
    assert found["parts"] == parts


async def saving_again_replaces(bench: Bench) -> None:
    store = bench.open()
    await store.save([record("u1", status="uploading", old=1)])
    await store.save([record("u1", status="paused")])
    assert await store.load("ann") == [record("u1", status="paused")]


async def two_adapters_see_the_same(bench: Bench) -> None:
    one, other = bench.open(), bench.open()
    await one.save([record("u1")])
    await other.save([record("u2")])
    for store in (one, other):
        assert sorted(found["uploadId"] for found in await store.load("ann")) == ["u1", "u2"]


async def other_users_records_are_not_seen(bench: Bench) -> None:
    store = bench.open()
    await store.save([record("u1", "ann", mine=1), record("u1", "bob", mine=2), record("u2", "bob")])
    assert await store.load("ann") == [record("u1", "ann", mine=1)]
    assert await store.load("an") + await store.load("") == []
    await store.delete([("ann", "u1")])
    assert await store.load("ann") == []
    assert len(await store.load("bob")) == 2


async def many_are_forgotten_at_once(bench: Bench) -> None:
    store = bench.open()
    await store.save([record(f"u{number}") for number in range(5)])
    await store.delete([("ann", "u0"), ("ann", "u3"), ("bob", "u4")])
    assert sorted(found["uploadId"] for found in await bench.open().load("ann")) == ["u1", "u2", "u4"]


async def what_is_nobodys_becomes_a_users_once(bench: Bench) -> None:
    store = bench.open()
    await store.save([record("u1", "", parts=[{"size": 5 * 2**40}]), record("u2", ""), record("u3", "bob")])
    await store.adopt("ann")
    found = sorted(await bench.open().load("ann"), key=lambda one: str(one["uploadId"]))
    assert found == [record("u1", "ann", parts=[{"size": 5 * 2**40}]), record("u2", "ann")], found
    assert await store.load("") == []
    await store.adopt("bob")
    assert await store.load("bob") == [record("u3", "bob")]


async def deleting_what_is_not_there_is_no_fault(bench: Bench) -> None:
    store = bench.open()
    await store.delete([("ann", "u1"), ("ann", "u2")])
    await store.save([])
    assert await store.load("ann") == []


async def one_bad_record_means_nothing_was_written(bench: Bench) -> None:
    store = bench.open()
    await store.save([record("u1", status="before")])
    bad = {"userId": "ann", "status": "without an upload id"}
    await raised(StorageFault, store.save([record("u1", status="after"), record("u2"), bad]))
    assert await store.load("ann") == [record("u1", status="before")]


async def a_record_is_a_copy(bench: Bench) -> None:
    store = bench.open()
    mine = record("u1", parts=[1])
    await store.save([mine])
    mine["parts"].append(2)
    [found] = await store.load("ann")
    found["parts"].append(3)
    assert await store.load("ann") == [record("u1", parts=[1])]


async def meta_keeps_values_by_name(bench: Bench) -> None:
    store = bench.open()
    values: list[Any] = [{"a": [1, {"b": None}]}, "text", 5 * 2**40, 0.5, True, [], None]
    for value in values:
        await store.set_meta("value", value)
        found = await bench.open().get_meta("value")
        assert (found, type(found)) == (value, type(value)), (value, found)
    await store.set_meta("other", 1)
    assert await store.get_meta("value") is None


async def many_at_once_all_arrive(bench: Bench) -> None:
    one, other = bench.open(), bench.open()
    saves = [(one if count % 2 else other).save([record(f"u{count}")]) for count in range(50)]
    await asyncio.gather(*saves)
    assert len(await one.load("ann")) == 50
