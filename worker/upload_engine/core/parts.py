"""How a file is cut into parts: equal parts, frozen when the upload is created."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from upload_engine.core.limits import MAX_OBJECT_SIZE, MAX_PART_SIZE, MAX_PARTS, MIB, MIN_PART_SIZE

DOCUMENTED_SIZES = ((100_000_000 - 1, 8 * MIB), (1_000_000_000, 16 * MIB))
"""``(up to this file size, this part size)``; larger files use ``LARGE_PART_SIZE``."""
LARGE_PART_SIZE = 32 * MIB
ADAPTED_SECONDS = 10
"""With ``"adaptive"`` a part takes about so long, at the speed that one request has had here …"""
ADAPTED_MOST = 128 * MIB
"""… and is no larger: what is lost with a connection has to be sent again."""
SIDE_BY_SIDE = 6
"""Nor are there fewer parts than this, so that some are under way while others begin."""
SLOW_PART_SECONDS = 20
"""With a bandwidth limit, a part that would take longer than this is made smaller."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part the store has acknowledged. ``etag`` is without quotes, ``size`` in bytes.

    crc64nvme: the checksum, in base64, of the file's bytes that were sent; "" where it was not computed.
    """

    etag: str
    size: int
    crc64nvme: str = ""


def choose_part_size(
    file_size: int,
    chunk_size: int | str = "auto",
    bandwidth_limit: float | None = None,
    request_speed: float = 0.0,
) -> int:
    """The part size in bytes for a file of ``file_size`` bytes.

    ``chunk_size`` is ``"auto"`` (the documented sizes), ``"adaptive"`` (by the speed of one request, and like ``"auto"`` while
    that is unknown) or a number of bytes; each is raised to S3's minimum and doubled until 10,000 parts are enough.
    ``bandwidth_limit`` and ``request_speed`` are in bytes per second; 0.0 is unknown.
    Raises ValueError for a file that no multipart upload can hold.
    """
    if file_size > MAX_OBJECT_SIZE:
        raise ValueError(
            f"a file of {file_size:,} bytes is larger than S3's limit of {MAX_OBJECT_SIZE:,} bytes"
        )
    if isinstance(chunk_size, int):
        size = max(MIN_PART_SIZE, chunk_size)
    elif chunk_size == "adaptive" and request_speed and not bandwidth_limit:
        wanted = min(request_speed * ADAPTED_SECONDS, file_size / SIDE_BY_SIDE, ADAPTED_MOST)
        size = max(MIN_PART_SIZE, int(wanted) // MIB * MIB)
    else:
        size = next((part for up_to, part in DOCUMENTED_SIZES if file_size <= up_to), LARGE_PART_SIZE)
        if bandwidth_limit and size / bandwidth_limit > SLOW_PART_SECONDS:
            size = MIN_PART_SIZE
    while file_size > size * MAX_PARTS:
        size *= 2
    return min(size, MAX_PART_SIZE)


def count_parts(file_size: int, part_size: int) -> int:
    """How many parts the file has; an empty file has one empty part."""
    return max(1, -(-file_size // part_size))


def part_range(part_number: int, file_size: int, part_size: int) -> tuple[int, int]:
    """``(offset, size)`` in bytes of the part with this 1-based number."""
    offset = (part_number - 1) * part_size
    return offset, min(part_size, file_size - offset)


@dataclass(frozen=True, slots=True)
class ListedPart:
    """One row of ListParts' answer."""

    part_number: int
    etag: str
    size: int


def trusted_parts(
    listed: list[ListedPart], recorded: Mapping[int, Part], file_size: int, part_size: int
) -> dict[int, Part]:
    """The parts that need not be sent again, by number.

    A store may list a part number twice, and in any order (seen with SeaweedFS). A recorded part counts when the
    store lists it with the ETag that it acknowledged; a part whose answer was lost counts when the store has exactly
    one copy of it. The size must be right in any case.
    """
    copies: dict[int, list[ListedPart]] = {}
    for part in listed:
        copies.setdefault(part.part_number, []).append(part)
    trusted: dict[int, Part] = {}
    for number in sorted(copies):
        if not 1 <= number <= count_parts(file_size, part_size):
            continue
        etags = {part.etag for part in copies[number]}
        known = recorded.get(number)
        etag = known.etag if known else next(iter(etags))
        right_size = part_range(number, file_size, part_size)[1]
        if (
            etag in etags
            and (known or len(etags) == 1)
            and all(part.size == right_size for part in copies[number])
        ):
            trusted[number] = Part(etag, right_size, known.crc64nvme if known else "")
    return trusted


def infer_part_size(listed: Iterable[ListedPart], file_size: int, believed: int) -> int:
    """The part size under which the listed parts are parts of such a file: the one believed, if at all possible."""
    rows = tuple(listed)
    sizes = {row.size for row in rows}
    # The last part may be smaller than the others, and tells by its number how large those are.
    others = {(file_size - row.size) // (row.part_number - 1) for row in rows if row.part_number > 1}
    for part_size in [believed, *sorted(sizes, reverse=True), *sorted(others - sizes)]:
        if _is_possible(part_size, file_size) and all(
            part_range(row.part_number, file_size, part_size)[1] == row.size for row in rows
        ):
            return part_size
    return believed


def part_size_for(total_parts: int, file_size: int, believed: int) -> int:
    """The part size under which such a file has so many parts: the one believed, else that of parts alike."""
    if count_parts(file_size, believed) == total_parts or not 1 <= total_parts <= MAX_PARTS:
        return believed
    return max(1, -(-file_size // total_parts))


def _is_possible(part_size: int, file_size: int) -> bool:
    if part_size > MAX_PART_SIZE or part_size * MAX_PARTS < file_size:
        return False
    return part_size >= min(MIN_PART_SIZE, max(1, file_size))
