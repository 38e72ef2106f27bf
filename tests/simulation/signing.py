"""The signing server as ``py/uploads/server/signing.py`` answers, in front of the bucket in memory.

Everything here happens at once. The signed URLs carry a recognisable secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from upload_engine.core.checksums import multipart_etag
from upload_engine.core.parts import count_parts, part_range
from upload_engine.interfaces import ApiRequest, HttpResponse

from tests.simulation.bucket import Bucket, Multipart, Object, Refusal, etag_of
from tests.simulation.virtual_time import DATE

SECRET = "S3CRET"
"""Part of everything that must never be told: signatures, keys, the store's own explanations."""

ME = "me"
"""The user of the runs."""

BUSY = {"SlowDown", "ServiceUnavailable"}
PASSING = {"InternalError", "RequestTimeout", "OperationAborted"}


def call_kind(request: ApiRequest) -> str:
    """What a call is about, in one word."""
    path = request.path.partition("?")[0]
    if path in ("/s3/multipart", "/s3/objects"):
        return "create"
    if path == "/s3/objects/complete":
        return "complete"
    if path.startswith("/s3/multipart/"):
        tail = path.split("/")[4:]
        if tail:
            return {"batch": "sign"}.get(tail[0], tail[0])
        return "abort" if request.method == "DELETE" else "list"
    return {"/healthz": "probe", "/s3/uploads": "who"}.get(path, "guest")


def is_about_many(request: ApiRequest) -> bool:
    """Whether it is a call about several small files."""
    return request.path.startswith("/s3/objects")


def count_uploads(request: ApiRequest) -> int:
    """How many uploads a call is about."""
    return len(next(iter(request.json.values()))) if is_about_many(request) else 1


class SigningServer:
    """``cookie`` is the user that the browser's cookie names, ``new_guest`` whether it is a newcomer's; ``small_files``: bytes up

    to which files are taken whole; ``refused``: the names of those that are not taken at all.
    """

    def __init__(
        self, bucket: Bucket, clock: Callable[[], float], url_lifetime: float, rng: random.Random
    ) -> None:
        self.bucket = bucket
        self.cookie, self.new_guest = ME, True
        self.with_checksums = False
        self.small_files = 0
        self.refused: set[str] = set()
        self.credentials_since = float("-inf")
        self._clock = clock
        self._url_lifetime = url_lifetime
        self._rng = rng

    @property
    def is_me(self) -> bool:
        """Whether the user of the runs is the one who is signed in."""
        return self.cookie == ME

    def answer(self, request: ApiRequest, mishap: str = "") -> HttpResponse:
        """``mishap``: what the bucket is to do wrong at Complete."""
        kind = call_kind(request)
        if kind in ("probe", "who"):
            body = {"status": "ok"} if kind == "probe" else self._who()
            return answer_json(body)
        if kind == "guest":
            return self._guest(request)
        if request.path == "/s3/objects":
            return self._create_whole(request.json["files"])
        if request.path == "/s3/objects/complete":
            return self._complete_whole(request.json["uploads"])
        if kind == "create":
            return self._create(request.json)
        url = urlsplit(request.path)
        upload_id = unquote(url.path.split("/")[3])
        upload, token = self.read(upload_id)
        if not upload.key.startswith(f"u/{self.cookie}/"):
            return problem(404, "NoSuchUpload")
        try:
            if kind == "sign":
                query = parse_qs(url.query)
                numbers = query["partNumbers"][0].split(",")
                with_checksums = self.with_checksums and query.get("checksums") != ["none"]
                signed = self._signed(
                    upload,
                    "presignedUrls",
                    numbers,
                    sized="~" not in upload_id,
                    with_checksums=with_checksums,
                )
                return answer_json(signed)
            if kind == "list":
                return self._list(upload)
            if kind == "status":
                return self._status(upload, token)
            if kind == "complete":
                given = sorted(row["PartNumber"] for row in request.json["parts"])
                last = count_parts(upload.size, upload.part_size)
                if "~" not in upload_id and given != list(range(1, last + 1)):
                    return problem(422, "BadParts")
                return self._complete(upload, token, request.json, mishap)
            return self._abort(upload, token)
        except Refusal as refusal:
            return problem(refusal.status, refusal.code)

    def read(self, upload_id: str) -> tuple[Multipart, str]:
        """The upload behind an id, and the token by which its object is known.

        An upload that was found again by its key has another id; at a key that the app chose it has no token then.
        """
        name, _, found_again = upload_id.partition("~")
        upload = self.bucket.uploads[name]
        return upload, "" if found_again == "chosen" else upload.token

    def _who(self) -> dict[str, Any]:
        """Who it is, and what they have open."""
        rows = [
            {
                "uploadId": f"{upload.name}~{'made' if '/p/' in upload.key else 'chosen'}",
                "key": upload.key,
                "filename": upload.key.rpartition("/")[2],
                "projectId": "p" if "/p/" in upload.key else "",
                "startedAt": "2023-11-14T22:13:20+00:00",
            }
            for upload in self.bucket.uploads.values()
            if upload.is_open and upload.key.startswith(f"u/{self.cookie}/")
        ]
        now = int((DATE + self._clock()) * 1000)
        known = {"userId": self.cookie, "isNewGuest": self.new_guest, "serverTime": now, "uploads": rows}
        return known | ({"smallFiles": {"maxSize": self.small_files}} if self.small_files else {})

    def _key(self, body: dict[str, Any]) -> str:
        number = len(self.bucket.uploads)
        asked = body.get("key")
        return f"u/{self.cookie}/{asked}" if asked else f"u/{self.cookie}/p/{number}/{body['filename']}"

    def _create_whole(self, files: list[dict[str, Any]]) -> HttpResponse:
        """Every other one is taken as a form."""
        rows = []
        for file in files:
            size = file["size"]
            if file["filename"] in self.refused:
                rows.append({"status": 422, "code": "TypeNotAllowed", "message": "No.", "retryable": False})
                continue
            upload = self.bucket.create(
                self._key(file), file["filename"], size, max(1, size), self._clock(), whole=True
            )
            signed = self._signed(upload, "urls", ["1"])
            is_form = len(self.bucket.uploads) % 2 == 0
            rows.append(
                {
                    "key": upload.key,
                    "uploadId": upload.name,
                    "bucket": "b",
                    "method": "POST" if is_form else "PUT",
                    "url": signed["urls"]["1"] + ("|form" if is_form else ""),
                    "fields": {"key": upload.key, "policy": SECRET} if is_form else {},
                    "headers": {} if is_form else signed["headers"],
                    "expires": signed["expires"],
                }
            )
        return answer_json({"userId": self.cookie, "uploads": rows})

    def _complete_whole(self, sent: list[dict[str, Any]]) -> HttpResponse:
        rows = []
        for row in sent:
            upload = self.bucket.uploads[row["uploadId"]]
            found = self.bucket.objects.get(upload.key)
            if not found or not upload.key.startswith(f"u/{self.cookie}/"):
                rows.append({"status": 404, "code": "NoSuchUpload", "message": "", "retryable": False})
            elif (found.token, found.size, found.etag) != (upload.token, upload.size, row["etag"]):
                rows.append({"status": 409, "code": "ProofFailed", "message": "", "retryable": True})
            else:
                rows.append(report(found))
        return answer_json({"uploads": rows})

    def _create(self, body: dict[str, Any]) -> HttpResponse:
        key = self._key(body)
        upload = self.bucket.create(key, body["filename"], body["size"], body["partSize"], self._clock())
        last = min(100, count_parts(upload.size, upload.part_size))
        signed = self._signed(
            upload, "urls", [str(number) for number in range(1, last + 1)], with_checksums=self.with_checksums
        )
        created = {"key": key, "uploadId": upload.name, "bucket": "b", "userId": self.cookie}
        if self.bucket.dialect.keeps_checksums:
            created["checksumAlgorithm"] = "CRC64NVME"
        return answer_json(created | {"partSize": upload.part_size} | signed)

    def _signed(
        self,
        upload: Multipart,
        name: str,
        numbers: Iterable[str],
        *,
        sized: bool = True,
        with_checksums: bool = False,
    ) -> dict[str, Any]:
        """URLs: whose, which part, signed when, and good for how many bytes, where that is known."""
        now = self._clock()
        urls = {
            number: f"https://store/{upload.name}|{number}|{now}|{self._length(upload, number, sized)}|{SECRET}"
            for number in numbers
        }
        headers = {"x-amz-security-token": SECRET}
        if with_checksums:
            headers["x-amz-checksum-algorithm"] = "CRC32"
        return {name: urls, "headers": headers, "expires": self._url_lifetime}

    def _length(self, upload: Multipart, number: str, sized: bool) -> str:
        return str(part_range(int(number), upload.size, upload.part_size)[1]) if sized else ""

    def is_expired(self, signed_at: float) -> bool:
        return self._clock() > signed_at + self._url_lifetime

    def _list(self, upload: Multipart) -> HttpResponse:
        rows = self.bucket.list_parts(upload.name)
        if self.bucket.dialect.keeps_copies:
            self._rng.shuffle(rows)
        return answer_json(
            [
                {"PartNumber": number, "ETag": f'"{etag_of(piece)}"', "Size": piece.size}
                for number, piece in rows
            ]
        )

    def _abort(self, upload: Multipart, token: str) -> HttpResponse:
        """An upload that is gone already is fine; an object that it has become is removed."""
        if upload.is_open:
            self.bucket.abort(upload.name)
        found = self.bucket.objects.get(upload.key)
        if found and token and found.token == token:
            del self.bucket.objects[upload.key]
            if upload.whole:
                upload.parts.clear()
        return answer_json({})

    def _status(self, upload: Multipart, token: str) -> HttpResponse:
        found = self.bucket.objects.get(upload.key)
        if found and token and found.token == token:
            proof = found.size == upload.size
            return answer_json({"state": "completed"} | report(found) | {"proof": proof})
        state = "open" if upload.is_open else "missing"
        return answer_json({"state": state, "size": upload.size, "etag": None, "proof": False})

    def _complete(self, upload: Multipart, token: str, done: dict[str, Any], mishap: str) -> HttpResponse:
        parts = sorted((row["PartNumber"], row["ETag"].strip('"')) for row in done["parts"])
        checksum = done["checksum"]["value"] if "checksum" in done else ""
        refusal: Refusal | None = None
        try:
            if not upload.whole:
                self.bucket.complete(upload.name, parts, mishap, checksum)
        except Refusal as caught:
            refusal = caught  # an earlier try may have won: the object decides
        found = self.bucket.objects.get(upload.key)
        etag = parts[0][1] if upload.whole else multipart_etag(etag for _, etag in parts)
        expected = (upload.size, etag)
        is_told = found and found.checksum in ("", checksum or found.checksum)
        if found and is_told and (not token or found.token == token) and (found.size, found.etag) == expected:
            return answer_json(report(found))
        return problem(*_as_problem(refusal)) if refusal else problem(409, "ProofFailed")

    def _guest(self, request: ApiRequest) -> HttpResponse:
        path, body = request.path, request.json
        if path == "/s3/guest/key":
            key = base64.b64encode(guest_key(self.cookie)).decode()
            return answer_json({"userId": self.cookie, "key": key})
        if path == "/s3/guest/challenge":
            return answer_json({"challenge": "c-1"})
        if body["proof"] != hmac.digest(guest_key(body["userId"]), b"c-1", "sha256").hex():
            return problem(403, "WrongProof")
        self.cookie, self.new_guest = body["userId"], False
        return answer_json({"userId": self.cookie})


def _as_problem(refusal: Refusal) -> tuple[int, str]:
    """As ``uploads.server.problems`` puts a store's refusal."""
    if refusal.code in ("InvalidPart", "InvalidPartOrder", "BadDigest") or refusal.status == 412:
        return 409, refusal.code
    if refusal.code in BUSY:
        return 503, refusal.code
    if refusal.code in PASSING or refusal.status >= 500:
        return 502, refusal.code
    return refusal.status, refusal.code


def report(found: Object) -> dict[str, Any]:
    told: dict[str, Any] = {"size": found.size, "etag": f'"{found.etag}"', "proof": True}
    if found.checksum:
        told["checksum"] = {"type": "CRC64NVME", "value": found.checksum}
    return told


def answer_json(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(status, headers, json.dumps(body))


def problem(status: int, code: str, **headers: str) -> HttpResponse:
    body = {"error": "no", "message": f"The answer is {code}.", "code": code, "retryable": True}
    return HttpResponse(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body)
    )


def guest_key(user_id: str) -> bytes:
    return hashlib.sha256(user_id.encode()).digest()
