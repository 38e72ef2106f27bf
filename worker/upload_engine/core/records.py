"""A session as it is stored, and back. The names are the documented ones of ``UploadSession``.

A record holds no URL, no credential and no bytes. ``serverUploadId`` names the upload to the signing server, which
answers for it only to the user who began it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from upload_engine.core.crc64 import from_base64
from upload_engine.core.explain import UploadError
from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.limits import MAX_PARTS
from upload_engine.core.parts import Part, choose_part_size, count_parts
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session import Session
from upload_engine.core.states import Phase, status_of

RECORD_VERSION = 2
"""Since 2 the parts are JSON texts of some of them each; 1 had a list of them all."""
READABLE = (1, 2)
LARGEST_RANK = 1e18
"""What the pages' protocol carries. NaN is none either."""


def to_record(session: Session) -> dict[str, Any]:
    """A JSON-able mapping."""
    facts, fingerprint = session.facts, session.facts.fingerprint
    return {
        "version": RECORD_VERSION,
        "uploadId": facts.upload_id,
        "userId": facts.user_id,
        "projectId": facts.project_id,
        "requestedKey": facts.s3_key,
        "s3Key": session.key,
        "bucket": session.bucket,
        "serverUploadId": session.server_upload_id,
        "fileName": fingerprint.name,
        "fileSize": fingerprint.size,
        "lastModified": fingerprint.last_modified,
        "sample": fingerprint.sample,
        "contentType": facts.content_type,
        "metadata": dict(facts.metadata),
        "contentEncoding": facts.content_encoding,
        "chunkSize": session.transfer.part_size if session.is_cut_known else 0,
        "etagsAreChecksums": not session.transfer.has_opaque_etags,
        "checked": session.is_checked,
        "keepsChecksum": session.transfer.keeps_checksum,
        "whole": session.transfer.is_whole,
        "parts": session.transfer.stored.written(_part_records),
        "status": str(status_of(session.phase)),
        "phase": str(session.phase),
        "startedAt": facts.started_at,
        "rank": session.rank,
        "figures": session.figures.to_record(),
        "lastActivity": session.last_activity,
        "error": _error_record(session.error),
    }


def _part_records(parts: Mapping[int, Part]) -> str:
    return json.dumps(
        [
            {"partNumber": number, "etag": part.etag, "size": part.size, "crc64nvme": part.crc64nvme}
            for number, part in parts.items()
        ]
    )


def _error_record(error: UploadError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "type": error.type,
        "message": error.message,
        "recovery": error.recovery,
        "retryable": error.retryable,
    }


def from_record(record: dict[str, Any], policy: RetryPolicy) -> tuple[Session, Phase]:
    """A session without its file, and the phase it was stored in.

    Raises ValueError when the record is of an unknown version or damaged; the caller sets it aside.
    """
    if record.get("version") not in READABLE:
        raise ValueError(f"a session record of version {record.get('version')!r}, not {RECORD_VERSION}")
    try:
        fingerprint = Fingerprint(
            _text(record["fileName"]),
            _count(record["fileSize"]),
            _count(record["lastModified"]),
            _text(record["sample"]),
        )
        facts = UploadFacts(
            upload_id=_name(record["uploadId"]),
            project_id=_text(record["projectId"]),
            user_id=_name(record["userId"]),
            s3_key=_text(record["requestedKey"]),
            content_type=_text(record["contentType"]),
            fingerprint=fingerprint,
            started_at=_count(record["startedAt"]),
            metadata=_texts(record.get("metadata", {})),
            content_encoding=_text(record.get("contentEncoding", "")),
        )
        part_size = _count(record["chunkSize"]) or choose_part_size(fingerprint.size)
        if not facts.upload_id or count_parts(fingerprint.size, part_size) > MAX_PARTS:
            raise TypeError("no upload is like this")
        session = Session(facts, part_size, policy, has_file=False)
        session.is_cut_known = record["chunkSize"] != 0
        session.is_checked = record.get("checked") is True
        session.transfer.keeps_checksum = record.get("keepsChecksum") is True
        session.transfer.is_whole = record.get("whole") is True
        session.transfer.has_opaque_etags = record.get("etagsAreChecksums") is False
        session.server_upload_id = _name(record["serverUploadId"])
        session.key = _name(record["s3Key"])
        session.bucket = _name(record["bucket"])
        session.last_activity = _count(record["lastActivity"])
        session.rank = _rank(record.get("rank", facts.started_at))
        session.figures.restore(record.get("figures"))
        session.transfer.stored.replace(parts_of(record))
        error = record.get("error")
        session.error = UploadError(**error) if error else None
        return session, Phase(record["phase"])
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"a damaged session record: {type(error).__name__}: {error}") from error


def parts_of(record: Mapping[str, Any]) -> dict[int, Part]:
    """The parts that a record of either version names. Raises what damage leads to, as ``from_record`` expects it."""
    lists = [json.loads(one) if isinstance(one, str) else [one] for one in record["parts"]]
    return {
        _count(part["partNumber"]): Part(
            _text(part["etag"]), _count(part["size"]), _checksum(part.get("crc64nvme", ""))
        )
        for parts in lists
        for part in parts
    }


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, got {type(value).__name__}")
    return value


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"texts expected, got {type(value).__name__}")
    return {_text(name): _text(text) for name, text in value.items()}


def _name(value: Any) -> str:
    """Text that can stand in an address. A person's file may be called otherwise: half a character, on Windows."""
    if any("\ud800" <= char <= "\udfff" for char in _text(value)):
        raise TypeError("a name with half a character")
    return str(value)


def _checksum(value: Any) -> str:
    """A CRC-64 in base64, or ""."""
    try:
        if _text(value):
            from_base64(value)
    except ValueError as error:
        raise TypeError(str(error)) from None
    return str(value)


def _rank(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_RANK:
        raise TypeError(f"a place in the list expected, got {type(value).__name__}")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"a count expected, got {type(value).__name__}")
    return value
