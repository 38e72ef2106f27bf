"""The demo's signing server: the calls of ``serve.py``'s API that the engine makes, answered in the browser.

The answers are those of ``py/uploads/server/signing.py``, to the letter of what ``core.requests`` reads.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from upload_engine.core.errors import NetworkFault, ServiceFault, StorageFault
from upload_engine.core.parts import choose_part_size, count_parts
from upload_engine.demo.bucket import Bucket, Upload
from upload_engine.demo.links import LIFETIME, Links
from upload_engine.demo.network import Network
from upload_engine.demo.tally import Tally
from upload_engine.interfaces import ApiRequest, Clock, HttpResponse

USER = "demo"
BUCKET = "this-browser"
FIRST_LINKS = 100
"""Signed with the answer to Create."""

Answer = dict[str, Any] | list[dict[str, Any]]


class DemoSigner:
    """UploadSigner."""

    def __init__(self, network: Network, bucket: Bucket, links: Links, tally: Tally, clock: Clock) -> None:
        self.token = ""  # there is nobody to tell it to
        self._network = network
        self._bucket = bucket
        self._links = links
        self._tally = tally
        self._clock = clock
        self._calls: dict[tuple[str, str], Callable[[Upload, ApiRequest], Awaitable[Answer]]] = {
            ("GET", ""): self._list,
            ("GET", "batch"): self._sign,
            ("GET", "status"): self._status,
            ("POST", "complete"): self._complete,
            ("DELETE", ""): self._abort,
        }

    async def call(self, request: ApiRequest) -> HttpResponse:
        """See ``UploadSigner.call``."""
        self._tally.add(requests=1)
        try:
            with self._network.trip() as trip:
                await trip.there()
                answer = await self._answer(request)
                await trip.back()
        except NetworkFault:
            self._tally.add(lost=1)
            if not self._network.conditions.offline:
                self._tally.tell("A request to the server was lost on the way.")
            raise
        return answer

    async def _answer(self, request: ApiRequest) -> HttpResponse:
        try:
            await self._bucket.open()
            return _json(200, await self._route(request))
        except ServiceFault as fault:
            status, code, message = fault.status, fault.code, fault.message
        except StorageFault as fault:
            status, code, message = 503, "StoreUnavailable", fault.message
        is_passing = status >= 500
        return _json(status, {"error": code, "message": message, "code": code, "retryable": is_passing})

    async def _route(self, request: ApiRequest) -> Answer:
        path = urlsplit(request.path).path
        if path == "/healthz":
            return {"status": "ok"}
        if path == "/s3/uploads":
            return self._who()
        if (request.method, path) == ("POST", "/s3/multipart"):
            return await self._create(request.json)
        upload_id, _, tail = path.removeprefix("/s3/multipart/").partition("/")
        call = self._calls.get((request.method, tail))
        if call is None:
            raise ServiceFault(404, "NotFound", "There is no such call.")
        return await call(self._bucket.find(unquote(upload_id)), request)

    def _who(self) -> Answer:
        return {
            "userId": USER,
            "isNewGuest": False,
            "serverTime": int(self._clock.wall_time() * 1000),
            "uploads": [
                {
                    "uploadId": upload.upload_id,
                    "key": upload.key,
                    "filename": upload.name,
                    "projectId": upload.project_id,
                    "startedAt": _date(upload.started_at),
                }
                for upload in self._bucket.uploads.values()
                if not upload.is_object
            ],
        }

    async def _create(self, wanted: dict[str, Any]) -> Answer:
        size = int(wanted["size"])
        upload = await self._bucket.create(
            str(wanted.get("key", "")),
            str(wanted["filename"]),
            str(wanted["type"]),
            size,
            int(wanted.get("partSize") or choose_part_size(size)),
            str(wanted["projectId"]),
        )
        count = min(FIRST_LINKS, count_parts(size, upload.part_size))
        self._tally.tell("An upload was created.")
        return {
            "key": upload.key,
            "uploadId": upload.upload_id,
            "bucket": BUCKET,
            "partSize": upload.part_size,
            "userId": USER,
            "urls": self._links_to(upload, range(1, count + 1)),
            "headers": {},
            "expires": LIFETIME,
            "etagsAreChecksums": True,
        }

    async def _list(self, upload: Upload, _: ApiRequest) -> Answer:
        if upload.is_object:
            raise ServiceFault(404, "NoSuchUpload", "There is no such upload.")
        total = count_parts(upload.size, upload.part_size)
        self._tally.tell(f"The engine asked which parts are here: {len(upload.parts)} of {total}.")
        return [
            {
                "PartNumber": number,
                "Size": size,
                "ETag": f'"{etag}"',
                "LastModified": _date(upload.started_at),
            }
            for number, (etag, size) in sorted(upload.parts.items())
        ]

    async def _sign(self, upload: Upload, request: ApiRequest) -> Answer:
        numbers = sorted(int(number) for number in _query(request)["partNumbers"][0].split(","))
        if any(upload.length(number) < 0 for number in numbers):
            raise ServiceFault(422, "BadPartNumber", "The upload has no such part.")
        return {"presignedUrls": self._links_to(upload, numbers), "headers": {}, "expires": LIFETIME}

    async def _status(self, upload: Upload, _: ApiRequest) -> Answer:
        if upload.is_object:
            await self._bucket.link(upload)
        return {
            "state": "completed" if upload.is_object else "open",
            "key": upload.key,
            "bucket": BUCKET,
            "size": upload.size,
            "etag": upload.etag or None,
            "etagIsChecksum": upload.is_object,
            "proof": upload.is_object,
        }

    async def _complete(self, upload: Upload, request: ApiRequest) -> Answer:
        given = [(int(part["PartNumber"]), str(part["ETag"]).strip('"')) for part in request.json["parts"]]
        await self._bucket.complete(upload, given)
        self._tally.tell(
            "The object was put together, of 1 part."
            if len(given) == 1
            else f"The object was put together, of {len(given)} parts."
        )
        return {
            "location": upload.url,
            "key": upload.key,
            "bucket": BUCKET,
            "size": sum(size for _, size in upload.parts.values()),
            "etag": upload.etag,
            "checksum": {"type": "md5-of-md5s", "value": upload.etag},
            "etagIsChecksum": True,
            "proof": True,
        }

    async def _abort(self, upload: Upload, _: ApiRequest) -> Answer:
        await self._bucket.remove(upload)
        return {}

    def _links_to(self, upload: Upload, numbers: Any) -> dict[str, str]:
        links = {str(number): self._links.sign(upload.upload_id, number) for number in numbers}
        self._tally.signed(len(links))
        return links


def _query(request: ApiRequest) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.path).query)


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _json(status: int, value: Answer) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(value))
