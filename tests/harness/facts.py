"""An upload's facts, as the calls about it are told them."""

from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint


def facts_of(
    name: str, size: int, *, content_type: str = "a/b", project_id: str = "p", s3_key: str = "", **more: str
) -> UploadFacts:
    """Size in bytes; ``more``: other fields of ``UploadFacts``."""
    fingerprint = Fingerprint(name, size, 1, "sample")
    return UploadFacts("id", project_id, "me", s3_key, content_type, fingerprint, 1, **more)  # type: ignore[arg-type]
