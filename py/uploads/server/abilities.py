"""What the store at hand can do, found out by trying once after the start, in the background, and shown by `/healthz`.

Everything is tried on keys of the probe's own, below `{prefix}/.probe/`, which are removed. What could not be tried is
"unknown", and nothing waits for it. May talk to the store.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from uploads.server.profiles import PROFILES, Profile, recognise
from uploads.server.settings import Settings
from uploads.server.store import WHOLE_CHECKSUM, Credentials, make_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger("uploads.store")

Ability = bool | Literal["unknown"]
_BODY = b"what can you do?"
_WRONG = b"something else!!"
_MD5 = hashlib.md5(_BODY, usedforsecurity=False).hexdigest()
_CRC64, _WRONG_CRC64 = "5nvT1TOwfN8=", "2fbVf+SCVz8="  # of these two
_FAILURES = (ClientError, BotoCoreError, urllib3.exceptions.HTTPError)


class Abilities:
    """Of one store. Until the probe is through, and where it could not find out, what is known of its kind counts."""

    def __init__(self, settings: Settings) -> None:
        name = "seaweedfs" if settings.embedded else settings.profile
        self._is_told = name != "auto"
        self._profile = PROFILES[name] if self._is_told else recognise(settings.endpoint, {})
        self._found: dict[str, Ability] | None = None
        self._is_probing = False

    def begin(self, probe: Probe) -> None:
        """Find out in the background; what kind of store it is as well, unless that is set."""
        self._is_probing = True

        def run() -> None:
            try:
                if not self._is_told:
                    self._profile = probe.recognise()
                self._found = probe.run()
            except Exception as error:  # whatever a store answers, the server goes on
                log.warning("what the store can do could not be found out (%s)", type(error).__name__)
            finally:
                self._is_probing = False

        threading.Thread(target=run, name="abilities", daemon=True).start()

    def has(self, name: str) -> bool:
        """Whether the store has it, as far as anybody knows."""
        found = (self._found or {}).get(name, "unknown")
        return name not in self._profile.lacks if found == "unknown" else found

    def is_sure_of(self, name: str) -> bool:
        """Whether the store was seen to have it."""
        return (self._found or {}).get(name) is True

    def told(self) -> dict[str, object]:
        """What `/healthz` says."""
        state: object = "probing" if self._is_probing else self._found or "unknown"
        return {"profile": self._profile.name, "abilities": state}


class Probe:
    """Tries one thing after the other. Each is one method: its name and docstring say what is tried."""

    def __init__(self, settings: Settings, endpoint: str | None, credentials: Credentials | None) -> None:
        self._bucket = settings.bucket
        self._endpoint = endpoint
        self._origin = settings.page_origins[0]
        self._client: S3Client = make_client(settings, endpoint, credentials)
        self._http = urllib3.PoolManager(retries=False, timeout=10.0)
        self._folder = f"{settings.prefix}/.probe/{secrets.token_hex(8)}"

    def recognise(self) -> Profile:
        """What kind of store it is."""
        try:
            answered: Any = self._client.head_bucket(Bucket=self._bucket)["ResponseMetadata"]
        except ClientError as error:
            answered = error.response["ResponseMetadata"]
        return recognise(self._endpoint, answered.get("HTTPHeaders", {}))

    def run(self) -> dict[str, Ability]:
        """All of them. Raises nothing of the store's."""
        tries: dict[str, Callable[[], bool]] = {
            "lengths": self._lengths,
            "md5": self._md5,
            "checksums": self._checksums,
            "wholeChecksums": self._whole_checksums,
            "checksumExposed": self._checksum_exposed,
            "etagsAreMd5": self._etags_are_md5,
            "etagExposed": self._etag_exposed,
            "conditionalPut": self._conditional_put,
            "conditionalComplete": self._conditional_complete,
            "repeatedComplete": self._repeated_complete,
            "forms": self._forms,
        }
        found: dict[str, Ability] = {}
        for name, attempt in tries.items():
            try:
                found[name] = attempt()
            except _FAILURES:
                found[name] = "unknown"
        for name in ("object", "form", "big-form"):
            with suppress(*_FAILURES):
                self._client.delete_object(Bucket=self._bucket, Key=f"{self._folder}/{name}")
        return found

    @contextmanager
    def _upload(self, name: str = "upload", **more: Any) -> Iterator[dict[str, Any]]:
        """An upload of the probe's own, which is aborted."""
        place: dict[str, Any] = {"Bucket": self._bucket, "Key": f"{self._folder}/{name}"}
        place["UploadId"] = self._client.create_multipart_upload(**place, **more)["UploadId"]
        try:
            yield place
        finally:
            with suppress(*_FAILURES):
                self._client.abort_multipart_upload(**place)

    def _refuses(self, call: Callable[[], object]) -> bool:
        """Whether it is refused as something wrong: a failure of the store's own says nothing."""
        try:
            call()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise
            return True
        return False

    def _put(self, url: str, body: bytes, headers: dict[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        return self._http.request("PUT", url, body=body, headers=headers or {})

    def _url(self, place: dict[str, Any], **more: Any) -> str:
        params = {**place, "PartNumber": 1, **more}
        return self._client.generate_presigned_url("upload_part", Params=params, ExpiresIn=60)

    def _lengths(self) -> bool:
        """A part of another length than was signed is refused."""
        with self._upload() as place:
            url = self._url(place, ContentLength=len(_BODY))
            return self._put(url, _BODY).status == 200 and 400 <= self._put(url, _BODY + b"!").status < 500

    def _md5(self) -> bool:
        """A part with a wrong Content-MD5 is refused."""
        wrong = base64.b64encode(hashlib.md5(_WRONG, usedforsecurity=False).digest()).decode()
        with self._upload() as place:
            return self._refuses(
                lambda: self._client.upload_part(**place, PartNumber=1, Body=_BODY, ContentMD5=wrong)
            )

    def _checksums(self) -> bool:
        """A part with a wrong SHA-256 is refused, and one with the right one is taken."""
        right, wrong = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (_BODY, _WRONG))

        def put(checksum: str) -> object:
            return self._client.upload_part(**place, PartNumber=1, Body=_BODY, ChecksumSHA256=checksum)

        with self._upload() as place:
            return not self._refuses(lambda: put(right)) and self._refuses(lambda: put(wrong))

    def _whole_checksums(self) -> bool:
        """The CRC-64/NVME of the whole object is kept, and a wrong one is refused at Complete."""
        kind = {"ChecksumType": "FULL_OBJECT"}
        with self._upload("object", **WHOLE_CHECKSUM) as place:
            etag = self._send(place)
            if not self._refuses(lambda: self._complete(place, etag, ChecksumCRC64NVME=_WRONG_CRC64, **kind)):
                return False
            self._complete(place, etag, ChecksumCRC64NVME=_CRC64, **kind)
            kept = self._client.head_object(
                Bucket=self._bucket, Key=f"{self._folder}/object", ChecksumMode="ENABLED"
            )
            return kept.get("ChecksumCRC64NVME") == _CRC64

    def _checksum_exposed(self) -> bool:
        """A page may read the CRC-64/NVME of the part that has arrived."""
        with self._upload(**WHOLE_CHECKSUM) as place:
            answer = self._put(self._url(place), _BODY, {"Origin": self._origin})
            exposed = answer.headers.get("Access-Control-Expose-Headers", "").lower()
            is_open = "x-amz-checksum-crc64nvme" in exposed or exposed.strip() == "*"
            return is_open and answer.headers.get("x-amz-checksum-crc64nvme") == _CRC64

    def _etags_are_md5(self) -> bool:
        """A part's ETag is the MD5 of its bytes."""
        with self._upload() as place:
            etag = self._send(place)
            return etag.strip('"').lower() == _MD5

    def _etag_exposed(self) -> bool:
        """A page may read the ETag of what it has sent."""
        with self._upload() as place:
            answer = self._put(self._url(place), _BODY, {"Origin": self._origin})
            exposed = answer.headers.get("Access-Control-Expose-Headers", "").lower()
            return answer.status == 200 and ("etag" in exposed or exposed.strip() == "*")

    def _conditional_put(self) -> bool:
        """`If-None-Match: *` keeps an object from being replaced."""
        place: dict[str, Any] = {"Bucket": self._bucket, "Key": f"{self._folder}/object", "Body": _BODY}
        self._client.put_object(**place)
        return self._refuses(lambda: self._client.put_object(**place, IfNoneMatch="*"))

    def _send(self, place: dict[str, Any]) -> str:
        """A part; its ETag."""
        return self._client.upload_part(**place, PartNumber=1, Body=_BODY)["ETag"]

    def _complete(self, place: dict[str, Any], etag: str, **more: Any) -> object:
        parts: Any = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        return self._client.complete_multipart_upload(**place, MultipartUpload=parts, **more)

    def _conditional_complete(self) -> bool:
        """The same at Complete."""
        self._client.put_object(Bucket=self._bucket, Key=f"{self._folder}/object", Body=_BODY)
        with self._upload("object") as place:
            etag = self._send(place)
            return self._refuses(lambda: self._complete(place, etag, IfNoneMatch="*"))

    def _repeated_complete(self) -> bool:
        """Complete is answered alike when it comes twice."""
        with self._upload("object") as place:
            etag = self._send(place)
            self._complete(place, etag)
            return not self._refuses(lambda: self._complete(place, etag))

    def _forms(self) -> bool:
        """A POST policy is taken, and what is longer than it says is refused."""

        def post(name: str, body: bytes) -> int:
            most: list[Any] = [["content-length-range", 0, len(_BODY)]]
            key = f"{self._folder}/{name}"
            form = self._client.generate_presigned_post(
                Bucket=self._bucket, Key=key, Conditions=most, ExpiresIn=60
            )
            fields = {**form["fields"], "file": ("file", body)}
            return self._http.request("POST", form["url"], fields=fields).status

        return 200 <= post("form", _BODY) < 300 and 400 <= post("big-form", _BODY + b"!") < 500
