"""Uploads that the browser has forgotten (its storage was evicted) and the server still has open.

The server knows their keys and nothing of their files. So such an upload waits for a file of its name; how it was cut
is read off the parts that are stored, and each of these is compared with the file before anything is sent.
"""

from __future__ import annotations

import hashlib

from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.requests import OpenUpload
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session import Session


def recover(upload: OpenUpload, user_id: str, policy: RetryPolicy) -> Session:
    """A session that waits for its file. Its id is always the same, however often the upload is found again."""
    facts = UploadFacts(
        upload_id=f"recovered-{hashlib.sha256(upload.key.encode()).hexdigest()[:24]}",
        project_id=upload.project_id,
        user_id=user_id,
        s3_key="",
        content_type="application/octet-stream",
        fingerprint=Fingerprint.unknown(upload.file_name),
        started_at=upload.started_at,
    )
    session = Session(facts, 1, policy, has_file=False)
    session.server_upload_id, session.key = upload.server_upload_id, upload.key
    session.is_cut_known = False
    return session
