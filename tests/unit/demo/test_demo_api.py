"""The demo's signing API and its links, call by call, as the engine's ``core.requests`` reads them (ACCEPTANCE H4)."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from upload_engine.core import requests
from upload_engine.core.errors import ServiceFault
from upload_engine.core.parts import Part
from upload_engine.demo.demo import Demo
from upload_engine.demo.links import LIFETIME
from upload_engine.demo.network import Conditions
from upload_engine.demo.shelf import MemoryShelf
from upload_engine.interfaces import ApiRequest, PartBody, PutRequest

from tests.fakes.adapters import ManualClock
from tests.harness.facts import facts_of

PART = 5 * 1024 * 1024
CONTENT = [b"a" * PART, b"b" * 7]


class Talk:
    """The demo behind the engine's own way of asking."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.shelf = MemoryShelf()
        self.demo = Demo(self.shelf, self.clock, random.Random(1), lambda: None)
        self.demo.network.conditions = Conditions(bandwidth=None, latency=0.0)

    async def ask(self, request: Any, parse: Callable[[Any], Any]) -> Any:
        return parse(await self.demo.signer.call(request))

    async def create(self, size: int = PART + 7, s3_key: str = "") -> requests.CreatedUpload:
        request = requests.prepare_create(facts_of("ü.bin", size, s3_key=s3_key), PART)
        created: requests.CreatedUpload = await self.ask(request, requests.parse_create)
        return created

    async def put(self, url: str, content: bytes) -> str:
        request = PutRequest(url, {}, PartBody(content, len(content)))
        return requests.parse_part(await self.demo.transport.put(request, lambda _: None))


def run(story: Callable[[Talk], Awaitable[None]]) -> None:
    async def begin() -> None:
        await story(Talk())

    asyncio.run(begin())


async def refused(work: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(ServiceFault) as caught:
        await work
    return caught.value.status, caught.value.code


def test_an_upload_from_its_creation_to_its_proof() -> None:
    async def story(talk: Talk) -> None:
        created = await talk.create()
        assert (created.bucket, created.user_id, created.part_size) == ("this-browser", "demo", PART)
        assert not created.has_opaque_etags
        assert list(created.signed.urls) == [1, 2]
        assert created.signed.expires_in == LIFETIME
        known = created.server_upload_id, created.key
        who = await talk.ask(requests.prepare_open_uploads(), requests.parse_open_uploads)
        assert (who.user_id, who.is_new_guest) == ("demo", False)
        assert [(one.server_upload_id, one.file_name, one.project_id) for one in who.open_uploads] == [
            (created.server_upload_id, "ü.bin", "p")
        ]
        etags = [await talk.put(created.signed.urls[number], CONTENT[number - 1]) for number in (1, 2)]
        assert etags == [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in CONTENT]
        listed = await talk.ask(requests.prepare_list(*known), requests.parse_list)
        assert [(row.part_number, row.etag, row.size) for row in listed] == [
            (1, etags[0], PART),
            (2, etags[1], 7),
        ]
        assert await talk.ask(requests.prepare_status(*known), requests.parse_status) == ("open", None)
        parts = [(number, Part(etag, 0)) for number, etag in enumerate(etags, 1)]
        for _ in range(2):  # once more is as good as once
            report = await talk.ask(requests.prepare_complete(*known, parts), requests.parse_complete)
            together = hashlib.md5(b"".join(map(bytes.fromhex, etags)), usedforsecurity=False).hexdigest()
            assert (report.size, report.etag, report.proof) == (PART + 7, f"{together}-2", True)
        assert await talk.ask(requests.prepare_status(*known), requests.parse_status) == ("completed", report)
        assert await refused(talk.ask(requests.prepare_list(*known), requests.parse_list)) == (
            404,
            "NoSuchUpload",
        )
        assert talk.demo.object_url(created.key)
        await talk.ask(requests.prepare_abort(*known), requests.parse_abort)
        assert talk.shelf.parts == {}
        assert talk.demo.object_url(created.key) == ""

    run(story)


def test_what_cannot_be_is_refused_as_the_server_refuses_it() -> None:
    async def story(talk: Talk) -> None:
        created = await talk.create()
        known = created.server_upload_id, created.key
        gone = requests.prepare_list("gone", created.key)
        assert await refused(talk.ask(gone, requests.parse_list)) == (404, "NoSuchUpload")
        await talk.ask(requests.prepare_abort("gone", created.key), requests.parse_abort)
        third = requests.prepare_sign(*known, [1, 3])
        assert await refused(talk.ask(third, requests.parse_sign)) == (422, "BadPartNumber")
        wrong = requests.prepare_complete(*known, [(1, Part("0" * 32, PART))])
        assert await refused(talk.ask(wrong, requests.parse_complete)) == (409, "InvalidPart")
        etag = await talk.put(created.signed.urls[1], CONTENT[0])
        half = requests.prepare_complete(*known, [(1, Part(etag, PART))])
        assert await refused(talk.ask(half, requests.parse_complete)) == (409, "ProofFailed")
        assert await refused(talk.put(created.signed.urls[2], b"too long")) == (403, "SignatureDoesNotMatch")
        nothing = ApiRequest("GET", "/s3/nothing/x/y")
        assert await refused(talk.ask(nothing, requests.parse_status)) == (404, "NotFound")

    run(story)


def test_links_are_good_for_a_while() -> None:
    async def story(talk: Talk) -> None:
        created = await talk.create()
        await talk.clock.advance(LIFETIME + 1)
        assert await refused(talk.put(created.signed.urls[1], CONTENT[0])) == (403, "AccessDenied")
        again = requests.prepare_sign(created.server_upload_id, created.key, [1])
        signed = await talk.ask(again, requests.parse_sign)
        assert await talk.put(signed.urls[1], CONTENT[0])
        talk.demo.links.expire()
        assert await refused(talk.put(signed.urls[1], CONTENT[0])) == (403, "AccessDenied")

    run(story)


def test_a_failing_store_refuses_about_every_third_part_and_no_part_for_ever() -> None:
    async def story(talk: Talk) -> None:
        created = await talk.create(5)
        talk.demo.network.conditions = Conditions(bandwidth=None, latency=0.0, failing=True)
        codes = []
        for _ in range(400):
            again = requests.prepare_sign(created.server_upload_id, created.key, [1])
            url = (await talk.ask(again, requests.parse_sign)).urls[1]
            try:
                await talk.put(url, b"12345")
                codes.append(200)
            except ServiceFault as fault:
                codes.append(fault.status)
        assert 70 < 400 - codes.count(200) < 170
        assert 0 < codes.count(500) <= 2
        assert codes.count(503) > 50

    run(story)


def test_another_object_of_the_same_key_takes_its_place() -> None:
    async def story(talk: Talk) -> None:
        for content in (b"one", b"other"):
            created = await talk.create(len(content), s3_key="k")
            etag = await talk.put(created.signed.urls[1], content)
            request = requests.prepare_complete(created.server_upload_id, "k", [(1, Part(etag, 0))])
            await talk.ask(request, requests.parse_complete)
        assert list(talk.shelf.parts.values()) == [b"other"]

    run(story)
