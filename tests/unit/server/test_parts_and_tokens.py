"""Part sizes within S3's limits, and upload ids that nobody can change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uploads.server import parts
from uploads.server.parts import MAX_OBJECT, MIB
from uploads.server.tokens import Tokens, Upload

UPLOAD = Upload("guest-1", "p/guest-1/k", "s3-id", 10, 5, "proof")


@given(st.integers(0, MAX_OBJECT))
def test_the_default_size_always_fits_and_the_parts_make_the_whole(size: int) -> None:
    part_size = parts.default_part_size(size)
    count = parts.count_parts(size, part_size)
    assert parts.complaint(size, part_size) is None
    last = parts.part_length(size, part_size, count)
    assert (count - 1) * part_size + last == size
    assert 0 <= last <= part_size
    assert last > 0 or size == 0


@pytest.mark.parametrize(
    ("size", "part_size", "expected"),
    [(0, 8 * MIB, 8 * MIB), (99_999_999, 0, 8 * MIB), (100_000_000, 0, 16 * MIB), (10**9 + 1, 0, 32 * MIB)],
)
def test_the_default_sizes_are_the_documented_ones(size: int, part_size: int, expected: int) -> None:
    assert parts.default_part_size(size) == expected


@pytest.mark.parametrize(
    ("size", "part_size", "word"),
    [
        (MAX_OBJECT + 1, 5 * MIB, "size"),
        (10, 6 * 1024**3, "partSize"),
        (10 * MIB, 5 * MIB - 1, "at least"),
        (10_001 * 5 * MIB, 5 * MIB, "10000"),
    ],
)
def test_what_s3_would_refuse_is_named(size: int, part_size: int, word: str) -> None:
    assert word in (parts.complaint(size, part_size) or "")


def test_a_size_beyond_all_objects_has_an_end_and_a_name() -> None:
    part_size = parts.default_part_size(10**30)
    assert part_size == parts.MAX_PART
    assert "size" in (parts.complaint(10**30, part_size) or "")


def test_one_small_part_is_fine() -> None:
    assert parts.complaint(10, 10) is None
    assert parts.complaint(0, 1) is None


def test_an_id_is_read_by_its_owner_at_its_key_until_it_expires() -> None:
    tokens = Tokens("s" * 32, "bucket", 100)
    token = tokens.make(UPLOAD, now=1000)
    assert tokens.read(token, "guest-1", "p/guest-1/k", 1099) == UPLOAD
    assert tokens.read(token, "guest-1", "p/guest-1/k", 1100) is None
    assert tokens.read(token, "guest-2", "p/guest-1/k", 1000) is None
    assert tokens.read(token, "guest-1", "p/guest-1/K", 1000) is None
    assert Tokens("t" * 32, "bucket", 100).read(token, "guest-1", "p/guest-1/k", 1000) is None
    assert Tokens("s" * 32, "other", 100).read(token, "guest-1", "p/guest-1/k", 1000) is None


@given(st.integers(0, 400), st.characters(codec="ascii"))
def test_a_changed_id_is_never_read(place: int, char: str) -> None:
    tokens = Tokens("s" * 32, "bucket", 100)
    token = tokens.make(UPLOAD, now=1000)
    place %= len(token)
    changed = token[:place] + char + token[place + 1 :]
    # The last character of a signature has bits that no byte uses, so another letter can mean the same.
    if changed != token and place != len(token) - 1:
        assert tokens.read(changed, UPLOAD.user, UPLOAD.key, 1000) is None


@given(st.text())
def test_nonsense_is_no_id(text: str) -> None:
    assert Tokens("s" * 32, "bucket", 100).read(text, "u", "k", 0) is None


def test_the_proof_of_a_key_is_secret_and_its_own() -> None:
    tokens = Tokens("s" * 32, "bucket", 100)
    assert tokens.proofs_of("a") == tokens.proofs_of("a") != tokens.proofs_of("b")
    assert Tokens("t" * 32, "bucket", 100).proofs_of("a") != tokens.proofs_of("a")
