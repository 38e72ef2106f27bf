"""The first bytes of packed objects (ACCEPTANCE L3, X7)."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable

import pytest
import zstandard
from uploads.server.unpacking import LEAST_PACKED, unpack_head

PACKERS = [("gzip", gzip.compress), ("zstd", zstandard.compress)]


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
def test_what_is_packed_shows_its_first_bytes_and_no_more(
    encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    content = b"%PDF-1.7 " + os.urandom(1_000_000) + bytes(50_000_000)
    piece = pack(content)[: LEAST_PACKED.get(encoding, 4096)]
    assert unpack_head(piece, encoding, 100) == content[:100], "from a piece of it"
    assert unpack_head(pack(b"short"), encoding, 100) == b"short"
    assert unpack_head(pack(b""), encoding, 100) == b""


@pytest.mark.parametrize("encoding", ["", "br", "gzip", "zstd"])
def test_what_is_not_packed_so_is_taken_as_it_is(encoding: str) -> None:
    assert unpack_head(b"no frame", encoding, 100) == b"no frame"


def test_a_window_that_no_browser_takes_is_not_unpacked() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(bytes(200_000_000)) + packer.flush()
    assert unpack_head(packed, "zstd", 100) == packed
