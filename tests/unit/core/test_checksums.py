"""The CRC-64/NVME of whole objects, and what an upload does with it (ACCEPTANCE V1)."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from awscrt import checksums as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.crc64 import combine, combine_all, crc64, from_base64, to_base64
from upload_engine.core.errors import ServiceFault
from upload_engine.core.records import from_record, to_record
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.states import Phase

from tests.unit.core.life import DELETE, ETAG, GONE, ID, OBJECT, PART, Life, kinds

MEGABYTE = random.Random(7).randbytes(1024 * 1024)
WHOLE = oracle.crc64nvme(MEGABYTE)
CRC = {number: to_base64(number << 40) for number in (1, 2, 3)}
FILE = to_base64(combine_all([(1 << 40, 10), (2 << 40, 10), (3 << 40, 5)]))
DIGEST = ServiceFault(409, "BadDigest")


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"123456789", 0xAE8B14860A799888),
        (bytes(32), 0xCF3473434D4ECF3B),
        (b"", 0),
    ],
)
def test_known_checksums(content: bytes, value: int) -> None:
    """Source: NVM Command Set Specification 1.0d, figure 122, and the catalogue of parametrised CRCs."""
    assert crc64(content) == value == oracle.crc64nvme(content)
    assert from_base64(to_base64(value)) == value


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_checksum_goes_on_where_another_ended(first: bytes, second: bytes) -> None:
    assert crc64(second, crc64(first)) == oracle.crc64nvme(first + second)


@settings(max_examples=60)
@given(st.integers(0, len(MEGABYTE)))
def test_the_checksums_of_both_halves_make_that_of_the_whole_wherever_it_is_split(at: int) -> None:
    first, second = MEGABYTE[:at], MEGABYTE[at:]
    assert combine(oracle.crc64nvme(first), oracle.crc64nvme(second), len(second)) == WHOLE


@settings(max_examples=30)
@given(st.lists(st.integers(0, len(MEGABYTE)), max_size=12))
def test_the_checksums_of_parts_make_that_of_the_whole(cuts: list[int]) -> None:
    borders = [0, *sorted(cuts), len(MEGABYTE)]
    pieces = [MEGABYTE[start:end] for start, end in pairwise(borders)]
    assert combine_all((oracle.crc64nvme(piece), len(piece)) for piece in pieces) == WHOLE


@pytest.mark.parametrize("text", ["", "AAAA", "no base64!", "AAAAAAAAAAAA", "AAAAAAAAAAA=\n", "ä" * 12])
def test_what_is_no_checksum_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whose words they are depends on what is wrong)
        from_base64(text)


class Kept(Life):
    """An upload into a store that keeps the checksum of the whole object."""

    def created(self) -> e.UploadCreated:
        return replace(super().created(), keeps_checksum=True)

    def landed(self, number: int) -> list[fx.Effect]:
        return self.tell(e.PartUploaded(ID, self.parts[number], number, ETAG[number], CRC[number]))

    def checked(self, *differing: int) -> list[fx.Effect]:
        compared = {number: CRC[number] for number, _ in self.session.transfer.unverified()}
        return self.tell(e.FileChecked(ID, self.asked, differing, compared))


def report(checksum: str = FILE, etag: str = OBJECT) -> e.ObjectReport:
    return e.ObjectReport(25, etag, True, checksum=checksum)


def test_the_checksum_of_the_file_goes_with_complete() -> None:
    life = Kept()
    life.finalise_unchecked()
    assert life.session.transfer.checksum == FILE
    (_, complete) = life.checked()
    assert isinstance(complete, fx.CompleteUpload)
    assert complete.checksum == FILE
    assert life.tell(e.UploadCompleted(ID, life.asked, report())) == [DELETE]
    assert life.session.checksum == FILE


def test_it_is_not_sent_to_a_store_that_keeps_none() -> None:
    life = Life()
    life.finalise_unchecked()
    (_, complete) = life.checked()
    assert isinstance(complete, fx.CompleteUpload)
    assert complete.checksum == ""


@pytest.mark.parametrize("told", [report("AAAAAAAAAAA="), report("")])
def test_an_object_with_another_checksum_or_none_is_looked_at(told: e.ObjectReport) -> None:
    """Faults 69, 70, 72: its ETag may be what it likes."""
    life = Kept()
    life.finalise()
    assert life.kinds(e.UploadCompleted(ID, life.asked, told)) == [fx.CheckStatus]
    assert life.phase == Phase.RECONCILING


def test_an_object_whose_checksum_is_another_is_removed_and_sent_again() -> None:
    life = Kept()
    life.finalise()
    life.control_failed(GONE)
    wrong = e.StatusChecked(ID, life.asked, "completed", report("AAAAAAAAAAA="))
    assert kinds(life.tell(wrong)) == [fx.AbortUpload]


def test_where_the_store_has_not_kept_it_the_parts_md5s_tell() -> None:
    """The parts were not compared with their ETags when they were sent."""
    life = Kept()
    life.finalise()
    life.control_failed(GONE)
    told = e.StatusChecked(ID, life.asked, "completed", report(""))
    assert life.tell(told) == [fx.HashFile(ID, life.asked, 10, md5=True)]
    assert life.tell(e.FileHashed(ID, life.asked, tuple(ETAG.values()))) == [DELETE]


@pytest.mark.parametrize("right", [True, False])
def test_an_object_whose_parts_are_not_known_is_compared_by_its_checksum(right: bool) -> None:
    """Faults 25, 70: however it was cut."""
    life = Kept()
    life.begin()
    life.send(1)
    life.failed(1, GONE)
    told = report(etag="0" * 32 + "-1")
    assert life.tell(e.StatusChecked(ID, life.asked, "completed", told)) == [
        fx.HashFile(ID, life.asked, 25, md5=False)
    ]
    hashed = e.FileHashed(ID, life.asked, crc64nvme=FILE if right else CRC[1])
    assert kinds(life.tell(hashed)) == [fx.DeleteSession if right else fx.AbortUpload]


def test_a_look_at_the_file_tells_how_far_it_is() -> None:
    """V5; fault 59: as long as it goes on, and no longer."""
    life = Kept()
    life.finalise_unchecked()
    assert life.tell(e.FileProgressed(ID, life.asked, 10, 25)) == []
    assert life.session.share_checked == 0.4
    assert life.tell(e.FileProgressed(ID, life.asked - 1, 25, 25)) == [], "of another look"
    assert life.session.share_checked == 0.4
    assert "FileProgressed" not in "".join(life.session.story), "there are too many of them"
    life.checked()
    assert [life.session.share_checked] == [None]
    life.tell(e.CancelRequested(ID))
    assert [life.session.share_checked] == [None]


def test_a_store_that_has_other_bytes_is_looked_at_part_by_part() -> None:
    """Faults 69, 70: Complete names no part; the parts' own checksums do, and only what differs is sent again."""
    life = Kept()
    life.finalise()
    assert kinds(life.control_failed(DIGEST)) == [fx.ListParts]
    assert life.phase == Phase.RECONCILING
    (_, check) = life.listed(1, 2, 3)
    assert isinstance(check, fx.CheckFile)
    assert [part.crc64nvme for _, part in check.parts] == ["", "", ""], "they are compared by their ETags"
    assert life.session.transfer.checksum == ""
    life.checked(2)
    assert life.phase == Phase.UPLOADING
    life.send(2)
    life.landed(2)
    life.checked()
    assert life.phase == Phase.FINALISING
    assert life.session.transfer.checksum == FILE
    assert life.tell(e.UploadCompleted(ID, life.asked, report())) == [DELETE]


def test_a_store_that_goes_on_having_other_bytes_ends_it_with_an_error() -> None:
    life = Kept()
    life.finalise()
    for _ in range(3):
        assert kinds(life.control_failed(DIGEST)) == [fx.ListParts]
        life.listed(1, 2, 3)
        life.checked()
    life.control_failed(DIGEST)
    assert life.phase == Phase.FAILED
    assert "not what was sent" in life.error_words


def test_where_etags_tell_nothing_all_is_sent_again() -> None:
    life = Kept()
    life.begin()
    life.session.transfer.has_opaque_etags = True
    life.send(1, 2, 3)
    for number in (1, 2, 3):
        life.landed(number)
    life.checked()
    life.control_failed(DIGEST)
    assert life.session.transfer.stored == {}


def test_without_the_file_nothing_is_completed_that_the_store_has_refused() -> None:
    life = Kept()
    life.finalise()
    life.session.has_file = False
    life.control_failed(DIGEST)
    life.listed(1, 2, 3)
    assert life.phase == Phase.WAITING_FOR_FILE


def test_a_part_that_arrives_damaged_is_sent_again_once() -> None:
    """Fault 69: twice in a row is no accident of the line, and the part is named."""
    life = Life()
    life.begin()
    life.send(1, 2)
    damaged = ServiceFault(200, "BadDigest")
    assert kinds(life.failed(2, damaged)) == [fx.ArmTimer]
    life.fire()
    life.send(2)
    life.failed(2, damaged)
    assert life.phase == Phase.FAILED
    assert "Part 2 did not arrive as it was sent" in life.error_words
    assert "Press Retry" in life.error_words


def test_checksums_outlive_a_restart_and_are_what_the_file_is_compared_with() -> None:
    """Fault 59: what was sent before is compared with the file that is at hand now."""
    life = Kept()
    life.begin()
    life.send(1, 2)
    life.landed(1)
    record = to_record(life.session)
    session, _ = from_record(record, RetryPolicy(random.Random(1)))
    assert session.transfer.keeps_checksum
    assert session.transfer.stored[1].crc64nvme == CRC[1]
    assert to_record(session)["parts"] == record["parts"]


@pytest.mark.parametrize("text", ["[", "7", "[7]", '[{"partNumber": 1}]', "[[]]"])
def test_a_record_with_damaged_parts_is_set_aside(text: str) -> None:
    """Fault 56."""
    life = Kept()
    life.begin()
    record = to_record(life.session) | {"parts": [text]}
    with pytest.raises(ValueError, match="damaged"):
        from_record(record, RetryPolicy(random.Random(1)))


@pytest.mark.parametrize("damage", ["AAAA", 7, None])
def test_a_record_with_a_damaged_checksum_is_set_aside(damage: object) -> None:
    """Fault 56."""
    life = Kept()
    life.begin()
    life.send(1)
    life.landed(1)
    record = to_record(life.session)
    [text] = record["parts"]
    record["parts"] = [text.replace(json.dumps(CRC[1]), json.dumps(damage))]
    with pytest.raises(ValueError, match="damaged"):
        from_record(record, RetryPolicy(random.Random(1)))


def test_a_record_of_an_older_version_of_us_has_none() -> None:
    """Fault 56."""
    life = Life()
    life.begin()
    life.send(1)
    life.landed(1)
    record = to_record(life.session) | {"version": 1}
    del record["keepsChecksum"]
    record["parts"] = [{"partNumber": 1, "etag": PART[1].etag, "size": PART[1].size}]
    session, _ = from_record(record, RetryPolicy(random.Random(1)))
    assert not session.transfer.keeps_checksum
    assert session.transfer.stored[1].crc64nvme == ""
