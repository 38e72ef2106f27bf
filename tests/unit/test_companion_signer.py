"""What an Uppy Companion cannot say, and how the engine is told all the same (ACCEPTANCE P4, P5).

The answers are those of ``@uppy/companion`` 6.2.2, read off the real one, which ``tests/stores/test_companion.py`` asks.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from upload_engine.core import requests
from upload_engine.core.errors import NetworkFault, ServiceFault
from upload_engine.core.parts import Part
from upload_engine.core.retry import Verdict, judge
from upload_engine.interfaces import ApiRequest, HttpResponse
from upload_engine.signers.companion import ADVICE, CompanionSigner
from upload_engine.signers.either import EitherSigner

from tests.harness.facts import facts_of

HTML = "<!DOCTYPE html>\n<title>Error</title>\n<body>\n<pre>{}</pre>\n</body>"
NO_NAME = 's3: the "filename" query parameter is required and must be a non-empty string'
MD5 = "0123456789abcdef0123456789abcdef"


class Companion:
    """A carrier at whose other end a Companion answers. ``listed``: parts by upload id; ``broken``: the store is away."""

    def __init__(self) -> None:
        self.token = ""
        self.asked: list[ApiRequest] = []
        self.listed: dict[str, list[dict[str, Any]]] = {}
        self.broken = self.has_batch = self.signs_empty = self.is_production = False
        self.lose_complete = self.keeps_ids = self.is_portal = False
        self.completed: set[str] = set()

    async def call(self, request: ApiRequest) -> HttpResponse:
        self.asked.append(request)
        if self.is_portal:
            return HttpResponse(200, {}, HTML.format("Welcome to our hotel"))
        path = request.path.partition("?")[0].removeprefix("/s3")
        if (request.method, path) == ("GET", "/params"):
            return answer({"error": NO_NAME}, 400)
        if path == "/multipart":
            return self._create()
        if not path.startswith("/multipart/"):
            return HttpResponse(404, {}, HTML.format(f"Cannot GET {path}"))
        upload_id, _, tail = path.removeprefix("/multipart/").partition("/")
        if tail == "batch" and not self.has_batch:
            return answer({"error": "s3: the part number must be a number between 1 and 10000."}, 400)
        if tail == "batch":
            return answer({"presignedUrls": {"1": self._url(), "2": self._url()}})
        if tail.isdigit():
            return answer({"url": self._url(), "expires": 800})
        if tail == "complete" and self.keeps_ids and upload_id in self.completed:
            return answer({"location": "https://bucket/key", "key": "key", "bucket": "b"})
        if self.broken or upload_id not in self.listed:
            return self._error(upload_id)
        if request.method == "DELETE":
            del self.listed[upload_id]
            return answer({})
        if tail == "complete":
            del self.listed[upload_id]
            self.completed.add(upload_id)
            if self.lose_complete:
                raise NetworkFault
            return answer({"location": "https://bucket/key", "key": "key", "bucket": "b"})
        return answer(self.listed[upload_id])

    def _create(self) -> HttpResponse:
        if self.broken:
            return self._error("")
        upload_id = f"u{len(self.asked)}"
        self.listed[upload_id] = []
        return answer({"key": "key", "uploadId": upload_id, "bucket": "b"})

    def _error(self, upload_id: str) -> HttpResponse:
        what = "ECONNREFUSED" if self.broken else f"NoSuchUpload: {upload_id} is not there"
        return HttpResponse(500, {}, HTML.format("Internal Server Error" if self.is_production else what))

    def _url(self) -> str:
        return f"https://store/key?{'x-amz-checksum-crc32=AAAAAA%3D%3D&' if self.signs_empty else ''}a=b"


def answer(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(value))


class Talk:
    """The engine's way of asking."""

    def __init__(self) -> None:
        self.far = Companion()
        self.signer = CompanionSigner(self.far)

    def ask(self, request: ApiRequest, parse: Any) -> Any:
        return parse(asyncio.run(self.signer.call(request)))

    def create(self, *parts: Part) -> str:
        request = requests.prepare_create(facts_of("a", 5, content_type="b/c"), 0)
        created = self.ask(request, requests.parse_create)
        self.far.listed[created.server_upload_id] = [
            {"PartNumber": number, "Size": part.size, "ETag": f'"{part.etag}"'}
            for number, part in enumerate(parts, 1)
        ]
        return str(created.server_upload_id)

    def complete(self, upload_id: str, *parts: Part) -> Any:
        request = requests.prepare_complete(upload_id, "key", enumerate(parts, 1))
        return self.ask(request, requests.parse_complete)

    def fault(self, request: ApiRequest, parse: Any) -> ServiceFault:
        with pytest.raises(ServiceFault) as caught:
            self.ask(request, parse)
        return caught.value


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_what_was_listed_is_what_is_reported_and_nobody_has_seen_it(talk: Talk) -> None:
    """P4."""
    parts = Part(MD5, 5), Part(MD5, 3)
    report = talk.complete(talk.create(*parts), *parts)
    assert (report.size, report.proof, report.is_seen) == (8, False, False)
    assert report.etag.endswith("-2")
    assert talk.signer.object_url("key") == "https://bucket/key"
    assert talk.signer.object_url("another") == ""


@pytest.mark.parametrize("stored", [(), (Part("f" * 32, 5),)], ids=["lost", "other bytes"])
def test_what_is_not_listed_is_never_put_together(talk: Talk, stored: tuple[Part, ...]) -> None:
    """P4; fault 33."""
    upload_id = talk.create(*stored)
    fault = talk.fault(
        requests.prepare_complete(upload_id, "key", [(1, Part(MD5, 5))]), requests.parse_complete
    )
    assert judge(fault) is Verdict.DIFFERENT
    assert upload_id in talk.far.listed


@pytest.mark.parametrize("is_production", [False, True])
def test_a_500_is_of_a_gone_upload_only_if_others_can_be_listed(talk: Talk, is_production: bool) -> None:
    """P5; faults 15, 26: a production Companion hides every reason."""
    talk.far.is_production = is_production
    upload_id = talk.create()
    look = requests.prepare_list(upload_id, "key")
    talk.far.broken = True
    assert judge(talk.fault(look, requests.parse_list)) is Verdict.TRANSIENT
    talk.far.broken = False
    assert talk.ask(look, requests.parse_list) == ()
    del talk.far.listed[upload_id]
    gone = talk.fault(look, requests.parse_list)
    assert judge(gone) is Verdict.GONE
    assert talk.far.listed == {}, "what was made to find that out is aborted"
    assert talk.ask(requests.prepare_status(upload_id, "key"), requests.parse_status) == ("missing", None)
    talk.ask(requests.prepare_abort(upload_id, "key"), requests.parse_abort)


def test_a_complete_whose_answer_was_lost_is_believed_when_the_store_says_it_again(talk: Talk) -> None:
    """P4; fault 22."""
    part = Part(MD5, 5)
    upload_id = talk.create(part)
    talk.far.lose_complete = talk.far.keeps_ids = True
    with pytest.raises(NetworkFault):
        talk.complete(upload_id, part)
    state, report = talk.ask(requests.prepare_status(upload_id, "key"), requests.parse_status)
    assert (state, report.size, report.is_seen) == ("completed", 5, False)
    talk.far.keeps_ids = False
    forgotten = talk.ask(requests.prepare_status(upload_id, "key"), requests.parse_status)
    assert forgotten == ("missing", None), "a store that cannot say so: nobody knows whether Complete arrived"
    talk.far.keeps_ids = True
    another_life = CompanionSigner(talk.far)
    found = asyncio.run(another_life.call(requests.prepare_status(upload_id, "key")))
    assert requests.parse_status(found) == ("missing", None), "it is sent again rather than believed"


def test_parts_are_signed_by_one_call_or_by_one_each(talk: Talk) -> None:
    upload_id = talk.create()
    ask = requests.prepare_sign(upload_id, "key", [3, 1])
    single = talk.ask(ask, requests.parse_sign)
    assert (set(single.urls), single.expires_in) == ({1, 3}, 800)
    talk.far.has_batch = True
    newer = CompanionSigner(talk.far)
    assert set(requests.parse_sign(asyncio.run(newer.call(ask))).urls) == {1, 2}
    talk.far.signs_empty = True
    fault = talk.fault(ask, requests.parse_sign)
    assert (fault.message, judge(fault)) == (ADVICE, Verdict.FATAL)


def test_what_it_says_in_words_is_kept_and_a_page_of_html_is_not(talk: Talk) -> None:
    """P5."""

    class Refusing(Companion):
        async def call(self, request: ApiRequest) -> HttpResponse:
            if request.path == "/s3/multipart":
                return HttpResponse(401, {}, HTML.format("Unauthorized"))
            return answer({"error": "s3: content type must be a string"}, 400)

    signer = CompanionSigner(Refusing())
    create = ApiRequest("POST", "/s3/multipart", {"filename": "a", "type": "b"})
    with pytest.raises(ServiceFault) as caught:
        requests.parse_create(asyncio.run(signer.call(create)))
    assert (caught.value.message, judge(caught.value)) == ("The upload server answered 401.", Verdict.SIGN_IN)
    with pytest.raises(ServiceFault, match="content type must be a string"):
        requests.parse_open_uploads(asyncio.run(signer.call(requests.prepare_open_uploads())))
    wanted = ApiRequest("POST", "/s3/multipart", {"filename": "a", "type": "b", "key": "mine"})
    assert "chooses the keys" in asyncio.run(signer.call(wanted)).text


def test_the_two_are_told_apart_at_the_first_answer() -> None:
    """P6."""

    class Own:
        token = ""

        def __init__(self, *statuses: int) -> None:
            self.statuses = list(statuses)
            self.asked: list[str] = []

        async def call(self, request: ApiRequest) -> HttpResponse:
            self.asked.append(request.path)
            status = self.statuses.pop(0)
            return answer({"userId": "me", "uploads": []} if status == 200 else {"code": "X"}, status)

    def ask(signer: EitherSigner, request: ApiRequest) -> HttpResponse:
        return asyncio.run(signer.call(request))

    who = requests.prepare_open_uploads()
    far = Companion()
    either = EitherSigner(far, lambda key: f"ours/{key}")
    assert either.object_url("k") == "ours/k"
    either.token = "from a page"
    assert far.token == either.token == "from a page"
    assert requests.parse_open_uploads(ask(either, who)).user_id == "companion"
    assert either.object_url("k") == ""
    assert ask(either, requests.prepare_probe()).status == 200
    own = Own(503, 200, 404)
    ours = EitherSigner(own, lambda key: f"ours/{key}")
    assert [ask(ours, who).status for _ in range(3)] == [503, 200, 404]
    assert own.asked == ["/s3/uploads"] * 3, "known once it has answered, and not asked again"
    stranger = Own(404, 404)
    assert ask(EitherSigner(stranger, str), who).status == 404
    assert stranger.asked == ["/s3/uploads", "/s3/params"]
    named = EitherSigner(far, str, "companion")
    assert requests.parse_open_uploads(ask(named, who)).user_id == "companion"
    assert EitherSigner(far, str, "own").object_url("k") == "k"


def test_a_portal_is_taken_for_nobodys_answer(talk: Talk) -> None:
    """P5, P6; fault 8: it says 200 to everything."""
    part = Part(MD5, 5)
    upload_id = talk.create(part)
    talk.far.is_portal = True
    for request, parse in (
        (requests.prepare_complete(upload_id, "key", [(1, part)]), requests.parse_complete),
        (requests.prepare_status(upload_id, "key"), requests.parse_status),
    ):
        with pytest.raises(ServiceFault) as caught:
            talk.ask(request, parse)
        assert judge(caught.value) is Verdict.NETWORK
    either = EitherSigner(talk.far, str)
    assert asyncio.run(either.call(requests.prepare_open_uploads())).status == 200
    talk.far.is_portal = False
    found = asyncio.run(either.call(requests.prepare_open_uploads()))
    assert requests.parse_open_uploads(found).user_id == "companion"
