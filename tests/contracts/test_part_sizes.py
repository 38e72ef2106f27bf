"""Worker and server cut a file alike (B2): two rooms that may not import each other, held together here."""

from hypothesis import given
from hypothesis import strategies as st
from upload_engine.core import parts as core
from upload_engine.core.limits import MAX_OBJECT_SIZE, MAX_PART_SIZE
from uploads.server import parts as server

SIZES = st.one_of(st.integers(0, 2_000_000_000), st.integers(0, MAX_OBJECT_SIZE))


@given(SIZES)
def test_the_default_part_size(size: int) -> None:
    part_size = core.choose_part_size(size)
    assert min(server.default_part_size(size), MAX_PART_SIZE) == part_size
    assert server.count_parts(size, part_size) == core.count_parts(size, part_size)
    assert server.complaint(size, part_size) is None


@given(SIZES, st.data())
def test_the_length_of_every_part(size: int, data: st.DataObject) -> None:
    part_size = core.choose_part_size(size)
    number = data.draw(st.integers(1, core.count_parts(size, part_size)))
    assert server.part_length(size, part_size, number) == core.part_range(number, size, part_size)[1]
