"""Archives are listed without being unpacked, and traps are not taken (ACCEPTANCE X6)."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest
from upload_inspectors.archives import inspect

from tests.unit.inspectors.memory import a_file


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(**files: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


FILES = {"a.txt": b"hello", "folder/b.txt": b"world!"}


@pytest.mark.parametrize(
    "content",
    [zipped(**FILES), tarred(**FILES), gzip.compress(tarred(**FILES))],
    ids=["zip", "tar", "tar.gz"],  # what is packed tells the time
)
def test_what_is_in_it(content: bytes) -> None:
    verdict = inspect(a_file(content))
    assert verdict.reason == ""
    assert verdict.metadata == {
        "archive-files": "2",
        "archive-bytes": "11",
        "archive-names": "a.txt, folder/b.txt",
    }


BOMB = bytes(30_000_000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(bomb=BOMB), "more than 200 times as large"),
        (gzip.compress(tarred(bomb=BOMB)), "more than 200 times as large"),
        (zipped(**{"../evil": b"x"}), 'holds "../evil"'),
        (zipped(**{"C:\\evil": b"x"}), "outside of its folder"),
        (tarred(**{"/etc/passwd": b"x"}), "outside of its folder"),
        (zipped(**{str(number): b"" for number in range(12)}), "more than 10 files"),
        (tarred(large=bytes(2_000_000)), "more than 1,000,000 bytes"),
        (b"no archive at all", "damaged"),
        (zipped(**FILES)[:-30], "damaged"),
        (gzip.compress(tarred(**FILES))[:40], "damaged"),
    ],
    ids=[
        "a bomb in a zip",
        "a bomb in a tar.gz",
        "above its folder",
        "another drive",
        "the root",
        "many files",
        "many bytes",
        "no archive",
        "a cut zip",
        "a cut tar.gz",
    ],
)
def test_traps_and_what_is_no_archive(content: bytes, words: str) -> None:
    assert (
        words
        in inspect(
            a_file(content), most_files=10, most_bytes=1_000_000 if b"large" in content else 10**9
        ).reason
    )


def test_a_bomb_is_not_unpacked_to_its_end() -> None:
    """Ten gigabytes of zeros take ten megabytes: a few are looked at."""
    packed = gzip.compress(tarred(bomb=bytes(100_000_000)))
    file = a_file(packed * 3)
    assert "times as large" in inspect(file, most_ratio=20).reason
    assert file.tell() < len(packed)


def test_one_that_is_locked_or_overlaps() -> None:
    locked = bytearray(zipped(a=b"secret"))
    at = locked.rindex(b"PK\x01\x02")
    locked[at + 8] |= 1
    assert "password" in inspect(a_file(bytes(locked))).reason
    content = bytearray(zipped(a=b"hello"))
    at = content.rindex(b"PK\x01\x02")
    content[at + 20 : at + 24] = (10_000).to_bytes(4, "little")
    assert "stand for several" in inspect(a_file(bytes(content))).reason


def test_a_device_is_no_file() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("dev/null")
        entry.type = tarfile.CHRTYPE
        archive.addfile(entry)
    assert "which is a device" in inspect(a_file(made.getvalue())).reason
