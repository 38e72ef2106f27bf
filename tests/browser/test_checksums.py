"""Right to the last bit: a real Chromium, a real SeaweedFS, and what damages data between them (ACCEPTANCE V2-V4)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.line import BadLine
from tests.browser.runs import prove, start
from tests.browser.uploads_page import LIMIT, MIB, random_file
from tests.fakes import faults
from tests.fakes.fault_server import Rule
from tests.fakes.s3_bucket import crc64nvme
from tests.harness.browser import Visitor

pytestmark = pytest.mark.browser


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of five parts, the last one smaller."""
    return random_file(tmp_path / "exact.bin", 36 * MIB + 12_345)


def test_the_store_keeps_the_checksum_that_was_computed_here(
    visitor: Visitor, bad: BadLine, file: Path
) -> None:
    """V3: of the object, by a tool of its own, of the file, and as it is shown."""
    uploads = start(visitor, bad, file)
    assert prove(uploads, bad, file) == []
    server, checksum = bad.server, crc64nvme(file.read_bytes())
    (key,) = [
        found["Key"]
        for found in server.s3.list_objects_v2(Bucket=server.bucket)["Contents"]
        if found["Key"].endswith(file.name)
    ]
    stored = server.s3.head_object(Bucket=server.bucket, Key=key, ChecksumMode="ENABLED")
    assert (stored["ChecksumCRC64NVME"], stored["ChecksumType"]) == (checksum, "FULL_OBJECT")
    assert crc64nvme(server.object_bytes(key)) == checksum
    uploads.press(file.name, "Details")
    expect(uploads.page.locator(".facts-of")).to_contain_text(f"Checksum (CRC-64/NVME){checksum}")
    uploads.page.keyboard.press("Escape")


def test_a_bit_that_flips_is_noticed_when_its_part_arrives(
    visitor: Visitor, bad: BadLine, file: Path
) -> None:
    """V4; fault 69: that part alone is sent again, at once."""
    bad.script.add(Rule(faults.flip(3_000_000), part_number=2, times=1))
    uploads = start(visitor, bad, file)
    struck = prove(uploads, bad, file)
    assert [put.part_number for put in struck] == [2]
    assert "reconciling" not in {phase for _, phase, _ in uploads.timeline(file.name)}


def test_a_line_that_damages_each_try_is_named(visitor: Visitor, bad: BadLine, file: Path) -> None:
    """V4; fault 69: the second time it stops, and says which part; Retry goes on where it stopped."""
    rule = bad.script.add(Rule(faults.flip(3_000_000), part_number=2, times=2))
    uploads = start(visitor, bad, file)
    uploads.until(file.name, "failed")
    expect(uploads.row(file.name).locator(".note")).to_contain_text(
        "Part 2 did not arrive as it was sent, twice in a row."
    )
    assert rule.struck == 2
    uploads.press(file.name, "Retry")
    uploads.until(file.name, "completed")
    prove(uploads, bad, file)


@pytest.mark.long
def test_where_pages_cannot_read_it_the_whole_is_compared_and_the_part_found(
    visitor: Visitor, bad: BadLine, file: Path
) -> None:
    """V4; faults 20, 69: Complete is refused, the parts are compared by their ETags, and one is sent again."""
    server = bad.server
    rules = server.s3.get_bucket_cors(Bucket=server.bucket)["CORSRules"]
    for rule in rules:
        rule["ExposeHeaders"] = ["ETag"]
    server.s3.put_bucket_cors(Bucket=server.bucket, CORSConfiguration={"CORSRules": rules})
    bad.script.add(Rule(faults.flip(3_000_000), part_number=2, times=1))
    uploads = start(visitor, bad, file)
    struck = prove(uploads, bad, file)
    assert [put.part_number for put in struck] == [2]
    assert len(bad.script.log("CompleteMultipartUpload")) == 0, "the server's own calls take no detour"
    assert "reconciling" in {phase for _, phase, _ in uploads.timeline(file.name)}


@pytest.mark.long
def test_an_older_copy_that_arrives_late_changes_nothing(visitor: Visitor, bad: BadLine, file: Path) -> None:
    """V4; fault 71: the store keeps both copies of a part, and the right one is taken."""
    bad.limit(8e6)
    uploads = start(visitor, bad, file)
    uploads.until_percent(file.name, 60)
    server = bad.server
    (upload,) = server.s3.list_multipart_uploads(Bucket=server.bucket)["Uploads"]
    server.s3.upload_part(
        Bucket=server.bucket,
        Key=upload["Key"],
        UploadId=upload["UploadId"],
        PartNumber=1,
        Body=b"o" * 8 * MIB,
    )
    bad.limit(None)
    assert prove(uploads, bad, file) == []


@pytest.mark.long
def test_a_finished_upload_is_compared_with_a_file_whenever_a_person_likes(
    visitor: Visitor, bad: BadLine, file: Path, tmp_path: Path
) -> None:
    """V6: by what the store says of the object then."""
    visitor.page.add_init_script("delete globalThis.showOpenFilePicker")  # as in Firefox and WebKit
    file = file.rename(tmp_path / "compared.bin")
    uploads = start(visitor, bad, file)
    prove(uploads, bad, file)
    server, page = bad.server, uploads.page
    (key,) = [
        found["Key"]
        for found in server.s3.list_objects_v2(Bucket=server.bucket)["Contents"]
        if found["Key"].endswith(file.name)
    ]
    uploads.press(file.name, "Details")
    verdict = page.locator(".compare .verdict")

    def compare(chosen: Path) -> None:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Compare with a file").click()
        chooser.value.set_files(chosen)

    compare(file)
    expect(verdict).to_have_text("The object in the store is this file, to the last bit.", timeout=LIMIT)
    other = tmp_path / "other.bin"
    content = bytearray(file.read_bytes())
    content[20_000_000] ^= 1
    other.write_bytes(content)
    compare(other)
    another = "This is another file than the one that is in the store."
    expect(verdict).to_have_text(another, timeout=LIMIT)
    other.write_bytes(content[:-1])
    compare(other)
    expect(verdict).to_have_text(another, timeout=LIMIT)
    server.s3.delete_object(Bucket=server.bucket, Key=key)
    compare(file)
    expect(verdict).to_have_text("The object is in the store no more.", timeout=LIMIT)
    page.keyboard.press("Escape")
