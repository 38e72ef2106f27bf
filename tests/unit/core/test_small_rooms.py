"""Fingerprints, checksums, rules, pacing and progress: small rooms with no state to speak of."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upload_engine.core.checksums import multipart_etag
from upload_engine.core.fingerprint import SAMPLE_SIZE, SAMPLES, Fingerprint, sample_ranges
from upload_engine.core.limits import MAX_OBJECT_SIZE
from upload_engine.core.pacing import Pacer
from upload_engine.core.progress import NOT_YET_COMPLETE, SpeedMeter, measure
from upload_engine.core.transfer import Transfer
from upload_engine.rules import complaint
from uploads.protocol import check_upload_config


@given(st.integers(0, 10 * SAMPLE_SIZE * SAMPLES))
def test_samples_lie_in_the_file_and_touch_both_ends(size: int) -> None:
    ranges = sample_ranges(size)
    assert ranges[0][0] == 0
    assert sum(ranges[-1]) == size
    assert all(offset >= 0 and offset + length <= size for offset, length in ranges)
    assert sum(length for _, length in ranges) <= SAMPLE_SIZE * SAMPLES


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (Fingerprint("a.bin", 10, 7, "s"), ""),
        (Fingerprint("b.bin", 10, 7, "s"), "“b.bin”, not “a.bin”"),
        (Fingerprint("a.bin", 1_000, 7, "s"), "1,000 bytes, the upload began with 10"),
        (Fingerprint("a.bin", 10, 7, "t"), "its content is different"),
        (Fingerprint("a.bin", 10, 8, "s"), "changed since"),
    ],
)
def test_a_wrong_file_is_told_from_the_right_one_with_the_reason(other: Fingerprint, reason: str) -> None:
    difference = Fingerprint("a.bin", 10, 7, "s").difference(other)
    assert reason in difference
    assert bool(reason) == bool(difference)


def test_the_etag_of_a_multipart_object_is_the_md5_of_its_parts_md5s() -> None:
    parts = [b"one", b"two"]
    digests = [hashlib.md5(part, usedforsecurity=False) for part in parts]
    expected = hashlib.md5(b"".join(digest.digest() for digest in digests), usedforsecurity=False).hexdigest()
    assert multipart_etag([digests[0].hexdigest().upper(), f'"{digests[1].hexdigest()}"']) == f"{expected}-2"
    assert multipart_etag([digests[0].hexdigest(), "not-an-md5"]) is None


@pytest.mark.parametrize(
    ("changes", "name", "size", "content_type", "reason"),
    [
        ({}, "a", 0, "", ""),
        ({}, "a", MAX_OBJECT_SIZE + 1, "", "an S3 object holds at most"),
        ({"max_file_size": 10}, "a", 11, "", "at most 10 are allowed"),
        ({"max_file_size": 10}, "a", 10, "", ""),
        ({"min_file_size": 10}, "a", 9, "", "at least 10 are required"),
        ({"allowed_types": [".csv", "image/*", "text/plain"]}, "A.CSV", 1, "", ""),
        ({"allowed_types": [".csv", "image/*", "text/plain"]}, "a", 1, "image/png", ""),
        ({"allowed_types": [".csv", "image/*", "text/plain"]}, "a", 1, "text/plain; charset=utf-8", ""),
        (
            {"allowed_types": [".csv", "image/*", "text/plain"]},
            "a",
            1,
            "text/html",
            ".csv, image/*, text/plain",
        ),
    ],
)
def test_files_that_break_a_rule_are_named_with_it(
    changes: dict[str, object], name: str, size: int, content_type: str, reason: str
) -> None:
    told = complaint(name, size, content_type, check_upload_config(changes))
    assert reason in told
    assert bool(reason) == bool(told)


def test_without_a_limit_no_part_waits() -> None:
    pacer = Pacer(None)
    pacer.spend(10**9)
    assert pacer.wait(0.0) == 0.0


def test_with_a_limit_parts_start_at_its_rate() -> None:
    pacer = Pacer(100.0)
    now, started = 0.0, 0
    while now < 100:
        now += pacer.wait(now)
        pacer.spend(50)
        started += 50
    assert started == pytest.approx(100 * 100, abs=200)


def test_speed_is_what_moved_in_the_window() -> None:
    meter = SpeedMeter()
    assert meter.speed(0.0) == 0.0
    for tick in range(1, 401):
        meter.add(tick / 20, tick * 50)
    assert meter.speed(20.0) == pytest.approx(1_000, rel=0.05)
    assert meter.speed(30.0) < 600, "a line that stands still gets slower"


def test_speed_begins_anew_when_the_sum_falls_or_the_past_is_forgotten() -> None:
    meter = SpeedMeter()
    meter.add(0.0, 5_000)
    meter.add(1.0, 6_000)
    meter.add(2.0, 1_000)
    assert meter.speed(2.0) == 0.0
    meter.add(3.0, 2_000)
    assert meter.speed(3.0) == pytest.approx(1_000)
    meter.reset()
    assert meter.speed(4.0) == 0.0


def test_a_hundred_percent_means_completed() -> None:
    assert measure(10, 10, 5.0, completed=False).percent == NOT_YET_COMPLETE
    done = measure(10, 10, 5.0, completed=True)
    assert (done.percent, done.uploaded_bytes, done.seconds_left) == (100.0, 10, 0.0)
    assert measure(0, 0, 0.0, completed=False).percent == 0.0
    half = measure(5, 10, 2.5, completed=False)
    assert (half.percent, half.seconds_left) == (50.0, 2.0)
    assert measure(5, 10, 0.0, completed=False).seconds_left is None


def test_the_state_of_each_part_is_one_letter() -> None:
    transfer = Transfer(60, 10)
    transfer.plan(0.0)
    for attempt in range(1, 5):
        transfer.start_next(attempt, 0.0)
    transfer.landed(1, 1, "e", 1.0)
    transfer.lost(2, 2)
    transfer.in_doubt |= {2}
    transfer.lost(3, 3)
    transfer.count_try(3)
    assert [transfer.state_of(number) for number in range(1, 7)] == ["s", "d", "r", "f", "w", "w"]
    transfer.in_doubt = frozenset()
    transfer.give_back(2)
    transfer.give_back(3)
    assert transfer.start_next(5, 2.0).part_number == 2
    assert transfer.start_next(6, 2.0).part_number == 3
    transfer.landed(3, 6, "e", 3.0)
    assert [transfer.state_of(number) for number in range(1, 5)] == ["s", "F", "S", "f"], (
        "capitals: sent again"
    )
