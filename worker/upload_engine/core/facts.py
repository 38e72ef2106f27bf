"""What is known of an upload before its first byte is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from upload_engine.core.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What does not change once an upload is created. ``s3_key``: the key asked for, or "" to let the server make one;

    ``started_at``: milliseconds since 1970; ``metadata``: of the object, beside our own; ``content_encoding``: "gzip", "zstd" or "".
    """

    upload_id: str
    project_id: str
    user_id: str
    s3_key: str
    content_type: str
    fingerprint: Fingerprint
    started_at: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    content_encoding: str = ""
