"""How files are cut, and which parts of a listing are trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upload_engine.core.limits import GIB, MAX_OBJECT_SIZE, MAX_PART_SIZE, MAX_PARTS, MIB, MIN_PART_SIZE
from upload_engine.core.parts import (
    ListedPart,
    Part,
    choose_part_size,
    count_parts,
    infer_part_size,
    part_range,
    part_size_for,
    trusted_parts,
)


@pytest.mark.parametrize(
    ("file_size", "part_size"),
    [
        (0, 8 * MIB),
        (1, 8 * MIB),
        (100_000_000 - 1, 8 * MIB),
        (100_000_000, 16 * MIB),
        (300_000_000, 16 * MIB),
        (1_000_000_000, 16 * MIB),
        (1_000_000_001, 32 * MIB),
        (MAX_PARTS * 32 * MIB, 32 * MIB),
        (MAX_PARTS * 32 * MIB + 1, 64 * MIB),
        (MAX_OBJECT_SIZE, MAX_PART_SIZE),
    ],
)
def test_the_documented_part_sizes(file_size: int, part_size: int) -> None:
    """Fault 64."""
    assert choose_part_size(file_size) == part_size


def test_a_configured_size_is_raised_to_what_s3_allows() -> None:
    """Fault 64."""
    assert choose_part_size(10 * MIB, 1) == MIN_PART_SIZE
    assert choose_part_size(MAX_PARTS * MIN_PART_SIZE + 1, MIN_PART_SIZE) == 2 * MIN_PART_SIZE
    assert choose_part_size(10 * MIB, 7 * MIB) == 7 * MIB


def test_a_low_bandwidth_limit_asks_for_the_smallest_parts() -> None:
    assert choose_part_size(GIB, "auto", 100_000) == MIN_PART_SIZE
    assert choose_part_size(GIB, "auto", 100 * MIB) == 32 * MIB
    assert choose_part_size(GIB, 16 * MIB, 100_000) == 16 * MIB


@pytest.mark.parametrize(
    ("request_speed", "file_size", "part_size"),
    [
        (0.0, GIB, 32 * MIB),  # unknown: as by size alone
        (100_000.0, GIB, MIN_PART_SIZE),
        (2.5 * MIB, GIB, 25 * MIB),
        (50 * MIB, 100 * GIB, 128 * MIB),
        (50 * MIB, 120 * MIB, 20 * MIB),  # some side by side
        (2.5 * MIB, 4 * MIB, MIN_PART_SIZE),
        (100_000.0, 100 * GIB, 20 * MIB),  # ten thousand parts are enough
    ],
)
def test_an_adaptive_part_takes_ten_seconds(request_speed: float, file_size: int, part_size: int) -> None:
    assert choose_part_size(file_size, "adaptive", None, request_speed) == part_size
    assert choose_part_size(file_size, "auto", None, request_speed) == choose_part_size(file_size)


def test_a_file_beyond_s3_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="larger than S3's limit"):
        choose_part_size(MAX_OBJECT_SIZE + 1)


@given(st.integers(0, MAX_OBJECT_SIZE), st.one_of(st.just("auto"), st.integers(1, MAX_PART_SIZE)))
def test_parts_cover_the_file_exactly(file_size: int, chunk_size: int | str) -> None:
    """Faults 63, 64."""
    part_size = choose_part_size(file_size, chunk_size)
    total = count_parts(file_size, part_size)
    assert 1 <= total <= MAX_PARTS
    assert MIN_PART_SIZE <= part_size <= MAX_PART_SIZE
    assert part_range(1, file_size, part_size)[0] == 0
    offset, size = part_range(total, file_size, part_size)
    assert offset + size == file_size
    assert size > 0 or file_size == 0
    if total > 1:
        assert part_range(total - 1, file_size, part_size) == ((total - 2) * part_size, part_size)


SIZE, PART = 25, 10


def trusted(*listed: tuple[int, str, int], **recorded: str) -> dict[int, str]:
    known = {
        int(name[1:]): Part(etag, part_range(int(name[1:]), SIZE, PART)[1]) for name, etag in recorded.items()
    }
    parts = trusted_parts([ListedPart(*row) for row in listed], known, SIZE, PART)
    assert all(part.size == part_range(number, SIZE, PART)[1] for number, part in parts.items())
    return {number: part.etag for number, part in parts.items()}


def test_a_listed_part_with_our_etag_is_kept() -> None:
    assert trusted((3, "c", 5), (1, "a", 10), p1="a", p3="c") == {1: "a", 3: "c"}


def test_a_part_whose_answer_was_lost_is_recovered() -> None:
    assert trusted((2, "b", 10)) == {2: "b"}


def test_a_part_the_store_does_not_list_is_sent_again() -> None:
    """Fault 33."""
    assert trusted((1, "a", 10), p1="a", p2="b") == {1: "a"}


def test_a_part_of_another_etag_or_size_is_sent_again() -> None:
    """Fault 34."""
    assert trusted((1, "x", 10), (2, "b", 9), (3, "c", 10), p1="a", p2="b") == {}


def test_of_a_part_listed_twice_ours_is_taken_and_without_a_record_none() -> None:
    assert trusted((1, "old", 10), (1, "a", 10), p1="a") == {1: "a"}
    assert trusted((1, "old", 10), (1, "a", 10)) == {}
    assert trusted((1, "a", 10), (1, "a", 10)) == {1: "a"}


def test_parts_that_cannot_be_ours_are_left_alone() -> None:
    assert trusted((0, "z", 10), (4, "d", 10), (1, "a", 10)) == {1: "a"}


@given(st.data())
def test_how_a_file_was_cut_is_read_off_its_parts(data: st.DataObject) -> None:
    """Fault 55. A part that is not the last one tells it; the last one, too, unless it is all there is of many."""
    part_size = data.draw(st.integers(MIN_PART_SIZE, 64 * MIB))
    file_size = data.draw(st.integers(part_size + 1, 300 * part_size))
    total = count_parts(file_size, part_size)
    numbers = data.draw(st.sets(st.integers(1, total), min_size=1, max_size=5))
    rows = [ListedPart(number, "e", part_range(number, file_size, part_size)[1]) for number in numbers]
    inferred = infer_part_size(rows, file_size, 4 * GIB)
    assert infer_part_size(rows, file_size, part_size) == part_size, "what is possible is not doubted"
    assert inferred == part_size or numbers == {total}
    assert all(part_range(row.part_number, file_size, inferred)[1] == row.size for row in rows)


@pytest.mark.parametrize(
    ("rows", "file_size"),
    [
        ([], 25 * MIB),
        ([(1, 4 * MIB)], 25 * MIB),  # no part but the last may be so small
        ([(2, 8 * MIB), (3, 10 * MIB)], 60 * MIB),
        ([(9, 8 * MIB)], 25 * MIB),  # another file's
        ([(1, 6 * GIB)], 30 * GIB),
        ([(1, 5 * MIB)], 60_000 * MIB),  # more than 10,000 parts
    ],
)
def test_parts_of_no_such_file_tell_nothing(rows: list[tuple[int, int]], file_size: int) -> None:
    """Fault 55."""
    assert infer_part_size([ListedPart(number, "e", size) for number, size in rows], file_size, 7) == 7


def test_a_small_file_is_one_part_of_its_own_size() -> None:
    assert infer_part_size([ListedPart(1, "e", 7)], 7, 4) == 7
    assert infer_part_size([ListedPart(1, "e", 0)], 0, 8 * MIB) == 8 * MIB


@pytest.mark.parametrize(
    ("total_parts", "part_size"),
    [(3, 10), (1, 25), (2, 13), (5, 5), (0, 10), (MAX_PARTS + 1, 10)],
    ids=str,
)
def test_the_part_size_of_so_many_parts(total_parts: int, part_size: int) -> None:
    """Fault 54: the one believed, where that makes as many."""
    assert part_size_for(total_parts, 25, believed=10) == part_size
    assert part_size_for(1, 0, believed=10) == 10
