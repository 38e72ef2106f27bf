"""The engine's calls, answered by an Uppy Companion: a signing server that knows less than ours.

Each call of ``core.requests`` becomes those that Companion has (``@uppy/companion`` 6, ``controllers/s3.js``), and what it
answers becomes the answer that ``core.requests`` reads. What it cannot tell is found out in another way, or not claimed:

- It has no users and no list of uploads: all of this browser's uploads are one user's.
- It does not look at objects. Before Complete the parts that the store lists are compared with those that are to be put
  together; the report says that nobody has seen the object (``ObjectReport.is_seen``).
- Whatever goes wrong in the store is 500. An upload that cannot be listed while a new one can is gone.
- It chooses the keys, and signs no lengths.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from upload_engine.core.checksums import multipart_etag
from upload_engine.core.requests import MAX_WORDS, parse_list
from upload_engine.interfaces import ApiRequest, HttpResponse, UploadSigner

USER = "companion"
"""Whose uploads they are: Companion knows nobody."""
FIRST_URLS = 20
"""Asked for as soon as an upload is created."""
GONE = "The store does not know this upload any more."
EMPTY_CHECKSUM = "x-amz-checksum-crc32=AAAAAA%3D%3D"
ADVICE = (
    "The upload server signs the checksum of an empty part into its URLs: its operator has to set "
    "s3.awsClientOptions.requestChecksumCalculation to WHEN_REQUIRED."
)
_REMEMBERED = 1000
_PROBE = ApiRequest("GET", "/s3/params")
_PROBE_FILE = {"filename": "is-this-server-well", "type": "application/octet-stream", "metadata": {}}


class CompanionSigner:
    """UploadSigner, over another one that carries the calls to the same address."""

    def __init__(self, carrier: UploadSigner) -> None:
        self._carrier = carrier
        self._has_batch = True
        self._sent: OrderedDict[str, tuple[ApiRequest, dict[str, Any]]] = OrderedDict()
        self._locations: OrderedDict[str, str] = OrderedDict()

    @property
    def token(self) -> str:
        """See ``UploadSigner``: for what stands in front of the Companion."""
        return self._carrier.token

    @token.setter
    def token(self, token: str) -> None:
        self._carrier.token = token

    async def is_there(self) -> bool:
        """Whether a Companion with an S3 store answers: it alone demands a name for a form. Raises NetworkFault."""
        return _is_companion(await self._carrier.call(_PROBE))

    def object_url(self, key: str) -> str:
        """Where the store said that the object is; "" when it has not said so to this engine."""
        return self._locations.get(key, "")

    async def call(self, request: ApiRequest) -> HttpResponse:
        """See ``UploadSigner.call``."""
        url = urlsplit(request.path)
        if url.path in ("/healthz", "/s3/uploads"):
            return await self._greet(url.path)
        if (request.method, url.path) == ("POST", "/s3/multipart"):
            return await self._create(request.json)
        quoted_id, _, tail = url.path.removeprefix("/s3/multipart/").partition("/")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        upload = _Upload(unquote(quoted_id), query.get("key", ""))
        match request.method, tail:
            case "GET", "batch":
                return await self._sign(upload, query["partNumbers"].split(","))
            case "GET", "":
                return await self._list(upload)
            case "GET", "status":
                return await self._status(upload)
            case "POST", "complete":
                return await self._complete(upload, request.json["parts"])
            case "DELETE", "":
                response = await self._carrier.call(ApiRequest("DELETE", upload.path()))
                return await self._unless_gone(upload, response)
        return _refusal(501, "NotImplemented", "This upload server has no such call.")

    async def _greet(self, path: str) -> HttpResponse:
        response = await self._carrier.call(_PROBE)
        if not _is_companion(response):
            return _in_words(response)
        if path == "/healthz":
            return _json({"status": "ok"})
        return _json({"userId": USER, "isNewGuest": False, "uploads": []})

    async def _create(self, wanted: Mapping[str, Any]) -> HttpResponse:
        if wanted.get("key"):
            return _refusal(422, "BadKey", "This upload server chooses the keys of objects itself.")
        metadata = {**wanted.get("metadata", {}), "name": str(wanted["filename"])}
        if wanted.get("projectId"):
            metadata["projectId"] = str(wanted["projectId"])
        body = {"filename": wanted["filename"], "type": wanted["type"], "metadata": metadata}
        response = await self._carrier.call(ApiRequest("POST", "/s3/multipart", body))
        created = read_json(response)
        if response.status != 200 or not isinstance(created, dict) or not created.get("uploadId"):
            return _in_words(response)
        answer = {"uploadId": created["uploadId"], "key": created["key"], "bucket": created.get("bucket", "")}
        return _json(answer | {"userId": USER})

    async def _sign(self, upload: _Upload, numbers: Iterable[str]) -> HttpResponse:
        """By one call, or by one for each part where the Companion is an older one."""
        numbers = list(numbers)
        if self._has_batch:
            path = upload.path("/batch", f"&partNumbers={','.join(numbers)}")
            response = await self._carrier.call(ApiRequest("GET", path))
            answer = read_json(response)
            if response.status == 200 and isinstance(answer, dict) and answer.get("presignedUrls"):
                return _signed(answer["presignedUrls"], None)
            if response.status not in (400, 404):
                return await self._unless_gone(upload, response)
            self._has_batch = False
        urls: dict[str, str] = {}
        expires = None
        for number in numbers[:FIRST_URLS]:
            response = await self._carrier.call(ApiRequest("GET", upload.path(f"/{number}")))
            answer = read_json(response)
            if response.status != 200 or not isinstance(answer, dict) or not answer.get("url"):
                if not urls:
                    return await self._unless_gone(upload, response)
                break
            urls[number], expires = answer["url"], answer.get("expires")
        return _signed(urls, expires)

    async def _list(self, upload: _Upload) -> HttpResponse:
        return await self._unless_gone(upload, await self._carrier.call(ApiRequest("GET", upload.path())))

    async def _status(self, upload: _Upload) -> HttpResponse:
        """``completed`` is said of an upload that is gone if the store says so once more, and of no other.

        A Complete without an answer may never have arrived, and the upload may have been aborted since. Stores that keep
        the id of what they have completed answer a second Complete as they did the first; over others it is sent anew.
        """
        response = await self._list(upload)
        if response.status == 200:
            return _json({"state": "open"}) if isinstance(read_json(response), list) else response
        if response.status != 404:
            return response
        if upload.id not in self._sent:
            return _json({"state": "missing"})
        request, report = self._sent[upload.id]
        again = await self._carrier.call(request)
        if self._is_completed(upload, again):
            return _json({"state": "completed", **report})
        response = await self._unless_gone(upload, again)
        return _json({"state": "missing"}) if response.status == 404 else response

    async def _complete(self, upload: _Upload, parts: list[Mapping[str, Any]]) -> HttpResponse:
        listing = await self._list(upload)
        if listing.status != 200:
            return listing
        sizes = {(part.part_number, part.etag): part.size for part in parse_list(listing)}
        wanted = [(int(part["PartNumber"]), str(part["ETag"]).strip('"').lower()) for part in parts]
        if missing := [number for number, etag in wanted if (number, etag) not in sizes]:
            return _refusal(409, "InvalidPart", f"The store does not list part {missing[0]} as it was sent.")
        report = {
            "size": sum(sizes[part] for part in wanted),
            "etag": multipart_etag([etag for _, etag in wanted]) or "",
            "proof": False,
            "isSeen": False,
        }
        rows = [{"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in wanted]
        request = ApiRequest("POST", upload.path("/complete"), {"parts": rows})
        _remember(self._sent, upload.id, (request, report))
        response = await self._carrier.call(request)
        if not self._is_completed(upload, response):
            return await self._unless_gone(upload, response)
        return _json({**report, "key": upload.key})

    def _is_completed(self, upload: _Upload, response: HttpResponse) -> bool:
        """Whether this is the store's word, and not a page of whatever stands in between."""
        answer = read_json(response)
        if response.status != 200 or not isinstance(answer, dict) or answer.get("key") != upload.key:
            return False
        if str(answer.get("location") or "").startswith(("https://", "http://")):
            _remember(self._locations, upload.key, str(answer["location"]))
        return True

    async def _unless_gone(self, upload: _Upload, response: HttpResponse) -> HttpResponse:
        """The answer in words; but 404 for an upload that the store does not know any more."""
        if response.status == 500 and "NoSuchUpload" in response.text:
            return _refusal(404, "NoSuchUpload", GONE)
        if response.status != 500 or await self._can_list(upload):
            return _in_words(response)
        body = ApiRequest("POST", "/s3/multipart", _PROBE_FILE)
        created = read_json(await self._carrier.call(body))
        if not isinstance(created, dict) or not created.get("uploadId"):
            return _in_words(response)
        other = _Upload(str(created["uploadId"]), str(created.get("key", "")))
        try:
            is_well = await self._can_list(other)
        finally:
            await self._carrier.call(ApiRequest("DELETE", other.path()))
        if is_well and not await self._can_list(upload):
            return _refusal(404, "NoSuchUpload", GONE)
        return _in_words(response)

    async def _can_list(self, upload: _Upload) -> bool:
        return (await self._carrier.call(ApiRequest("GET", upload.path()))).status == 200


class _Upload:
    def __init__(self, s3_upload_id: str, key: str) -> None:
        self.id = s3_upload_id
        self.key = key

    def path(self, tail: str = "", more: str = "") -> str:
        return f"/s3/multipart/{quote(self.id, safe='')}{tail}?key={quote(self.key, safe='')}{more}"


def _remember(kept: OrderedDict[str, Any], name: str, value: Any) -> None:
    kept[name] = value
    while len(kept) > _REMEMBERED:
        kept.popitem(last=False)


def read_json(response: HttpResponse) -> Any:
    """What an answer says; None for what is no JSON."""
    try:
        return json.loads(response.text)
    except ValueError:
        return None


def _signed(urls: Mapping[str, str], expires: Any) -> HttpResponse:
    """URLs, unless they are for empty parts alone: what AWS's SDK for JavaScript signs since 3.729 when it is left to it."""
    if any(EMPTY_CHECKSUM in url for url in urls.values()):
        return _refusal(501, "SignerMisconfigured", ADVICE)
    return _json({"presignedUrls": dict(urls), "expires": expires})


def _is_companion(response: HttpResponse) -> bool:
    answer = read_json(response)
    words = str(answer.get("error", "")) if isinstance(answer, dict) else ""
    return response.status == 400 and words.startswith("s3:") and "filename" in words


def _in_words(response: HttpResponse) -> HttpResponse:
    """A refusal with Companion's own words; a page of HTML has none that are for people."""
    answer = read_json(response)
    if response.status < 400 and answer is not None:
        return response
    if not isinstance(answer, dict):
        if response.status < 400 or response.status in (502, 503, 504):
            return response  # a portal, or a gateway
        return _refusal(response.status, "", f"The upload server answered {response.status}.")
    words = str(answer.get("error") or answer.get("message") or "")[:MAX_WORDS]
    headers = {name: value for name, value in response.headers.items() if name == "retry-after"}
    return _refusal(response.status, "", words, headers)


def _refusal(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(status, headers or {}, json.dumps({"code": code, "message": message}))


def _json(value: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(200, {"content-type": "application/json"}, json.dumps(value))
