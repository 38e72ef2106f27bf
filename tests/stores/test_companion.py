"""The engine's calls through an unchanged Companion, into the real store (``-m peers``; ACCEPTANCE P4, P5)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from upload_engine.core import requests
from upload_engine.core.errors import ServiceFault
from upload_engine.core.parts import Part
from upload_engine.core.retry import Verdict, judge
from upload_engine.interfaces import ApiRequest, HttpResponse
from upload_engine.signers.companion import ADVICE
from upload_engine.signers.either import EitherSigner

from tests.harness.companion import open_companion
from tests.harness.facts import facts_of
from tests.harness.server import ServerProcess

pytestmark = [pytest.mark.stores, pytest.mark.peers]

MIB = 1024 * 1024


class Carrier:
    """UploadSigner by httpx."""

    token = ""

    def __init__(self, url: str) -> None:
        self._url = url

    async def call(self, request: ApiRequest) -> HttpResponse:
        async with httpx.AsyncClient(base_url=self._url) as client:
            answer = await client.request(request.method, request.path, json=request.json)
        return HttpResponse(answer.status_code, dict(answer.headers), answer.text)


class Talk:
    def __init__(self, url: str) -> None:
        self.signer = EitherSigner(Carrier(url), str)

    def ask(self, request: ApiRequest, parse: Any) -> Any:
        return parse(asyncio.run(self.signer.call(request)))

    def begin(self, size: int) -> requests.CreatedUpload:
        request = requests.prepare_create(facts_of("é.bin", size, project_id=""), 0)
        assert self.ask(requests.prepare_open_uploads(), requests.parse_open_uploads).user_id == "companion"
        created: requests.CreatedUpload = self.ask(request, requests.parse_create)
        return created

    def send(self, upload: requests.CreatedUpload, *bodies: bytes) -> list[tuple[int, Part]]:
        place = upload.server_upload_id, upload.key
        signed = self.ask(requests.prepare_sign(*place, range(1, len(bodies) + 1)), requests.parse_sign)
        found = []
        for number, body in enumerate(bodies, 1):
            put = httpx.put(signed.urls[number], content=body)
            assert put.status_code == 200, put.text
            found.append((number, Part(put.headers["ETag"].strip('"'), len(body))))
        return found


@pytest.fixture
def talk(server: ServerProcess, tmp_path: Any) -> Iterator[Talk]:
    keys = server.admin_keys["access_key"], server.admin_keys["secret_key"]
    with open_companion(tmp_path / "companion", server.store_url, server.bucket, keys) as url:
        yield Talk(url)
    server.abort_open_uploads()


def test_an_upload_from_create_to_the_object(talk: Talk, server: ServerProcess) -> None:
    """P4."""
    bodies = b"a" * 5 * MIB, b"the end"
    upload = talk.begin(5 * MIB + 7)
    place = upload.server_upload_id, upload.key
    parts = talk.send(upload, *bodies)
    listed = talk.ask(requests.prepare_list(*place), requests.parse_list)
    assert [(part.part_number, part.size) for part in listed] == [(1, 5 * MIB), (2, 7)]
    assert talk.ask(requests.prepare_status(*place), requests.parse_status) == ("open", None)
    report = talk.ask(requests.prepare_complete(*place, parts), requests.parse_complete)
    assert (report.size, report.is_seen, report.proof) == (5 * MIB + 7, False, False)
    assert server.object_bytes(upload.key) == b"".join(bodies)
    head = server.s3.head_object(Bucket=server.bucket, Key=upload.key)
    assert head["ETag"].strip('"') == report.etag
    assert unquote(talk.signer.object_url(upload.key)) == f"{server.store_url}/{server.bucket}/{upload.key}"
    state, again = talk.ask(requests.prepare_status(*place), requests.parse_status)
    assert (state, again) == ("completed", report)


def test_what_has_become_other_bytes_is_not_put_together(talk: Talk, server: ServerProcess) -> None:
    """P4; fault 33."""
    upload = talk.begin(5)
    place = upload.server_upload_id, upload.key
    talk.send(upload, b"12345")
    told = [(1, Part(hashlib.md5(b"54321", usedforsecurity=False).hexdigest(), 5))]
    with pytest.raises(ServiceFault) as caught:
        talk.ask(requests.prepare_complete(*place, told), requests.parse_complete)
    assert judge(caught.value) is Verdict.DIFFERENT
    assert place in [(upload_id, key) for key, upload_id in server.open_uploads()]


def test_an_upload_that_is_gone_is_told_from_a_store_that_is_away(talk: Talk, server: ServerProcess) -> None:
    """P5; fault 26."""
    upload = talk.begin(5)
    place = upload.server_upload_id, upload.key
    talk.ask(requests.prepare_abort(*place), requests.parse_abort)
    for request, parse in (
        (requests.prepare_list(*place), requests.parse_list),
        (requests.prepare_complete(*place, [(1, Part("0" * 32, 5))]), requests.parse_complete),
    ):
        with pytest.raises(ServiceFault) as caught:
            talk.ask(request, parse)
        assert judge(caught.value) is Verdict.GONE
    assert talk.ask(requests.prepare_status(*place), requests.parse_status) == ("missing", None)
    talk.ask(requests.prepare_abort(*place), requests.parse_abort)
    assert server.open_uploads() == []


def test_a_companion_that_signs_for_empty_parts_is_told_what_to_set(
    server: ServerProcess, tmp_path: Any
) -> None:
    """P5: what its SDK does when it is left to it; the store refuses every part."""
    keys = server.admin_keys["access_key"], server.admin_keys["secret_key"]
    place = tmp_path / "companion", server.store_url, server.bucket, keys
    with open_companion(*place, signs_checksums=True) as url:
        talk = Talk(url)
        upload = talk.begin(5)
        with pytest.raises(ServiceFault) as caught:
            talk.send(upload, b"12345")
    assert caught.value.message == ADVICE
    server.abort_open_uploads()
