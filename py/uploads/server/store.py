"""The S3 store as the server sees it: calls of its own, and signed URLs for browsers.

Two sorts of clients, since the server may reach the store at another address than browsers do. Their calls are never
repeated behind our back: whoever asked decides. May talk to the store; keeps nothing.
"""

from __future__ import annotations

import binascii
import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from uploads.server.presigner import Presigner
from uploads.server.problems import invalid
from uploads.server.settings import Settings
from uploads.server.unpacking import LEAST_PACKED, unpack_head

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PartTypeDef

log = logging.getLogger("uploads.store")

PROOF = "upload-proof"  # the metadata that says whose an object is
_METADATA = "x-amz-meta-"
_ENCODING = "Content-Encoding"
_METADATA_LIMIT = 1900  # bytes; S3 takes 2 KB in all, ours included
_EXAMPLE = "example"
_COMPLETE_LIMIT = 900  # seconds; a store may take minutes to assemble an object


WHOLE_CHECKSUM: Final = {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"}
"""What Create says so that the store keeps the CRC-64/NVME of the whole object, and tells that of each part it gets."""


@dataclass(frozen=True)
class Credentials:
    """Keys for one identity; `None` in place of this means the usual chain of AWS."""

    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Found:
    """An object that is there. `size` in bytes; `etag` without quotes, no checksum where `is_opaque`.

    crc64nvme: of all its bytes, in base64, where the store keeps it and was asked for it; "".
    """

    size: int
    etag: str
    proof: str
    is_opaque: bool = False
    content_type: str = ""
    disposition: str = ""
    modified: datetime | None = None
    crc64nvme: str = ""


@dataclass(frozen=True)
class Created:
    """An upload that was begun. `is_opaque`: its ETags will say nothing of its bytes."""

    s3_upload_id: str
    is_opaque: bool


def make_session(settings: Settings, credentials: Credentials | None) -> boto3.session.Session:
    """Who asks, and in which region."""
    keys: dict[str, Any] = {}
    if credentials:
        keys = {"aws_access_key_id": credentials.access_key, "aws_secret_access_key": credentials.secret_key}
    return boto3.session.Session(**keys, region_name=settings.region)


def make_client(
    settings: Settings, endpoint: str | None, credentials: Credentials | None, *, read_timeout: float = 30
) -> S3Client:
    """A client for one endpoint: SigV4, no repeats, no checksums nobody asked for. Time-outs in seconds."""
    addressing = settings.addressing
    if addressing == "auto":
        host = urlsplit(endpoint).hostname if endpoint else None
        addressing = "virtual" if host is None or host.endswith(".amazonaws.com") else "path"
    on_this_machine = endpoint is not None and urlsplit(endpoint).hostname in {
        "127.0.0.1",
        "::1",
        "localhost",
    }
    config = Config(
        signature_version="s3v4",
        proxies={}
        if on_this_machine
        else None,  # the environment's proxy cannot know what is on loopback here
        s3={"addressing_style": addressing, "us_east_1_regional_endpoint": "regional"},
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=5,
        read_timeout=read_timeout,
        max_pool_connections=50,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return make_session(settings, credentials).client("s3", endpoint_url=endpoint, config=config)


class Store:
    """One bucket of one S3 store."""

    def __init__(
        self, settings: Settings, endpoint: str | None, credentials: Credentials | None = None
    ) -> None:
        self.bucket = settings.bucket
        self._expiry = settings.url_expiry
        self._client = make_client(settings, endpoint, credentials)
        self._patient = make_client(settings, endpoint, credentials, read_timeout=_COMPLETE_LIMIT)
        self._signer = make_client(settings, settings.public_endpoint or endpoint, credentials)
        example = self.sign_get(_EXAMPLE)  # raises NoCredentialsError where there are none
        chain = make_session(settings, credentials).get_credentials()
        assert chain is not None, "botocore has just signed with them"
        self._presigner = Presigner(
            example, _EXAMPLE, self._signer.meta.region_name, chain.get_frozen_credentials
        )

    @property
    def origin(self) -> str:
        """Where browsers reach the bucket: `scheme://host[:port]`."""
        parts = urlsplit(self.sign_get("origin"))
        return f"{parts.scheme}://{parts.netloc}"

    def watch(self, watcher: Callable[[S3Client], None]) -> None:
        """Let somebody look at the clients that call the store."""
        for client in (self._client, self._patient):
            watcher(client)

    def check(self) -> None:
        """Raise botocore's error unless the bucket can be reached."""
        self._client.head_bucket(Bucket=self.bucket)

    def create(
        self,
        key: str,
        content_type: str,
        disposition: str,
        metadata: dict[str, str],
        encoding: str = "",
        *,
        with_checksum: bool = False,
    ) -> Created:
        """Start a multipart upload. `with_checksum`: the store is to keep the CRC-64/NVME of the whole object."""
        more: Any = dict(WHOLE_CHECKSUM) if with_checksum else {}
        if encoding:
            more["ContentEncoding"] = encoding
        answer = self._client.create_multipart_upload(
            Bucket=self.bucket,
            Key=key,
            ContentType=content_type,
            ContentDisposition=disposition,
            Metadata=metadata,
            **more,
        )
        return Created(answer["UploadId"], has_opaque_etags(answer))

    def sign_parts(self, key: str, s3_upload_id: str, lengths: Mapping[int, int | None]) -> dict[int, str]:
        """URLs for parts by number, each good for exactly so many bytes where its length is known."""
        return self._presigner.sign_parts(key, s3_upload_id, lengths, self._expiry)

    def sign_get(self, key: str) -> str:
        """A URL that downloads the object."""
        params = {"Bucket": self.bucket, "Key": key}
        return self._signer.generate_presigned_url("get_object", Params=params, ExpiresIn=self._expiry)

    def sign_put(self, key: str, headers: Mapping[str, str], length: int) -> str:
        """A URL that stores an object of exactly so many bytes, sent with exactly these headers (`object_headers`)."""
        metadata = {
            name.removeprefix(_METADATA): value
            for name, value in headers.items()
            if name.startswith(_METADATA)
        }
        encoded = {"ContentEncoding": headers[_ENCODING]} if _ENCODING in headers else {}
        params = {
            **encoded,
            "Bucket": self.bucket,
            "Key": key,
            "ContentType": headers["Content-Type"],
            "ContentDisposition": headers["Content-Disposition"],
            "ContentLength": length,
            "Metadata": metadata,
        }
        return self._signer.generate_presigned_url("put_object", Params=params, ExpiresIn=self._expiry)

    def sign_form(self, key: str, fields: dict[str, str], low: int, high: int) -> tuple[str, dict[str, str]]:
        """A POST policy: the address and the form's fields, for a file of `low` to `high` bytes."""
        fields = {**fields, "success_action_status": "201"}
        conditions: list[Any] = [{name: value} for name, value in fields.items()]
        conditions.append(["content-length-range", low, high])
        form = self._signer.generate_presigned_post(
            Bucket=self.bucket, Key=key, Fields=dict(fields), Conditions=conditions, ExpiresIn=self._expiry
        )
        return form["url"], form["fields"]

    def list_parts(self, key: str, s3_upload_id: str) -> list[PartTypeDef]:
        """All parts that the store has, sorted; a part that it lists twice is here twice."""
        found: list[PartTypeDef] = []
        marker = 0
        while True:
            page = self._client.list_parts(
                Bucket=self.bucket, Key=key, UploadId=s3_upload_id, PartNumberMarker=marker
            )
            found += page.get("Parts", [])
            following = int(page.get("NextPartNumberMarker") or 0)
            if not page.get("IsTruncated") or following <= marker:
                break
            marker = following
        unique = {(part["PartNumber"], part["ETag"], part["Size"]): part for part in found}
        return [unique[name] for name in sorted(unique)]

    def list_uploads(self, prefix: str) -> Iterator[tuple[str, str, datetime]]:
        """Open uploads below `prefix`: key, S3 upload id, time of start. Stops where a store's paging turns in circles."""
        seen: set[str] = set()
        markers: dict[str, str] = {}
        while True:
            page = self._client.list_multipart_uploads(Bucket=self.bucket, Prefix=prefix, **markers)  # type: ignore[arg-type]
            fresh = [upload for upload in page.get("Uploads", []) if upload["UploadId"] not in seen]
            for upload in fresh:
                seen.add(upload["UploadId"])
                if upload["Key"].startswith(prefix):
                    yield upload["Key"], upload["UploadId"], upload["Initiated"]
            if not page.get("IsTruncated") or not fresh:
                return
            markers = {
                "KeyMarker": page.get("NextKeyMarker", ""),
                "UploadIdMarker": page.get("NextUploadIdMarker", ""),
            }

    def bytes_since(self, prefix: str, start: datetime) -> int:
        """The bytes of all objects below `prefix` that were stored since `start`."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return sum(
            found["Size"]
            for page in pages
            for found in page.get("Contents", [])
            if found["LastModified"] >= start
        )

    def write(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        """Store an object of the server's own."""
        self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def read(self, key: str, chunk: int) -> Iterator[bytes]:
        """All of an object, `chunk` bytes at a time. Raises botocore's errors, also for one that is cut short."""
        body = self._patient.get_object(Bucket=self.bucket, Key=key)["Body"]
        try:
            yield from body.iter_chunks(chunk)
        finally:
            body.close()

    def keys_untouched_since(self, prefix: str, before: float) -> list[str]:
        """The keys below `prefix` that were stored before that time, in seconds since the epoch."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [
            found["Key"]
            for page in pages
            for found in page.get("Contents", [])
            if found["LastModified"].timestamp() <= before
        ]

    def read_head(self, key: str, length: int) -> bytes:
        """The first bytes of an object, at most `length`; unpacked, if they are packed as whoever fetches it is told."""
        content, encoding = self._read(key, length)
        if LEAST_PACKED.get(encoding, 0) > length == len(content):
            content, _ = self._read(key, LEAST_PACKED[encoding])
        return unpack_head(content, encoding, length)

    def _read(self, key: str, length: int) -> tuple[bytes, str]:
        """The first bytes of an object as they are stored, at most `length`, and its `Content-Encoding`."""
        answer = self._client.get_object(Bucket=self.bucket, Key=key, Range=f"bytes=0-{length - 1}")
        body = answer["Body"]
        try:
            return bytes(body.read()), answer.get("ContentEncoding", "")
        finally:
            body.close()

    def is_open(self, key: str, s3_upload_id: str) -> bool:
        """Whether the store still knows the upload."""
        try:
            self._client.list_parts(Bucket=self.bucket, Key=key, UploadId=s3_upload_id, MaxParts=1)
        except ClientError as error:
            if is_gone(error):
                return False
            raise
        return True

    def complete(
        self, key: str, s3_upload_id: str, parts: Sequence[tuple[int, str]], crc64nvme: str = ""
    ) -> None:
        """Assemble the object from parts (number, ETag without quotes), in order.

        crc64nvme: what the store is to compare the whole with, in base64, or "". botocore's `BadDigest` if it differs.
        """
        more: Any = {"ChecksumCRC64NVME": crc64nvme, "ChecksumType": "FULL_OBJECT"} if crc64nvme else {}
        self._patient.complete_multipart_upload(
            Bucket=self.bucket,
            Key=key,
            UploadId=s3_upload_id,
            MultipartUpload={
                "Parts": [{"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in parts]
            },
            **more,
        )

    def abort(self, key: str, s3_upload_id: str) -> None:
        """End an upload for good; one that is gone already is fine."""
        try:
            self._client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=s3_upload_id)
        except ClientError as error:
            if not is_gone(error):
                raise

    def delete(self, key: str) -> None:
        """Remove an object; one that is gone already is fine."""
        self._client.delete_object(Bucket=self.bucket, Key=key)

    def head(self, key: str, *, with_checksum: bool = False) -> Found | None:
        """The object at `key`, if there is one; with the checksum that the store keeps of it, if that is wanted."""
        more: Any = {"ChecksumMode": "ENABLED"} if with_checksum else {}
        try:
            answer = self._client.head_object(Bucket=self.bucket, Key=key, **more)
        except ClientError as error:
            if is_gone(error):
                return None
            raise
        metadata = {name.lower(): value for name, value in answer["Metadata"].items()}
        return Found(
            answer["ContentLength"],
            answer["ETag"].strip('"'),
            metadata.get(PROOF, ""),
            has_opaque_etags(answer),
            answer.get("ContentType", ""),
            answer.get("ContentDisposition", ""),
            answer.get("LastModified"),
            answer.get("ChecksumCRC64NVME", ""),
        )


def has_opaque_etags(answer: Mapping[str, Any]) -> bool:
    """Whether what a store answers is of an object whose ETags look like MD5s and are none.

    Source: Amazon S3 API Reference, "Object: ETag": encryption with keys of KMS (SSE-KMS) or of the customer (SSE-C).
    """
    return (
        str(answer.get("ServerSideEncryption", "")).startswith("aws:kms") or "SSECustomerAlgorithm" in answer
    )


def is_gone(error: ClientError) -> bool:
    """Whether a store says that there is no such upload or object (each says it in its own way)."""
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    if code == "NoSuchBucket":
        return False
    return code in {"NoSuchUpload", "NoSuchKey", "404"} or answer["ResponseMetadata"]["HTTPStatusCode"] == 404


def assembled_etag(etags: Sequence[str]) -> str | None:
    """What S3 calls an object assembled from these parts, `md5(md5s)-N`; `None` unless all ETags are MD5s."""
    if not all(re.fullmatch(r"[0-9a-f]{32}", etag) for etag in etags):
        return None
    try:
        together = b"".join(binascii.unhexlify(etag) for etag in etags)
    except binascii.Error:  # pragma: no cover - excluded by the pattern above
        return None
    return f"{hashlib.md5(together, usedforsecurity=False).hexdigest()}-{len(etags)}"


def contradicts(etag: str, expected: str | None) -> bool:
    """Whether an object's ETag shows other bytes than `expected`. One of another kind (encrypted) shows nothing."""
    return bool(expected and re.fullmatch(r"[0-9a-f]{32}(-\d+)?", etag) and etag != expected)


def object_headers(
    content_type: str, disposition: str, proof: str, metadata: Mapping[str, str], encoding: str = ""
) -> dict[str, str]:
    """What an object carries that is sent by one request: as headers of a PUT, or as fields of a form."""
    return {
        **({_ENCODING: encoding} if encoding else {}),
        "Content-Type": content_type,
        "Content-Disposition": disposition,
        **{_METADATA + name: value for name, value in metadata.items()},
        _METADATA + PROOF: proof,
    }


def as_metadata(values: dict[str, str]) -> dict[str, str]:
    """S3's user metadata from an application's: names in lower case, other scripts as RFC 2047. Raises `Problem`."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", name) or name.lower() == PROOF:
            raise invalid("metadata: names have letters, digits, '.', '-' and '_'")
        plain = "".join(char if char.isprintable() else " " for char in value).strip()
        found[name.lower()] = plain if plain.isascii() else Header(plain, "utf-8", maxlinelen=10_000).encode()
    if sum(len(name) + len(value) for name, value in found.items()) > _METADATA_LIMIT:
        raise invalid(f"metadata: at most {_METADATA_LIMIT} bytes in all")
    return found
