"""A Parquet file with no rows in it but in its footer, written from the format's description: an oracle of the reader."""

from __future__ import annotations

from typing import Any

TYPES = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
Columns = list[tuple[str, Any]]


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def i32(value: int) -> bytes:
    return varint(value << 1)


def text(value: str) -> bytes:
    return varint(len(value.encode())) + value.encode()


def struct(*fields: tuple[int, int, bytes]) -> bytes:
    """Number, kind and content of each field."""
    found, before = b"", 0
    for number, kind, content in fields:
        found += bytes([(number - before) << 4 | kind]) + content
        before = number
    return found + b"\0"


def elements(columns: Columns) -> list[bytes]:
    found = []
    for name, kind in columns:
        if isinstance(kind, str):
            found.append(struct((1, 5, i32(TYPES.index(kind))), (3, 5, i32(1)), (4, 8, text(name))))
        else:
            found.append(struct((3, 5, i32(1)), (4, 8, text(name)), (5, 5, i32(len(kind)))))
            found += elements(kind)
    return found


def parquet_file(columns: Columns, rows: int) -> bytes:
    """columns: names with a physical type, or with the columns of a group."""
    root = struct((4, 8, text("schema")), (5, 5, i32(len(columns))))
    schema = [root, *elements(columns)]
    size = bytes([len(schema) << 4 | 12]) if len(schema) < 15 else b"\xfc" + varint(len(schema))
    footer = struct((1, 5, i32(1)), (2, 9, size + b"".join(schema)), (3, 6, i32(rows)), (4, 9, b"\x0c"))
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
