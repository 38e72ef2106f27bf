"""FileSource: exactly these bytes, or a fault; a file that changed is never read on."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from upload_engine.core.checksums import Checksums
from upload_engine.core.crc64 import crc64, to_base64
from upload_engine.core.errors import FileFault
from upload_engine.core.fingerprint import is_taken_whole, sample_ranges
from upload_engine.core.limits import LITTLE
from upload_engine.interfaces import FileSource, PartBody

from tests.contracts.roles import raised

NAME = "Größe & 名 (1).bin"
LAST_MODIFIED = 1_600_000_000_000


@dataclass
class Bench:
    """source: under test, over a file on disk called ``NAME`` with the date ``LAST_MODIFIED`` and the bytes
    ``content``; read: a part body's bytes; change: do something to the file on disk, one of "shorten", "overwrite"
    (same size, new date) and "delete".
    """

    source: FileSource
    content: bytes
    read: Callable[[PartBody], Awaitable[bytes]]
    change: Callable[[str], Awaitable[None]]


async def says_what_the_file_is(bench: Bench) -> None:
    """The type is the platform's guess from the name, and "" where it knows no better."""
    found = (bench.source.name, bench.source.size, bench.source.last_modified)
    assert found == (NAME, len(bench.content), LAST_MODIFIED), found
    kinds = [type(bench.source.size), type(bench.source.last_modified)]
    assert kinds == [int, int], kinds
    assert bench.source.content_type in ("application/octet-stream", ""), bench.source.content_type


async def parts_are_exactly_the_bytes(bench: Bench) -> None:
    size = len(bench.content)
    for offset, length in [
        (0, size),
        (0, 1),
        (1, size // 3),
        (size - 1, 1),
        (size // 2, size - size // 2),
        (0, 0),
    ]:
        body = await bench.source.part(offset, length)
        assert body.size == length, (offset, length, body.size)
        assert await bench.read(body) == bench.content[offset : offset + length], (offset, length)


async def the_whole_file_is_read_at_one_look(bench: Bench) -> None:
    if not is_taken_whole(len(bench.content)):
        return
    md5 = hashlib.md5(bench.content, usedforsecurity=False).hexdigest()
    for _ in range(3):  # the first try, and others
        whole = await bench.source.whole()
        assert whole.body.size == len(bench.content), whole.body.size
        assert await bench.read(whole.body) == bench.content
        assert whole.md5 == md5
        assert await bench.source.sample() == md5


async def a_file_that_is_gone_is_not_read_whole(bench: Bench) -> None:
    """The first time it may be handed out unread, to be sent from where it lies: see ``changing_file``."""
    if is_taken_whole(len(bench.content)):
        await bench.source.sample()
        await bench.source.whole()
        await bench.change("delete")
        await raised(FileFault, bench.source.whole())
        await raised(FileFault, bench.source.whole())


async def a_little_file_is_what_its_md5_says_whenever_it_was_read(bench: Bench) -> None:
    """Fault 58: what was read a moment ago may still be sent; who asks for it compares its MD5 with the sample's."""
    if len(bench.content) <= LITTLE:
        await bench.source.sample()
        await bench.change("overwrite")
        with suppress(FileFault):
            whole = await bench.source.whole()
            content = await bench.read(whole.body)
            assert whole.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()


async def the_sample_is_the_hash_of_what_is_sampled(bench: Bench) -> None:
    if is_taken_whole(len(bench.content)):
        assert await bench.source.sample() == hashlib.md5(bench.content, usedforsecurity=False).hexdigest()
        return
    chosen = b"".join(
        bench.content[start : start + length] for start, length in sample_ranges(len(bench.content))
    )
    assert await bench.source.sample() == hashlib.sha256(chosen).hexdigest()


async def the_checksums_are_those_of_a_parts_bytes(bench: Bench) -> None:
    size = len(bench.content)
    for offset, length in [(0, size), (1, size // 3), (size - 1, 1), (0, 0)]:
        part = await bench.source.part(offset, length)
        content = bench.content[offset : offset + length]
        md5, crc64nvme = hashlib.md5(content, usedforsecurity=False).hexdigest(), to_base64(crc64(content))
        assert await bench.source.checksums(part, md5=True, crc64nvme=False) == Checksums(md5, "")
        assert await bench.source.checksums(part, md5=False, crc64nvme=True) == Checksums("", crc64nvme)
        assert await bench.source.checksums(part, md5=True, crc64nvme=True) == Checksums(md5, crc64nvme)


async def a_part_beyond_the_end_is_a_fault(bench: Bench) -> None:
    await raised(FileFault, bench.source.part(len(bench.content) - 10, 11))


async def a_shortened_file_is_a_fault(bench: Bench) -> None:
    await _changed(bench, "shorten")


async def an_overwritten_file_is_a_fault(bench: Bench) -> None:
    await _changed(bench, "overwrite")


async def a_deleted_file_is_a_fault(bench: Bench) -> None:
    await _changed(bench, "delete")


async def _changed(bench: Bench, how: str) -> None:
    await bench.source.part(0, 1024)
    await bench.change(how)
    await raised(FileFault, bench.source.part(len(bench.content) - 1024, 1024))
    await raised(FileFault, bench.source.sample())
    assert bench.source.size == len(bench.content), bench.source.size
