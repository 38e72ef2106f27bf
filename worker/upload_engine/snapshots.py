"""A session as a page sees it: one whole ``UPLOAD_SNAPSHOT`` in the protocol's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from uploads.protocol import UPLOAD_SNAPSHOT

from upload_engine.core.parts import Part
from upload_engine.core.session import Session
from upload_engine.core.states import Phase, status_of


def snapshot(session: Session, now: float, object_url: str, file_access: str) -> dict[str, Any]:
    """The message without its parts; ``object_url`` is where the finished object can be fetched."""
    facts, transfer, progress = session.facts, session.transfer, session.progress(now)
    stored, total = len(transfer.stored), transfer.total_parts
    phase = Phase.QUEUED if session.waits_for_its_turn else session.phase
    return {
        "type": UPLOAD_SNAPSHOT,
        "session": {
            "project_id": facts.project_id,
            "upload_id": facts.upload_id,
            "s3_key": session.key or facts.s3_key,
            "next_part_number": transfer.stored.first_gap,
            "status": str(status_of(phase)),
            "phase": str(phase),
            "progress": round(progress.percent, 3),
            "started_at": facts.started_at,
            "last_activity": session.last_activity,
            "file_size": facts.fingerprint.size,
            "file_name": facts.fingerprint.name,
            "chunk_size": transfer.part_size if session.is_cut_known else 0,
            "content_type": facts.content_type,
            "user_id": facts.user_id,
            "parts_uploaded": stored,
            "object_url": object_url if session.phase is Phase.COMPLETED else None,
            "etag": session.etag or None,
            "checksum": session.checksum or None,
            "file_access": file_access,
            "rank": session.rank,
            "metadata": dict(facts.metadata) or None,
            "checked": None if session.share_checked is None else round(100 * session.share_checked, 1),
        },
        "progress": {
            "project_id": facts.project_id,
            "progress": round(progress.percent, 3),
            "uploaded_bytes": progress.uploaded_bytes,
            "total_bytes": progress.total_bytes,
            "current_chunk": min(stored + 1, total),
            "total_chunks": total,
            "estimated_time_remaining": progress.seconds_left,
            "speed": round(progress.speed, 1),
        },
        "error": _error(session),
    }


def parts_json(session: Session) -> str:
    """The stored parts as the JSON text of the documented ``parts``."""
    return f"[{', '.join(session.transfer.stored.written(_part_list))}]"


def _part_list(parts: Mapping[int, Part]) -> str:
    """Without the brackets."""
    told = [{"partNumber": number, "etag": part.etag, "size": part.size} for number, part in parts.items()]
    return json.dumps(told)[1:-1]


def _error(session: Session) -> dict[str, Any] | None:
    """With the story of what led to it, once it has ended the upload: before, it would be sent ten times a second."""
    error = session.error
    if error is None:
        return None
    return {
        "type": error.type,
        "message": error.message,
        "retryable": error.retryable,
        "recovery": error.recovery,
        "status": error.status,
        "code": error.code,
        "request_id": error.request_id,
        "story": list(session.story) if session.phase is Phase.FAILED else [],
    }
