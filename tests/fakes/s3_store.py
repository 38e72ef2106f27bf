"""A little S3 store: real HTTP, real signatures, real CORS, its bytes in memory. ``FakeStore`` serves one.

It follows Amazon's S3 API reference, or a ``Dialect``; ``serve.py`` can use it as any other store, and botocore is
its client in ``tests/stores/test_fake_store.py``, where SeaweedFS is held to the same. It can go wrong by script: see
``tests.fakes.fault_server`` and ``tests.fakes.faults``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

from tests.fakes.fault_server import FaultServer
from tests.fakes.http_wire import Request, Response
from tests.fakes.s3_bucket import AMAZON, Bucket, Dialect, StoredObject, crc64nvme
from tests.fakes.s3_cors import cors_headers, preflight, read_rules
from tests.fakes.s3_errors import S3Error
from tests.fakes.s3_names import Operation
from tests.fakes.s3_signatures import check
from tests.fakes.s3_xml import completed_parts, document, error_body, moment

KEPT_HEADERS = (
    "content-type",
    "content-disposition",
    "content-encoding",
    "content-language",
    "cache-control",
)
_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "content-md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
    "x-amz-checksum-crc32": lambda body: binascii.crc32(body).to_bytes(4, "big"),
    "x-amz-checksum-crc64nvme": lambda body: base64.b64decode(crc64nvme(body)),
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
}
_WISHES = ("x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode")
_CRC64 = "x-amz-checksum-crc64nvme"
KEYS = {"AKIAFAKEFAKEFAKEFAKE": "fake+secret/of+the+store+that+is+made+up"}


class S3Store:
    """The backend of a ``FaultServer``. secrets: by access key; clock: seconds of the store's own date."""

    def __init__(self, dialect: Dialect = AMAZON, secrets: dict[str, str] | None = None) -> None:
        self.dialect = dialect
        self.secrets = secrets or dict(KEYS)
        self.buckets: dict[str, Bucket] = {}
        self.clock: Callable[[], float] = time.time
        self._requests = itertools.count(1)

    async def answer(self, request: Request, operation: Operation, body: AsyncIterator[bytes]) -> Response:
        """See ``Backend.answer``."""
        request.body = b"".join([block async for block in body])
        request_id = f"FAKE{next(self._requests):012}"
        try:
            response = self._answer(request, operation)
        except S3Error as error:
            response = Response(error.status, {}, error_body(error.code, error.message, request_id))
        if response.body and "content-type" not in response.headers:
            response.headers["Content-Type"] = "application/xml"
        told = {"x-amz-request-id": request_id, **self.cors_headers(request, operation)}
        if self._encrypts(operation) and response.status < 300:
            told["x-amz-server-side-encryption"] = "aws:kms"
        return Response(response.status, told | response.headers, response.body)

    def _encrypts(self, operation: Operation) -> bool:
        bucket = self.buckets.get(operation.bucket)
        return bool(operation.key and bucket and bucket.dialect.opaque_etags)

    def cors_headers(self, request: Request, operation: Operation | None = None) -> dict[str, str]:
        """See ``Backend.cors_headers``."""
        name = operation.bucket if operation else request.path.lstrip("/").partition("/")[0]
        bucket = self.buckets.get(name)
        return cors_headers(bucket.cors or [], request) if bucket else {}

    def _answer(self, request: Request, operation: Operation) -> Response:
        if operation.name == "Preflight":
            bucket = self.buckets.get(operation.bucket)
            return preflight(bucket.cors if bucket else None, request)
        check(request, self.secrets, self.clock())
        if operation.name != "CompleteMultipartUpload":  # whose checksum is the object's
            self._check_digests(request)
        if operation.name == "CreateBucket":
            self.buckets.setdefault(operation.bucket, Bucket(self.dialect))
            return Response(200, {"Location": f"/{operation.bucket}"})
        if operation.bucket not in self.buckets:
            raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist")
        handler = _HANDLERS.get(operation.name)
        if handler is None:
            raise S3Error(501, "NotImplemented", "A header or query you provided is not implemented.")
        return handler(self, request, operation, self.buckets[operation.bucket])

    def _check_digests(self, request: Request) -> None:
        for name, value in request.headers.items():
            if name != "content-md5" and not name.startswith("x-amz-checksum-"):
                continue
            if name != "content-md5" and self.dialect.checksums == "ignore":
                continue
            if name in _WISHES and self.dialect.checksums == "verify":
                continue
            if name not in _DIGESTS or (name != "content-md5" and self.dialect.checksums == "refuse"):
                raise S3Error(
                    400, "InvalidArgument", f"Unsupported header '{name}' received for this API call."
                )
            if base64.b64encode(_DIGESTS[name](request.body)).decode() != value:
                raise S3Error(
                    400, "BadDigest", "The Content-MD5 or checksum value that you specified did not match"
                )

    # The bucket itself.

    def _head_bucket(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        return Response()

    def _put_cors(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        bucket.cors = read_rules(request.body)
        return self._put_document(request, operation, bucket)

    def _put_document(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        bucket.documents[operation.name.removeprefix("Put")] = request.body
        return Response()

    def _get_document(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        content = bucket.documents.get(operation.name.removeprefix("Get"))
        if content is None:
            code = "NoSuchCORSConfiguration" if "Cors" in operation.name else "NoSuchLifecycleConfiguration"
            raise S3Error(404, code, "The configuration does not exist")
        return Response(200, {}, content)

    def _list_objects(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        query = request.query
        prefix, limit = query.get("prefix", ""), int(query.get("max-keys", 1000))
        after = query.get("continuation-token", query.get("start-after", ""))
        found = [key for key in sorted(bucket.objects) if key.startswith(prefix) and key > after]
        page = found[:limit]
        encode = quote if query.get("encoding-type") == "url" else str
        contents = [
            {
                "Key": encode(key),
                "LastModified": moment(bucket.objects[key].modified),
                "ETag": f'"{bucket.objects[key].etag}"',
                "Size": bucket.objects[key].size,
                "StorageClass": "STANDARD",
            }
            for key in page
        ]
        more = len(found) > len(page)
        fields: dict[str, Any] = {
            "Name": operation.bucket,
            "Prefix": encode(prefix),
            "KeyCount": len(page),
            "MaxKeys": limit,
            "EncodingType": query.get("encoding-type"),
            "IsTruncated": more,
            "NextContinuationToken": page[-1] if more else None,
            "Contents": contents,
        }
        return Response(200, {}, document("ListBucketResult", **fields))

    def _list_uploads(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        query = request.query
        prefix, limit = query.get("prefix", ""), int(query.get("max-uploads", 1000))
        after = (query.get("key-marker", ""), query.get("upload-id-marker", ""))
        found = sorted((upload.key, upload.upload_id, upload.started) for upload in bucket.open_uploads())
        found = [upload for upload in found if upload[0].startswith(prefix) and upload[:2] > after]
        page, more = found[:limit], len(found) > limit
        uploads = [
            {"Key": key, "UploadId": upload_id, "Initiated": moment(started)}
            for key, upload_id, started in page
        ]
        fields: dict[str, Any] = {
            "Bucket": operation.bucket,
            "Prefix": prefix,
            "NextKeyMarker": page[-1][0] if more else None,
            "NextUploadIdMarker": page[-1][1] if more else None,
            "MaxUploads": limit,
            "IsTruncated": more,
            "Upload": uploads,
        }
        return Response(200, {}, document("ListMultipartUploadsResult", **fields))

    # Objects.

    def _put_object(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        if request.headers.get("if-none-match") == "*" and operation.key in bucket.objects:
            raise S3Error(412, "PreconditionFailed", "At least one of the pre-conditions did not hold")
        etag = bucket.put(operation.key, request.body, _kept(request), self.clock())
        return Response(200, {"ETag": f'"{etag}"'})

    def _get_object(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        found = bucket.find(operation.key)
        headers = _object_headers(found)
        wanted = request.headers.get("range", "").removeprefix("bytes=").partition("-")
        if not wanted[1]:
            return Response(200, headers, found.bytes())
        first = int(wanted[0]) if wanted[0] else max(0, found.size - int(wanted[2]))
        last = min(found.size - 1, int(wanted[2]) if wanted[0] and wanted[2] else found.size - 1)
        if first > last:
            raise S3Error(416, "InvalidRange", "The requested range is not satisfiable")
        headers["Content-Range"] = f"bytes {first}-{last}/{found.size}"
        return Response(206, headers, found.bytes()[first : last + 1])

    def _head_object(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        found = bucket.find(operation.key)
        headers = {**_object_headers(found), "Content-Length": str(found.size)}
        if found.crc64nvme and request.headers.get("x-amz-checksum-mode") == "ENABLED":
            headers |= {_CRC64: found.crc64nvme, "x-amz-checksum-type": "FULL_OBJECT"}
        return Response(200, headers)

    def _delete_object(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        bucket.objects.pop(operation.key, None)
        return Response(204)

    # Multipart uploads.

    def _create(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        wanted = tuple(request.headers.get(f"x-amz-checksum-{name}") for name in ("algorithm", "type"))
        keeps_checksum = wanted == ("CRC64NVME", "FULL_OBJECT")
        upload_id = bucket.create(operation.key, _kept(request), self.clock(), keeps_checksum=keeps_checksum)
        fields = {"Bucket": operation.bucket, "Key": operation.key, "UploadId": upload_id}
        return Response(200, {}, document("InitiateMultipartUploadResult", **fields))

    def _put_part(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        upload_id = request.query["uploadId"]
        part = bucket.put_part(
            operation.key,
            upload_id,
            operation.part_number,
            request.body,
            self.clock(),
            request.tamper,
        )
        headers = {"ETag": f'"{part.etag}"'}
        if bucket.upload(operation.key, upload_id).keeps_checksum:
            headers[_CRC64] = crc64nvme(part.content)
        return Response(200, headers)

    def _list_parts(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        query = request.query
        after, limit = int(query.get("part-number-marker", 0)), int(query.get("max-parts", 1000))
        limit = min(bucket.dialect.list_page, limit)
        page, more = bucket.listed(operation.key, query["uploadId"], after, limit)
        parts = [
            {
                "PartNumber": part.number,
                "LastModified": moment(part.modified),
                "ETag": f'"{part.etag}"',
                "Size": len(part.content),
            }
            for part in page
        ]
        fields: dict[str, Any] = {
            "Bucket": operation.bucket,
            "Key": operation.key,
            "UploadId": query["uploadId"],
            "PartNumberMarker": after,
            "NextPartNumberMarker": page[-1].number if page else 0,
            "MaxParts": limit,
            "IsTruncated": more,
            "Part": parts,
        }
        return Response(200, {}, document("ListPartsResult", **fields))

    def _complete(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        made = bucket.complete(
            operation.key,
            request.query["uploadId"],
            completed_parts(request.body),
            self.clock(),
            fresh=request.headers.get("if-none-match") == "*",
            lacking=request.tamper.get("lacking", 0),
            checksum=request.headers.get(_CRC64, ""),
        )
        fields = {"Bucket": operation.bucket, "Key": operation.key, "ETag": f'"{made.etag}"'}
        return Response(200, {}, document("CompleteMultipartUploadResult", **fields))

    def _abort(self, request: Request, operation: Operation, bucket: Bucket) -> Response:
        return Response(bucket.abort(operation.key, request.query["uploadId"]))


_HANDLERS: dict[str, Callable[[S3Store, Request, Operation, Bucket], Response]] = {
    "HeadBucket": S3Store._head_bucket,
    "PutBucketCors": S3Store._put_cors,
    "GetBucketCors": S3Store._get_document,
    "PutBucketLifecycleConfiguration": S3Store._put_document,
    "GetBucketLifecycleConfiguration": S3Store._get_document,
    "ListObjectsV2": S3Store._list_objects,
    "ListMultipartUploads": S3Store._list_uploads,
    "PutObject": S3Store._put_object,
    "GetObject": S3Store._get_object,
    "HeadObject": S3Store._head_object,
    "DeleteObject": S3Store._delete_object,
    "CreateMultipartUpload": S3Store._create,
    "UploadPart": S3Store._put_part,
    "ListParts": S3Store._list_parts,
    "CompleteMultipartUpload": S3Store._complete,
    "AbortMultipartUpload": S3Store._abort,
}


def _kept(request: Request) -> dict[str, str]:
    """The headers that S3 keeps with an object."""
    return {
        name: value
        for name, value in request.headers.items()
        if name in KEPT_HEADERS or name.startswith("x-amz-meta-")
    }


def _object_headers(found: StoredObject) -> dict[str, str]:
    modified = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(found.modified))
    headers = {
        "ETag": f'"{found.etag}"',
        "Last-Modified": modified,
        "Accept-Ranges": "bytes",
        **found.headers,
    }
    if "content-type" not in headers:
        headers["content-type"] = "binary/octet-stream"
    return headers


class FakeStore(FaultServer):
    """An ``S3Store`` behind its ``FaultServer``. Use as an asynchronous context manager."""

    def __init__(self, dialect: Dialect = AMAZON) -> None:
        self.store = S3Store(dialect)
        super().__init__(self.store)

    async def __aenter__(self) -> FakeStore:
        await super().__aenter__()
        return self
