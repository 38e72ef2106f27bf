"""What a request asks of S3, read from its method, path and query alone (path-style addresses)."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.http_wire import Request


@dataclass(frozen=True)
class Operation:
    """name: as S3's API reference calls it, or ``Preflight``; part_number: 0 where there is none."""

    name: str
    bucket: str = ""
    key: str = ""
    part_number: int = 0


_ON_BUCKET = {
    ("PUT", "cors"): "PutBucketCors",
    ("GET", "cors"): "GetBucketCors",
    ("PUT", "lifecycle"): "PutBucketLifecycleConfiguration",
    ("GET", "lifecycle"): "GetBucketLifecycleConfiguration",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "list-type"): "ListObjectsV2",
    ("PUT", ""): "CreateBucket",
    ("HEAD", ""): "HeadBucket",
    ("POST", ""): "PostObject",
}
_ON_OBJECT = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("GET", "uploadId"): "ListParts",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("PUT", ""): "PutObject",
    ("GET", ""): "GetObject",
    ("HEAD", ""): "HeadObject",
    ("DELETE", ""): "DeleteObject",
}


def operation_of(request: Request) -> Operation:
    """Never fails: what nobody knows is called ``Unknown``."""
    bucket, _, key = request.path.lstrip("/").partition("/")
    if request.method == "OPTIONS":
        return Operation("Preflight", bucket, key)
    query = request.query
    table = _ON_OBJECT if key else _ON_BUCKET
    marks = [mark for method, mark in table if method == request.method and mark and mark in query]
    name = table.get((request.method, marks[0] if marks else ""), "Unknown") if bucket else "ListBuckets"
    number = query.get("partNumber", "")
    return Operation(name, bucket, key, int(number) if number.isascii() and number.isdigit() else 0)
