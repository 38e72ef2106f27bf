"""Shelf, of the demo: what was put there is there, byte for byte, until it is let go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from upload_engine.demo.shelf import STEP, Shelf, StorageFull
from upload_engine.interfaces import PartBody

from tests.contracts.roles import raised
from tests.contracts.roles.transport import MIB, content


@dataclass
class Bench:
    """open: another adapter on the same, at first empty, shelf; body: bytes to a part body; fill: leaves room for 1,000

    bytes.
    """

    open: Callable[[], Shelf]
    body: Callable[[bytes], PartBody]
    fill: Callable[[], None]


async def _bytes(pieces: AsyncIterator[bytes]) -> bytes:
    found = [piece async for piece in pieces]
    assert all(len(piece) <= STEP for piece in found), list(map(len, found))
    return b"".join(found)


async def starts_empty(bench: Bench) -> None:
    assert await bench.open().records() == []


async def a_record_comes_back_as_it_was(bench: Bench) -> None:
    record = {"uploadId": "u1", "size": 5 * 2**40, "parts": [[1, "e", 7]], "name": "ü", "nothing": None}
    shelf = bench.open()
    assert await shelf.records() == []
    await shelf.keep_record({"uploadId": "u1", "size": 0})
    await shelf.keep_record(record)
    assert await bench.open().records() == [record]


async def a_part_comes_back_byte_for_byte_and_in_pieces(bench: Bench) -> None:
    sent = content(9 * MIB + 3)
    shelf = bench.open()
    await shelf.records()
    await shelf.keep_part("u1", 1, bench.body(b"another one"))
    await shelf.keep_part("u1", 1, bench.body(sent))
    await shelf.keep_part("u1", 2, bench.body(b""))
    again = bench.open()
    await again.records()
    assert await _bytes(again.pieces("u1", 1)) == sent
    assert await _bytes(again.pieces("u1", 2)) == b""
    assert await _bytes(again.pieces_of(bench.body(sent))) == sent


async def what_is_let_go_is_gone_and_nothing_else(bench: Bench) -> None:
    shelf = bench.open()
    await shelf.records()
    for upload_id in ("u", "u1", "u10"):
        await shelf.keep_record({"uploadId": upload_id})
        await shelf.keep_part(upload_id, 1, bench.body(upload_id.encode()))
    await shelf.forget("u1")
    await shelf.forget("u1")
    assert sorted(record["uploadId"] for record in await shelf.records()) == ["u", "u10"]
    for upload_id in ("u", "u10"):
        assert await _bytes(shelf.pieces(upload_id, 1)) == upload_id.encode()


async def without_room_there_is_a_fault_by_name(bench: Bench) -> None:
    shelf = bench.open()
    await shelf.records()
    bench.fill()
    fault = await raised(StorageFull, shelf.keep_part("u1", 1, bench.body(bytes(2_000))))
    assert fault.message == "The browser's storage is full", fault
    await shelf.keep_part("u1", 1, bench.body(bytes(500)))
