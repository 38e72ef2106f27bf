"""An upload on a slow line, caught in the middle and let go again."""

from __future__ import annotations

from pathlib import Path

from tests.browser.line import Line
from tests.browser.uploads_page import MIB, UploadsPage, sha256

ON_THE_WAY = 3 * 16 * MIB
"""Bytes of the parts that can be under way when an upload of less than 1 GB is cut off, at the most."""
OVERHEAD = 2 * MIB
"""Bytes that an upload's requests need beside their bodies, at the most."""


def stored_parts(line: Line) -> set[int]:
    """The numbers of the parts that the one open upload has in the store."""
    ((key, upload_id),) = line.server.open_uploads()
    answer = line.server.s3.list_parts(Bucket=line.server.bucket, Key=key, UploadId=upload_id)
    return {part["PartNumber"] for part in answer.get("Parts", [])}


def until_stored(uploads: UploadsPage, line: Line, name: str, percent: int) -> set[int]:
    """Wait until that much is on its way and a part of it is stored: what is on the way shows before it counts."""
    uploads.until_percent(name, percent)
    while not (stored := stored_parts(line)):
        uploads.page.wait_for_timeout(50)
    return stored


def finish(uploads: UploadsPage, line: Line, file: Path) -> None:
    """Let it run, and prove what arrived."""
    line.limit(None)
    uploads.must_complete(file.name)
    assert sha256(uploads.object_of(file.name)) == sha256(file)
    assert line.server.open_uploads() == []
