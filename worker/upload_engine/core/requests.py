"""Each call to the signing server and the store as a pair: ``prepare_…`` makes it, ``parse_…`` reads its answer.

The calls are those of Uppy Companion's S3 protocol, with our additions (``py/uploads/server``). Every ``parse_…``
raises ServiceFault when the answer is not the one hoped for, with S3's code where there is one; an answer that is not
even of the right kind (a captive portal's or a proxy's page) has the code ``NotFromTheStore``.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from upload_engine.core.crc64 import from_base64, to_base64
from upload_engine.core.errors import ServiceFault
from upload_engine.core.events import ObjectReport
from upload_engine.core.facts import UploadFacts
from upload_engine.core.http import ApiRequest, HttpResponse
from upload_engine.core.limits import MAX_PART_SIZE, MIN_PART_SIZE
from upload_engine.core.parts import ListedPart, Part

_MULTIPART = "/s3/multipart"
ASSUMED_LIFETIME = 300.0
"""Seconds that a URL lives when the server does not say."""
CHECKSUM = "CRC64NVME"
"""The checksum of whole objects, as S3 names it."""
MAX_WORDS = 500
"""Characters taken of what a server says for people."""


@dataclass(frozen=True, slots=True)
class CreatedUpload:
    server_upload_id: str = field(repr=False)
    key: str
    bucket: str
    user_id: str
    part_size: int
    signed: SignedParts
    has_opaque_etags: bool
    is_whole: bool = False
    keeps_checksum: bool = False

    def is_anothers(self, user_id: str) -> bool:
        """Whether it was made for somebody else than this user, as far as both are known."""
        return bool(user_id) and self.user_id not in ("", user_id)


@dataclass(frozen=True, slots=True)
class SignedParts:
    """Presigned URLs by part number, the headers that go with each PUT, and the seconds they stay valid.

    fields: of a form in whose place the only URL is to be POSTed, with the file as its last field; None: it is a PUT.
    """

    urls: Mapping[int, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    expires_in: float
    fields: Mapping[str, str] | None = field(default=None, repr=False)


def _upload_path(server_upload_id: str, key: str, tail: str = "", **query: str) -> str:
    pairs = "&".join(f"{name}={quote(value, safe=',')}" for name, value in {"key": key, **query}.items())
    return f"{_MULTIPART}/{quote(server_upload_id, safe='')}{tail}?{pairs}"


def prepare_create(facts: UploadFacts, part_size: int) -> ApiRequest:
    """Create; parts of ``part_size`` bytes."""
    return ApiRequest("POST", _MULTIPART, {**about_file(facts), "partSize": part_size})


def about_file(facts: UploadFacts) -> dict[str, Any]:
    """What the server is told of a file. Without a key it makes one."""
    told: dict[str, Any] = {
        "filename": facts.fingerprint.name,
        "type": facts.content_type,
        "size": facts.fingerprint.size,
        "projectId": facts.project_id,
    }
    more = {"key": facts.s3_key, "metadata": dict(facts.metadata), "encoding": facts.content_encoding}
    return told | {name: value for name, value in more.items() if value}


def parse_create(response: HttpResponse) -> CreatedUpload:
    answer = read_object(response)
    with reading():
        return CreatedUpload(
            server_upload_id=str(answer["uploadId"]),
            key=str(answer["key"]),
            bucket=str(answer.get("bucket", "")),
            user_id=str(answer.get("userId", "")),
            part_size=_part_size(answer.get("partSize")),
            signed=_signed(answer, answer.get("urls") or {}),
            has_opaque_etags=answer.get("etagsAreChecksums") is False,
            keeps_checksum=answer.get("checksumAlgorithm") == CHECKSUM,
        )


def _part_size(value: Any) -> int:
    """Bytes; 0 when the server leaves the choice to us. Raises ValueError for a size that S3 would refuse."""
    part_size = int(value or 0)
    if part_size and not MIN_PART_SIZE <= part_size <= MAX_PART_SIZE:
        raise ValueError("no part can have this size")
    return part_size


def prepare_sign(
    server_upload_id: str, key: str, part_numbers: Iterable[int], *, checksums: bool = True
) -> ApiRequest:
    """``checksums=False`` asks for URLs without checksum headers: the store refuses them."""
    query = {"partNumbers": ",".join(str(number) for number in part_numbers)}
    if not checksums:
        query["checksums"] = "none"
    return ApiRequest("GET", _upload_path(server_upload_id, key, "/batch", **query))


def parse_sign(response: HttpResponse) -> SignedParts:
    answer = read_object(response)
    with reading():
        return _signed(answer, answer["presignedUrls"])


def prepare_list(server_upload_id: str, key: str) -> ApiRequest:
    return ApiRequest("GET", _upload_path(server_upload_id, key))


def parse_list(response: HttpResponse) -> tuple[ListedPart, ...]:
    answer = _json(response)
    with reading():
        return tuple(
            ListedPart(int(row["PartNumber"]), str(row["ETag"]).strip('"').lower(), int(row["Size"]))
            for row in answer
        )


def prepare_complete(
    server_upload_id: str, key: str, parts: Iterable[tuple[int, Part]], checksum: str = ""
) -> ApiRequest:
    """checksum: the CRC-64/NVME of the whole file, in base64, or ""."""
    body: dict[str, Any] = {"parts": [{"PartNumber": number, "ETag": part.etag} for number, part in parts]}
    if checksum:
        body["checksum"] = {"type": CHECKSUM, "value": checksum}
    return ApiRequest("POST", _upload_path(server_upload_id, key, "/complete"), body)


def parse_complete(response: HttpResponse) -> ObjectReport:
    return read_report(read_object(response))


def prepare_status(server_upload_id: str, key: str) -> ApiRequest:
    return ApiRequest("GET", _upload_path(server_upload_id, key, "/status"))


def parse_status(response: HttpResponse) -> tuple[str, ObjectReport | None]:
    """``("open" | "completed" | "missing", the object's report or None)``."""
    answer = read_object(response)
    state = answer.get("state")
    if state not in ("open", "completed", "missing"):
        raise not_from_the_store(response.status)
    return state, read_report(answer) if state == "completed" else None


def prepare_abort(server_upload_id: str, key: str) -> ApiRequest:
    return ApiRequest("DELETE", _upload_path(server_upload_id, key))


def parse_abort(response: HttpResponse) -> None:
    if response.status != 404:  # gone already is as good
        read_object(response)


def prepare_open_uploads() -> ApiRequest:
    return ApiRequest("GET", "/s3/uploads")


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload that the server has open. ``started_at``: milliseconds since 1970."""

    server_upload_id: str = field(repr=False)
    key: str
    file_name: str
    project_id: str
    started_at: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is signed in, whether that is a guest who has only just been given the id, and what they have open.

    ``server_time``: the server's date, milliseconds since 1970; None where it does not tell; ``small_files``: the bytes up to
    which it takes files whole, by the hundred; 0 where it does not.
    """

    user_id: str
    is_new_guest: bool
    open_uploads: tuple[OpenUpload, ...] = ()
    server_time: int | None = None
    small_files: int = 0


def parse_open_uploads(response: HttpResponse) -> Identity:
    answer = read_object(response)
    with reading():
        uploads = tuple(
            OpenUpload(
                str(row["uploadId"]),
                str(row["key"]),
                str(row["filename"]),
                str(row.get("projectId") or ""),
                int(datetime.fromisoformat(str(row["startedAt"])).timestamp() * 1000),
            )
            for row in answer.get("uploads") or ()
        )
        told = answer.get("serverTime")
        server_time = None if told is None else int(told)
        small_files = int((answer.get("smallFiles") or {}).get("maxSize", 0))
        return Identity(
            str(answer["userId"]), answer.get("isNewGuest") is True, uploads, server_time, small_files
        )


def prepare_guest_key() -> ApiRequest:
    return ApiRequest("POST", "/s3/guest/key")


def parse_guest_key(response: HttpResponse) -> tuple[str, bytes]:
    """The guest's id and the key with which to come back."""
    answer = read_object(response)
    with reading():
        return str(answer["userId"]), base64.b64decode(answer["key"], validate=True)


def prepare_guest_challenge() -> ApiRequest:
    return ApiRequest("GET", "/s3/guest/challenge")


def parse_guest_challenge(response: HttpResponse) -> str:
    answer = read_object(response)
    with reading():
        return str(answer["challenge"])


def prepare_guest_return(user_id: str, challenge: str, proof: str) -> ApiRequest:
    return ApiRequest("POST", "/s3/guest/return", {"userId": user_id, "challenge": challenge, "proof": proof})


def parse_guest_return(response: HttpResponse) -> None:
    read_object(response)


def object_path(key: str) -> str:
    """Where the signing server hands out the object, relative to its address."""
    return f"/s3/object?key={quote(key, safe='')}"


def prepare_probe() -> ApiRequest:
    return ApiRequest("GET", "/healthz")


def parse_part(response: HttpResponse) -> str:
    """The ETag, without quotes, that the store gave to a part."""
    if not 200 <= response.status < 300:
        raise _store_fault(response)
    etag = response.headers.get("etag", "") or html.unescape(
        _tag(response.text, "ETag")
    )  # or a form's answer
    etag = etag.strip().strip('"').lower()
    if etag:
        return etag
    if response.text.strip():
        raise not_from_the_store(response.status)
    raise ServiceFault(
        response.status,
        "ETagNotExposed",
        "The store does not let pages read the ETag of a part: its CORS rule needs ExposeHeaders: ETag",
    )


def told_checksum(response: HttpResponse) -> str:
    """The CRC-64/NVME, in base64, of what has arrived, where the store tells pages; ""."""
    return response.headers.get("x-amz-checksum-crc64nvme", "").strip()


# Reading answers.


def _store_fault(response: HttpResponse) -> ServiceFault:
    """S3 answers errors in XML: ``<Error><Code>…</Code><Message>…</Message><RequestId>…``."""
    text = response.text
    code = _tag(text, "Code")
    if not code and text.strip() and not text.lstrip().startswith(("<?xml", "<Error")):
        code = "NotFromTheStore" if response.status >= 500 else "RefusedOnTheWay"
    return ServiceFault(
        response.status,
        code,
        request_id=_tag(text, "RequestId") or response.headers.get("x-amz-request-id", ""),
        retry_after=_retry_after(response),
    )


def _tag(text: str, name: str) -> str:
    match = re.search(rf"<{name}>([^<]{{1,200}})</{name}>", text)
    return match.group(1).strip() if match else ""


def _retry_after(response: HttpResponse) -> float | None:
    """Seconds; the form that names a date is ignored, since the client's clock is not to be trusted."""
    value = response.headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdigit() else None


def not_from_the_store(status: int) -> ServiceFault:
    return ServiceFault(status, "NotFromTheStore", "The answer did not come from the upload server")


@contextmanager
def reading() -> Iterator[None]:
    """Turns a missing or ill-typed field of an answer into a ServiceFault."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError):
        raise not_from_the_store(200) from None


def _json(response: HttpResponse) -> Any:
    try:
        answer = json.loads(response.text)
    except ValueError:
        answer = None
    if 200 <= response.status < 300:
        if answer is None:
            raise not_from_the_store(response.status)
        return answer
    known = answer if isinstance(answer, dict) else {}
    raise ServiceFault(
        response.status,
        str(known.get("code") or "")[:MAX_WORDS],
        str(known.get("message") or known.get("error") or "")[:MAX_WORDS],
        str(known.get("requestId") or "")[:MAX_WORDS],
        retry_after=_retry_after(response),
        is_final=known.get("retryable") is False,
    )


def read_object(response: HttpResponse) -> dict[str, Any]:
    answer = _json(response)
    if not isinstance(answer, dict):
        raise not_from_the_store(response.status)
    return answer


def _signed(answer: Mapping[str, Any], urls: Mapping[str, str]) -> SignedParts:
    return SignedParts(
        urls={int(number): str(url) for number, url in urls.items()},
        headers={str(name): str(value) for name, value in (answer.get("headers") or {}).items()},
        expires_in=float(answer.get("expires") or ASSUMED_LIFETIME),
    )


def read_report(answer: Mapping[str, Any]) -> ObjectReport:
    with reading():
        return ObjectReport(
            size=int(answer["size"]),
            etag=str(answer["etag"]).strip('"').lower(),
            proof=answer["proof"] is True,
            is_opaque=answer.get("etagIsChecksum") is False,
            is_seen=answer.get("isSeen") is not False,
            checksum=_checksum(answer.get("checksum")),
        )


def _checksum(told: Any) -> str:
    """The CRC-64/NVME of the whole object, in base64, where that is what the server tells. Raises ValueError for one that is none."""
    if not isinstance(told, dict) or told.get("type") != CHECKSUM:
        return ""
    return to_base64(from_base64(str(told["value"])))
