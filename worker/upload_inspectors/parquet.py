"""The schema of a Parquet file, from its footer: the few fields of Thrift's compact protocol that it takes to find it.

Sources: apache/parquet-format, README and parquet.thrift; Apache Thrift, compact protocol.
"""

from __future__ import annotations

from typing import Any, BinaryIO

TYPES = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
"""parquet.thrift, `Type`; a column of columns is "GROUP"."""
LARGEST_FOOTER = 64 * 1024 * 1024
"""Bytes."""
_DEEPEST = 64
_SCHEMA, _ROWS = 2, 3  # of FileMetaData
_TYPE, _NAME, _CHILDREN = 1, 4, 5  # of SchemaElement


class NotParquet(ValueError):
    """What the file is not, in words."""


def read_schema(file: BinaryIO) -> tuple[dict[str, str], int]:
    """The names of the columns with their physical types, in order, and the number of rows. Raises NotParquet."""
    size = file.seek(0, 2)
    if size < 12:
        raise NotParquet("it is too short")
    file.seek(size - 8)
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1":
        raise NotParquet("its end is missing")
    if not 0 < length <= min(size - 12, LARGEST_FOOTER):
        raise NotParquet("its footer is damaged")
    file.seek(size - 8 - length)
    try:
        footer = _Compact(file.read(length)).struct()
        return _columns(footer[_SCHEMA]), int(footer[_ROWS])
    except (IndexError, KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise NotParquet("its footer is damaged") from error


def _columns(elements: list[dict[int, Any]]) -> dict[str, str]:
    """Those of the first level: the root comes first, and a group before its children."""
    found: dict[str, str] = {}
    at = 1
    for _ in range(elements[0].get(_CHILDREN, 0)):
        element = elements[at]
        name = element[_NAME].decode()
        found[name] = "GROUP" if element.get(_CHILDREN) else TYPES[element[_TYPE]]
        at = _behind(elements, at)
    return found


def _behind(elements: list[dict[int, Any]], at: int) -> int:
    ahead = 1
    while ahead:
        ahead += elements[at].get(_CHILDREN, 0) - 1
        at += 1
    return at


class _Compact:
    """A reader of values; a struct is a dict by field number."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > _DEEPEST:
            raise ValueError("it is too deep")
        fields: dict[int, Any] = {}
        number = 0
        while kind_and_step := self._byte():
            step, kind = kind_and_step >> 4, kind_and_step & 15
            number = number + step if step else self._zigzag()
            fields[number] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind == 7:
            return self._bytes(8)
        if kind == 8:
            return self._bytes(self._varint())
        if kind in (9, 10):
            return self._list(depth)
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError(f"an unknown type {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count, kind = head >> 4, head & 15
        if count == 15:
            count = self._varint()
        if count > len(self._content):
            raise ValueError("a list that is longer than the file")
        return [self._byte() == 1 if kind in (1, 2) else self._value(kind, depth + 1) for _ in range(count)]

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _bytes(self, count: int) -> bytes:
        content = self._content[self._at : self._at + count]
        if len(content) != count:
            raise ValueError("it ends too early")
        self._at += count
        return content

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number that is too long")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
