"""What is in an archive, without unpacking it: how much, how many, and whether it is a trap. ZIP and TAR (also packed by gzip).

An entry of the configuration:

    [[uploads.inspectors]]
    match = [".zip", ".tar", ".tar.gz", ".tgz"]
    callable = "upload_inspectors.archives:inspect"
    options = { most_files = 10_000, most_bytes = 10_000_000_000 }
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from typing import Any, Literal

from upload_inspectors.files import InspectedFile
from upload_inspectors.verdict import Verdict, accept, reject

LISTED = 20
"""Names that the metadata have at most."""
LONGEST_LIST = 1000
"""Characters of them: S3 takes 2 KB of metadata in all."""


class _Trap(Exception):
    """Why the archive is not taken, in words."""


class _Count:
    def __init__(self, packed: int, most_files: int, most_bytes: int, most_ratio: float) -> None:
        self._packed = max(1, packed)
        self._most_files, self._most_bytes, self._most_ratio = most_files, most_bytes, most_ratio
        self.files = self.bytes = 0
        self.names: list[str] = []

    def add(self, name: str, size: int) -> None:
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or (len(name) > 1 and name[1] == ":"):
            raise _Trap(f'It holds "{name[:100]}", which would be unpacked outside of its folder.')
        self.files += 1
        self.bytes += size
        if len(self.names) < LISTED:
            self.names.append(name)
        if self.files > self._most_files:
            raise _Trap(f"It holds more than {self._most_files:,} files.")
        if self.bytes > self._most_bytes:
            raise _Trap(f"Unpacked it would take more than {self._most_bytes:,} bytes.")
        self.check_ratio(self.bytes)

    def check_ratio(self, unpacked: int) -> None:
        if unpacked > self._most_ratio * self._packed and unpacked > 1_000_000:
            raise _Trap(f"Unpacked it would be more than {self._most_ratio:,.0f} times as large.")


def inspect(
    file: InspectedFile, *, most_files: int = 100_000, most_bytes: int = 100 * 10**9, most_ratio: float = 200
) -> Verdict:
    """most_bytes, most_ratio: of all that is in it, unpacked, and its share of the archive's own size.

    The metadata tell the number of files, the bytes and some names.
    """
    count = _Count(file.size, most_files, most_bytes, most_ratio)
    try:
        if zipfile.is_zipfile(file):
            _look_into_zip(file, count)
        else:
            file.seek(0)
            is_packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if is_packed:
                _look_into_tar(_Guarded(gzip.GzipFile(fileobj=file), count), "r|", count)
            else:
                _look_into_tar(file, "r:", count)
    except _Trap as trap:
        return reject(f"The archive is not taken. {trap}")
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, UnicodeDecodeError):
        return reject("The archive is damaged, or none that is known here (ZIP, TAR, TAR packed by gzip).")
    names = ", ".join(name.encode("ascii", "replace").decode() for name in count.names)
    return accept(
        {
            "archive-files": str(count.files),
            "archive-bytes": str(count.bytes),
            "archive-names": names[:LONGEST_LIST],
        }
    )


def _look_into_zip(file: InspectedFile, count: _Count) -> None:
    with zipfile.ZipFile(file) as archive:
        packed = 0
        for entry in archive.infolist():
            packed += entry.compress_size
            if entry.flag_bits & 1:
                raise _Trap("Something in it is locked with a password: nobody can tell what it is.")
            if not entry.is_dir():
                count.add(entry.filename, entry.file_size)
        if packed > file.size:
            raise _Trap("The same bytes stand for several of its files.")


def _look_into_tar(file: Any, mode: Literal["r:", "r|"], count: _Count) -> None:
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for entry in archive:
            if entry.isdev():
                raise _Trap(f'It holds "{entry.name[:100]}", which is a device.')
            if entry.isfile():
                count.add(entry.name, entry.size)


class _Guarded(io.RawIOBase):
    """What is unpacked on the way to what it holds: a bomb is noticed as it goes off."""

    def __init__(self, unpacked: gzip.GzipFile, count: _Count) -> None:
        self._unpacked = unpacked
        self._count = count
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        content = self._unpacked.read(size)
        self._bytes += len(content)
        self._count.check_ratio(self._bytes)
        return content
