"""What an inspector is given behaves as an open file does (ACCEPTANCE X1)."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upload_inspectors import InspectedFile, NewFile, accept, reject, replace
from upload_inspectors.files import READ_STEP, WRITE_STEP

from tests.unit.inspectors.memory import MemorySink, MemorySource, a_file, written


@given(
    st.binary(max_size=3000),
    st.lists(
        st.one_of(
            st.tuples(st.just("read"), st.integers(-1, 4000)),
            st.tuples(st.just("seek"), st.integers(0, 4000)),
            st.tuples(st.just("from_end"), st.integers(-3000, 0)),
            st.tuples(st.just("readline"), st.just(0)),
            st.tuples(st.just("read1"), st.integers(1, 4000)),
        ),
        max_size=20,
    ),
)
def test_it_reads_and_seeks_as_a_file_in_memory_does(content: bytes, deeds: list[tuple[str, int]]) -> None:
    file, expected = a_file(content), io.BytesIO(content)
    for deed, number in deeds:
        if deed == "read":
            assert file.read(number) == expected.read(number)
        elif deed == "seek":
            assert file.seek(number) == expected.seek(number)
        elif deed == "read1":
            assert file.read1(number) == expected.read1(number)
        elif deed == "readline":
            assert file.readline() == expected.readline()
        elif number >= -len(content):
            assert file.seek(number, io.SEEK_END) == expected.seek(number, io.SEEK_END)
        assert file.tell() == expected.tell()


def test_it_is_read_in_large_steps_and_told_of() -> None:
    source = MemorySource(bytes(10 * 1024 * 1024))
    heard: list[int] = []
    file = InspectedFile(source, name="a", new_sink=MemorySink, on_read=heard.append)
    while file.read(1000):
        pass
    assert len(source.reads) == 3
    assert heard == [READ_STEP, 2 * READ_STEP, source.size]


def test_text_is_read_in_large_steps() -> None:
    """X10: `io.TextIOWrapper` asks for 8 KiB at a time, and a browser takes a millisecond for each."""
    source = MemorySource("zwölf Zeichen\n".encode() * 700_000)
    file = InspectedFile(source, name="a", new_sink=MemorySink)
    assert sum(1 for _ in io.TextIOWrapper(file, "utf-8")) == 700_000
    assert len(source.reads) == 3


def test_a_zip_is_read_in_large_steps() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", bytes(10 * 1024 * 1024))
    source = MemorySource(packed.getvalue())
    file = InspectedFile(source, name="a", new_sink=MemorySink)
    with zipfile.ZipFile(file) as archive, archive.open("a") as member:
        while member.read(5000):
            pass
    assert len(source.reads) < 10


def test_it_can_neither_be_written_nor_left_at_its_start() -> None:
    file = a_file(b"abc", "film.bin", "video/mp4")
    assert (file.name, file.size, file.content_type) == ("film.bin", 3, "video/mp4")
    with pytest.raises(io.UnsupportedOperation):
        file.write(b"x")
    with pytest.raises(OSError, match="nothing before the start"):
        file.seek(-4, io.SEEK_END)
    with pytest.raises(ValueError, match="whence"):
        file.seek(0, 9)


def test_pythons_libraries_read_it() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inside.txt", "hello")
    assert zipfile.ZipFile(a_file(packed.getvalue())).read("inside.txt") == b"hello"


def test_a_new_file_is_handed_over_a_few_megabytes_at_a_time() -> None:
    sink = MemorySink()
    new = NewFile(sink)
    for _ in range(9):
        assert new.write(memoryview(bytes(1024 * 1024))) == 1024 * 1024
    assert [len(piece) for piece in sink.pieces] == [WRITE_STEP, WRITE_STEP]
    assert new.size == 9 * 1024 * 1024
    new.write(b"end")
    assert written(new) == bytes(9 * 1024 * 1024) + b"end"


def test_a_zip_can_be_written_into_one() -> None:
    new = a_file(b"").new_file()
    with zipfile.ZipFile(new, "w") as archive:
        archive.writestr("inside.txt", "hello")
    assert zipfile.ZipFile(io.BytesIO(written(new))).read("inside.txt") == b"hello"


def test_verdicts() -> None:
    assert accept({"a": "b"}).metadata == {"a": "b"}
    assert reject(" No. ").reason == "No."
    with pytest.raises(ValueError, match="told why"):
        reject("  ")
    with pytest.raises(ValueError, match="content_encoding must be"):
        replace(a_file(b"").new_file(), content_encoding="br")
