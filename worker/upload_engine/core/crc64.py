"""CRC-64/NVME, the checksum that S3 keeps of a whole object, and how those of its parts make it.

Source: NVM Express NVM Command Set Specification 1.0d, section 5.2.1.3.4 ("64b CRC"): polynomial AD93D23594C93659 (here with its
bits in reverse), all ones at the beginning and at the end. S3 writes the eight bytes in base64, the highest first (Amazon S3 User
Guide, "Checking object integrity", FULL_OBJECT). Values here are integers below 2**64.

Linear algebra over GF(2), as zlib's ``crc32_combine`` has it: bytes that follow multiply what was before by x to the
power of their bits.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import lru_cache

POLYNOMIAL = 0x9A6C9329AC4BC9B5
_ONES = (1 << 64) - 1
_ONE = 1 << 63
"""The polynomial 1: the highest power stands in the lowest bit."""


def _table() -> tuple[int, ...]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = (row >> 1) ^ (POLYNOMIAL if row & 1 else 0)
        rows.append(row)
    return tuple(rows)


_TABLE = _table()


def crc64(data: bytes, before: int = 0) -> int:
    """The checksum of ``data``, after bytes whose checksum is ``before``. A few megabytes a second: parts are left to faster code."""
    value = before ^ _ONES
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ _ONES


def combine(first: int, second: int, second_length: int) -> int:
    """The checksum of some bytes and, after them, ``second_length`` others, given the checksums of both."""
    return _multiply(_shift(second_length), first) ^ second


def combine_all(parts: Iterable[tuple[int, int]]) -> int:
    """The checksum of pieces that follow each other, given each one's ``(checksum, length in bytes)``."""
    whole = 0
    for value, length in parts:
        whole = combine(whole, value, length)
    return whole


def to_base64(value: int) -> str:
    return base64.b64encode(value.to_bytes(8, "big")).decode()


def from_base64(text: str) -> int:
    """Raises ValueError for what is no such checksum."""
    content = base64.b64decode(text, validate=True)
    if len(content) != 8:
        raise ValueError(f"a CRC-64 has 8 bytes, this has {len(content)}")
    return int.from_bytes(content, "big")


def _multiply(left: int, right: int) -> int:
    """The product of two polynomials, modulo ``POLYNOMIAL``."""
    product = 0
    while left:
        if left & _ONE:
            product ^= right
        left = (left << 1) & _ONES
        right = (right >> 1) ^ (POLYNOMIAL if right & 1 else 0)
    return product


@lru_cache(maxsize=256)
def _shift(length: int) -> int:
    """x to the power of the bits in ``length`` bytes, by repeated squaring. Parts are of few lengths."""
    result, square, bits = _ONE, _ONE >> 1, 8 * length
    while bits:
        if bits & 1:
            result = _multiply(square, result)
        square = _multiply(square, square)
        bits >>= 1
    return result
