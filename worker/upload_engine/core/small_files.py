"""The calls about many small files at once: each is one object, sent by one request. See ``requests``.

An answer holds one for each file, in the order asked for; one that is refused keeps no other back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from upload_engine.core.errors import ServiceFault
from upload_engine.core.events import ObjectReport
from upload_engine.core.http import ApiRequest, HttpResponse
from upload_engine.core.requests import (
    MAX_WORDS,
    CreatedUpload,
    SignedParts,
    about_file,
    not_from_the_store,
    read_object,
    read_report,
    reading,
)
from upload_engine.core.session_state import SessionState

MOST_TOGETHER = 200
"""Files per call: what is answered has to be used before it expires."""


def prepare_create_whole(sessions: Iterable[SessionState]) -> ApiRequest:
    """Create many."""
    return ApiRequest("POST", "/s3/objects", {"files": [about_file(session.facts) for session in sessions]})


def parse_create_whole(response: HttpResponse, count: int) -> list[CreatedUpload | ServiceFault]:
    """For each of ``count`` files. Raises ServiceFault when the whole call was refused."""
    answer = read_object(response)
    with reading():
        user_id = str(answer.get("userId", ""))
        return [_created(row, user_id) for row in _rows(answer, count)]


def _created(row: dict[str, Any], user_id: str) -> CreatedUpload | ServiceFault:
    if "code" in row:
        return _fault(row)
    is_form = row["method"] == "POST"
    texts = row["fields" if is_form else "headers"]
    told = {str(name): str(value) for name, value in texts.items()}
    return CreatedUpload(
        server_upload_id=str(row["uploadId"]),
        key=str(row["key"]),
        bucket=str(row.get("bucket", "")),
        user_id=user_id,
        part_size=0,
        signed=SignedParts(
            urls={1: str(row["url"])},
            headers={} if is_form else told,
            expires_in=float(row["expires"]),
            fields=told if is_form else None,
        ),
        has_opaque_etags=row.get("etagsAreChecksums") is False,
        is_whole=True,
    )


def prepare_complete_whole(sent: Iterable[tuple[str, str, str]]) -> ApiRequest:
    """Complete many. ``sent``: the server's upload id, the key and the ETag of each."""
    rows = [{"uploadId": upload_id, "key": key, "etag": etag} for upload_id, key, etag in sent]
    return ApiRequest("POST", "/s3/objects/complete", {"uploads": rows})


def parse_complete_whole(response: HttpResponse, count: int) -> list[ObjectReport | ServiceFault]:
    """For each of ``count`` uploads. Raises ServiceFault when the whole call was refused."""
    answer = read_object(response)
    with reading():
        return [_fault(row) if "code" in row else read_report(row) for row in _rows(answer, count)]


def _rows(answer: dict[str, Any], count: int) -> Sequence[dict[str, Any]]:
    rows: Sequence[dict[str, Any]] = answer["uploads"]
    if len(rows) != count:
        raise not_from_the_store(200)
    return rows


def _fault(row: dict[str, Any]) -> ServiceFault:
    retry_after = row.get("retryAfter")
    return ServiceFault(
        int(row["status"]),
        str(row["code"])[:MAX_WORDS],
        str(row.get("message") or "")[:MAX_WORDS],
        retry_after=None if retry_after is None else float(retry_after),
        is_final=row.get("retryable") is False,
    )
