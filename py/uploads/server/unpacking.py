"""The first bytes of packed objects, as whoever fetches them sees them. May unpack; keeps nothing."""

from __future__ import annotations

import zlib
from io import BytesIO

import zstandard

_GZIP = 31  # zlib's window bits for a gzip frame
_ZSTD_WINDOW = 2**23  # bytes: what HTTP's "zstd" may ask of whoever unpacks it (RFC 9659)
LEAST_PACKED = {"zstd": 128 * 1024 + 32}
"""Bytes of an object without which nothing may come out: zstd unpacks a block at a time, and its header comes first."""


def unpack_head(content: bytes, encoding: str, length: int) -> bytes:
    """At most `length` bytes of what begins with `content`; as it is, if it is not packed by that `Content-Encoding`."""
    try:
        if encoding == "gzip":
            return zlib.decompressobj(_GZIP).decompress(content, length)
        if encoding == "zstd":
            unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
            with unpacker.stream_reader(BytesIO(content)) as unpacked:
                return unpacked.read(length)
    except (zlib.error, zstandard.ZstdError):
        pass
    return content
