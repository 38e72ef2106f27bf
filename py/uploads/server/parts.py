"""Part sizes: S3's limits, and the length of each part of an upload. Pure functions; sizes in bytes.

Limits: S3 user guide, "Amazon S3 multipart upload limits".
"""

from __future__ import annotations

MIB = 1024 * 1024
MIN_PART = 5 * MIB  # but for the last part
MAX_PART = 5 * 1024 * MIB
MAX_PARTS = 10_000
MAX_OBJECT = MAX_PARTS * MAX_PART


def count_parts(size: int, part_size: int) -> int:
    """How many parts `size` bytes make; an empty file is one part of 0 bytes."""
    return max(1, -(-size // part_size))


def default_part_size(size: int) -> int:
    """8 MiB below 100 MB, 16 MiB to 1 GB, 32 MiB above, doubled until 10,000 parts suffice or S3 takes no larger ones."""
    part_size = 8 * MIB if size < 100_000_000 else 16 * MIB if size <= 1_000_000_000 else 32 * MIB
    while count_parts(size, part_size) > MAX_PARTS and part_size < MAX_PART:
        part_size = min(part_size * 2, MAX_PART)
    return part_size


def part_length(size: int, part_size: int, part_number: int) -> int:
    """The bytes of part `part_number` (from 1)."""
    return min(part_size, size - (part_number - 1) * part_size)


def complaint(size: int, part_size: int) -> str | None:
    """Why S3 would not take `size` bytes in parts of `part_size`; `None` when it would."""
    if size > MAX_OBJECT:
        return f"size: S3 objects have at most {MAX_OBJECT} bytes"
    if part_size > MAX_PART:
        return f"partSize: at most {MAX_PART} bytes"
    parts = count_parts(size, part_size)
    if parts > 1 and part_size < MIN_PART:
        return f"partSize: at least {MIN_PART} bytes when there is more than one part"
    if parts > MAX_PARTS:
        return f"partSize: {part_size} bytes would make {parts} parts; S3 takes at most {MAX_PARTS}"
    return None
