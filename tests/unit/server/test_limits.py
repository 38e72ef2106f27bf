"""Which files are taken and how much of them: the rules by themselves (ACCEPTANCE L1-L3)."""

from __future__ import annotations

import io
import wave
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uploads.server import file_rules
from uploads.server.limits import Limits
from uploads.server.problems import Problem
from uploads.server.rates import Counts, Rates
from uploads.server.settings import Settings

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
PDF = b"%PDF-1.7\n" + bytes(100)
EXE = b"MZ" + bytes(200)


def settings(**given: Any) -> Settings:
    return Settings(jwt_secret=None, **given)


def zipped(name: str = "a.txt") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "text")
    return file.getvalue()


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(1000))
    return file.getvalue()


@pytest.mark.parametrize(
    ("rules", "name", "kind", "size", "code"),
    [
        ({"max_file_size": 10}, "a", "text/plain", 11, "EntityTooLarge"),
        ({"min_file_size": 10}, "a", "text/plain", 9, "FileTooSmall"),
        ({"allowed_types": "image/*"}, "a.txt", "text/plain", 1, "TypeNotAllowed"),
        ({"allowed_types": ".zip"}, "a.zip.txt", "application/zip", 1, "TypeNotAllowed"),
        ({"allowed_names": r"[a-z]+\.txt"}, "A.txt", "text/plain", 1, "NameNotAllowed"),
        ({"allowed_names": r"[a-z]+\.txt"}, "a.txt.exe", "text/plain", 1, "NameNotAllowed"),
    ],
)
def test_a_file_that_the_rules_are_against_is_refused_by_name(
    rules: dict[str, Any], name: str, kind: str, size: int, code: str
) -> None:
    with pytest.raises(Problem) as caught:
        file_rules.check(settings(**rules), name, kind, size)
    assert caught.value.code == code
    assert caught.value.status in {413, 422}
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("rules", "name", "kind", "size"),
    [
        ({}, "a", "x/y", 0),
        ({"max_file_size": 10, "min_file_size": 10}, "a", "x/y", 10),
        ({"max_file_size": 10}, "a", "x/y", None),
        ({"allowed_types": "image/*,.ZIP"}, "a", "IMAGE/PNG; q=1", 1),
        ({"allowed_types": "image/*,.ZIP"}, "A.zip", "x/y", 1),
        ({"allowed_types": "image/jpeg"}, "a.jpg", "image/jpg", 1),
        ({"allowed_names": r"[a-z]+\.txt"}, "folder/a.txt", "text/plain", 1),
    ],
)
def test_others_are_taken(rules: dict[str, Any], name: str, kind: str, size: int | None) -> None:
    file_rules.check(settings(**rules), name, kind, size)


@pytest.mark.parametrize(
    ("types", "name", "kind", "head"),
    [
        ("image/*", "a.png", "image/png", EXE),
        ("image/*", "a.png", "image/png", PDF),
        ("image/jpeg", "a.jpg", "image/jpeg", PNG),
        ("image/*", "a.png", "image/png", b"<html><script>"),
        ("application/pdf", "a.pdf", "application/octet-stream", b"plain words"),
        (".csv", "a.csv", "text/csv", EXE),
        (".docx", "a.docx", "application/zip", b"plain words, and no archive" + b"\x80"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_refused(
    types: str, name: str, kind: str, head: bytes
) -> None:
    with pytest.raises(Problem, match="ContentMismatch"):
        file_rules.check_content(settings(allowed_types=types), name, kind, head)


@pytest.mark.parametrize(
    ("types", "name", "kind", "head"),
    [
        ("", "a.png", "image/png", EXE),
        ("image/*", "a.png", "image/png", PNG),
        ("image/*", "a.jpg", "image/jpeg", PNG),
        (".png", "a.png", "image/png", PNG),
        ("application/pdf", "a.pdf", "application/pdf", PDF),
        ("text/csv", "a.csv", "text/csv", b"BMW,Audi\n1,2\n"),
        ("text/csv", "a.csv", "text/csv", "BMW,Škoda".encode()[:-1] + "é".encode()[:1]),
        ("text/*", "a.txt", "text/plain", b""),
        ("audio/wav", "a.wav", "audio/wav", sound()),
        ("application/zip", "a.zip", "application/x-zip-compressed", zipped()),
        (
            ".docx",
            "a.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            zipped("word/document.xml"),
        ),
        ("model/gltf-binary", "a.glb", "model/gltf-binary", b"\x00\x01\x02odd"),
    ],
)
def test_one_that_may_be_what_it_is_called_is_taken(types: str, name: str, kind: str, head: bytes) -> None:
    file_rules.check_content(settings(allowed_types=types), name, kind, head)


def test_requests_are_allowed_at_a_rate_and_at_once() -> None:
    rates = Rates(per_second=2, burst=4)
    assert [rates.take("a", 0.0) for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert rates.take("b", 0.0) == 0, "each for himself"
    assert rates.take("a", 0.4) == pytest.approx(0.1)
    assert rates.take("a", 0.5) == 0
    assert [rates.take("a", 100.0) for _ in range(5)] == [0, 0, 0, 0, 0.5], "nothing is saved up beyond that"


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200))
def test_never_more_than_the_rate_and_the_burst(pauses: list[float]) -> None:
    rates, now, taken = Rates(per_second=3, burst=5), 0.0, 0
    for pause in pauses:
        now += pause
        taken += rates.take("a", now) == 0
    assert taken <= 5 + 3 * now + 1e-6


def test_memory_is_bounded() -> None:
    rates, counts = Rates(1, 1, most=10), Counts(most=10)
    for number in range(100):
        rates.take(str(number), 0.0)
        counts.add("upload", [number], 2)
    assert len(rates._buckets) == len(counts._counts) == 10
    assert rates.take("99", 0.0) > 0
    assert counts.add("upload", [99], 1) == 99, "the latest are remembered"
    assert counts.add("upload", [0], 1) is None, "and the first are not"


class Stored:
    """What the store is asked by the limits."""

    def __init__(self, uploads: int = 0, today: int = 0) -> None:
        self.uploads = uploads
        self.today = today
        self.asked: list[tuple[str, datetime]] = []

    def list_uploads(self, prefix: str) -> Any:
        return iter([(f"{prefix}{number}", "id", None) for number in range(self.uploads)])

    def bytes_since(self, prefix: str, start: datetime) -> int:
        self.asked.append((prefix, start))
        return self.today


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def limits(stored: Stored, **given: Any) -> Limits:
    store: Any = stored
    return Limits(settings(store="s3", **given), store, clock=lambda: 0.0, now=lambda: NOON)


def refused(limits: Limits, size: int | None = 1) -> tuple[int, str, int | None]:
    with pytest.raises(Problem) as caught:
        limits.check_new("alice", size)
    return caught.value.status, caught.value.code, caught.value.retry_after


def test_open_uploads_are_counted_by_the_store() -> None:
    limits(Stored(uploads=2), max_open_uploads=3).check_new("alice", 1)
    assert refused(limits(Stored(uploads=3), max_open_uploads=3)) == (429, "TooManyOpenUploads", None)
    limits(Stored(uploads=1000)).check_new("alice", 1)


def test_the_bytes_of_a_day_are_those_that_have_arrived_since_midnight() -> None:
    stored = Stored(today=90)
    limits(stored, max_bytes_per_day=100).check_new("alice", 10)
    assert stored.asked == [("uploads/alice/", NOON - timedelta(hours=12))]
    assert refused(limits(stored, max_bytes_per_day=100), 11) == (429, "DailyBytesExceeded", 43_200)
    limits(stored, max_bytes_per_day=100).check_new("alice", None)
    stored.today = 101
    assert refused(limits(stored, max_bytes_per_day=100), None)[1] == "DailyBytesExceeded"


def test_a_part_is_signed_so_often_and_no_more() -> None:
    strict = limits(Stored(), max_signatures=2)
    strict.take_signatures("upload", [1, 2])
    strict.take_signatures("upload", [1])
    strict.take_signatures("another", [1, 2])
    with pytest.raises(Problem, match=r"429 TooManySignatures: Part 1 was signed 2 times"):
        strict.take_signatures("upload", [2, 1])
    strict.take_signatures("upload", [2])
    with pytest.raises(Problem, match="Part 2 was signed 2 times"):
        strict.take_signatures("upload", [2])
    for _ in range(100):
        limits(Stored()).take_signatures("upload", [1])


def test_too_many_requests_are_told_when_to_come_again() -> None:
    strict = limits(Stored(), max_requests_per_second=0.5)
    for _ in range(5):
        strict.take_request("alice")
    with pytest.raises(Problem) as caught:
        strict.take_request("alice")
    assert (caught.value.code, caught.value.retryable, caught.value.retry_after) == (
        "TooManyRequests",
        True,
        2,
    )
