"""Packs a file before it is sent; browsers unpack it by themselves when it is downloaded (`Content-Encoding`).

An entry of the configuration:

    [[uploads.inspectors]]
    match = ["text/*", ".json", ".csv"]
    callable = "upload_inspectors.compression:inspect"
    options = { encoding = "gzip", level = 6 }
"""

from __future__ import annotations

import importlib
import zlib
from typing import Protocol

from upload_inspectors.files import InspectedFile
from upload_inspectors.verdict import Verdict, accept, replace

PIECE = 1024 * 1024
"""Bytes packed at a time."""
GZIP = 31
"""zlib's window bits for a gzip frame, whose header says neither name nor time: the same file gives the same bytes."""


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def inspect(
    file: InspectedFile, *, encoding: str = "gzip", level: int = 6, least_gain: float = 0.05
) -> Verdict:
    """encoding: "gzip" or "zstd"; least_gain: the share by which it has to become smaller, or it is sent as it is.

    Raises ValueError for another encoding. Where this Python has no Zstandard (CPython before 3.14), "zstd" is an ImportError.
    """
    packer = _packer(encoding, level)
    new = file.new_file()
    while content := file.read(PIECE):
        new.write(packer.compress(content))
    new.write(packer.flush())
    if new.size > (1 - least_gain) * file.size:
        return accept()
    return replace(new, {"unpacked-size": str(file.size)}, content_encoding=encoding)


def _packer(encoding: str, level: int) -> _Packer:
    if encoding == "gzip":
        return zlib.compressobj(level, zlib.DEFLATED, GZIP)
    if encoding == "zstd":
        packer: _Packer = importlib.import_module("compression.zstd").ZstdCompressor(
            level
        )  # from Python 3.14 on
        return packer
    raise ValueError(f'encoding must be "gzip" or "zstd", not {encoding!r}')
