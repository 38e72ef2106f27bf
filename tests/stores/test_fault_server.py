"""What goes wrong by script goes wrong just so, in front of the fake store as in front of another one (ACCEPTANCE F3)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.fakes import faults
from tests.fakes.background import Background
from tests.fakes.fault_server import Exchange, FaultServer, Rule
from tests.fakes.forward import Forward
from tests.fakes.s3_store import KEYS, FakeStore
from tests.stores.conftest import ORIGIN, make_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.stores
BUCKET, KEY = "bucket", "folder/name.bin"
BODY = bytes(range(256)) * 4096
"""A mebibyte."""


@dataclass
class Bench:
    """An open upload behind a script. client: talks to the store through the script; store: the one behind it."""

    script: FaultServer
    store: FakeStore
    client: S3Client
    web: httpx.Client
    upload_id: str

    def url(self, number: int = 1) -> str:
        params = {"Bucket": BUCKET, "Key": KEY, "UploadId": self.upload_id, "PartNumber": number}
        return self.client.generate_presigned_url("upload_part", Params=params)

    def put(self, number: int = 1, body: bytes = BODY) -> httpx.Response:
        return self.web.put(self.url(number), content=body, headers={"Origin": ORIGIN})

    def stored(self) -> dict[int, bytes]:
        upload = self.store.store.buckets[BUCKET].uploads[self.upload_id]
        return {part.number: part.content for part in upload.copies}

    def listed(self) -> list[Any]:
        return self.client.list_parts(Bucket=BUCKET, Key=KEY, UploadId=self.upload_id).get("Parts", [])

    def complete(self, *etags: str) -> Any:
        parts: Any = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        return self.client.complete_multipart_upload(
            Bucket=BUCKET, Key=KEY, UploadId=self.upload_id, MultipartUpload={"Parts": parts}
        )

    def last(self) -> Exchange:
        """The last PUT, once it has ended."""
        found = self.script.log("UploadPart")[-1]
        while not found.end:
            time.sleep(0.01)
        return found


@contextmanager
def open_bench(background: Background, *, forwarding: bool) -> Iterator[Bench]:
    store = background.run(FakeStore().__aenter__())
    script: FaultServer = store
    if forwarding:
        script = background.run(FaultServer(Forward("127.0.0.1", store.port)).__aenter__())
    client = make_client(script.url, next(iter(KEYS.items())))
    client.create_bucket(Bucket=BUCKET)
    rule: Any = {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["PUT"], "ExposeHeaders": ["ETag"]}
    client.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
    upload_id = client.create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
    with httpx.Client(timeout=30) as web:
        yield Bench(script, store, client, web, upload_id)
    for one in {script, store}:
        background.run(one.__aexit__(None, None, None))


@pytest.fixture(params=["the fake store", "another store"])
def bench(request: pytest.FixtureRequest, background: Background) -> Iterator[Bench]:
    with open_bench(background, forwarding=request.param == "another store") as opened:
        yield opened


@pytest.fixture
def fake(background: Background) -> Iterator[Bench]:
    """Where the store itself is to do wrong: no real one can be brought to that."""
    with open_bench(background, forwarding=False) as opened:
        yield opened


def test_without_a_rule_the_store_answers(bench: Bench) -> None:
    answer = bench.put()
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert bench.stored() == {1: BODY}
    done = bench.last()
    assert (done.operation, done.key, done.part_number, done.attempt) == ("UploadPart", KEY, 1, 1)
    assert (done.received, done.status, done.end, done.fault) == (len(BODY), 200, "answered", "")


@pytest.mark.parametrize("after", [0, 300_000, None])
def test_cut(bench: Bench, after: int | None) -> None:
    bench.script.add(Rule(faults.cut(after)))
    with pytest.raises(httpx.TransportError):
        bench.put()
    assert bench.stored() == {}
    assert (bench.last().end, bench.last().received) == ("cut", len(BODY) if after is None else after)


def test_lose_answer(bench: Bench) -> None:
    bench.script.add(Rule(faults.lose_answer()))
    with pytest.raises(httpx.TransportError):
        bench.put()
    assert bench.stored() == {1: BODY}
    assert (bench.last().end, bench.last().status) == ("cut", 200)


@pytest.mark.parametrize("after", [100_000, None])
def test_hang(bench: Bench, after: int | None) -> None:
    bench.script.add(Rule(faults.hang(after)))
    with pytest.raises(httpx.TimeoutException):
        bench.web.put(bench.url(), content=BODY, timeout=0.5)
    assert bench.stored() == {}


def test_delay(bench: Bench) -> None:
    bench.script.add(Rule(faults.delay(0.3)))
    assert bench.put().status_code == 200
    assert bench.last().ended - bench.last().began >= 0.3


def test_cut_answer(bench: Bench) -> None:
    bench.script.add(Rule(faults.cut_answer(20), "ListParts"))
    params = {"Bucket": BUCKET, "Key": KEY, "UploadId": bench.upload_id}
    url = bench.client.generate_presigned_url("list_parts", Params=params)
    with bench.web.stream("GET", url) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.ReadError):
            answer.read()


def test_say_and_then_the_connection_goes_on(bench: Bench) -> None:
    bench.script.add(Rule(faults.say(503, "SlowDown", headers={"Retry-After": "7"}), times=1))
    answer = bench.put()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert "<Code>SlowDown</Code>" in answer.text
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert bench.stored() == {}
    assert bench.put().status_code == 200


def test_what_a_page_may_not_read(bench: Bench) -> None:
    for fault in (faults.say(503, "SlowDown", cors=False), faults.show_page(200), faults.hide_cors()):
        bench.script.rules = [Rule(fault)]
        assert "access-control-allow-origin" not in bench.put().headers
    assert bench.stored() == {1: BODY}, "the last one was stored"
    bench.script.rules = [Rule(faults.hide_etag())]
    answer = bench.put()
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-expose-headers" not in answer.headers


def test_expire_comes_after_the_body(bench: Bench) -> None:
    bench.script.add(Rule(faults.expire()))
    answer = bench.put()
    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code>" in answer.text
    assert bench.last().received == len(BODY)
    assert bench.stored() == {}


def test_lists_that_lie(bench: Bench) -> None:
    for number in (1, 2, 3):
        bench.put(number, b"x" * number)
    bench.script.rules = [Rule(faults.forget_part(2), "ListParts")]
    assert [part["PartNumber"] for part in bench.listed()] == [1, 3]
    bench.script.rules = [Rule(faults.misreport_part(2, "Size", "7"), "ListParts")]
    assert [part["Size"] for part in bench.listed()] == [1, 7, 3]


def test_blank(bench: Bench) -> None:
    bench.script.add(Rule(faults.blank(), "ListParts"))
    params = {"Bucket": BUCKET, "Key": KEY, "UploadId": bench.upload_id}
    answer = bench.web.get(bench.client.generate_presigned_url("list_parts", Params=params))
    assert (answer.status_code, answer.text.strip()) == (200, "")


def test_flip(bench: Bench) -> None:
    bench.script.add(Rule(faults.flip(7)))
    assert bench.put().status_code == 200
    stored = bench.stored()[1]
    assert stored != BODY
    assert stored[:7] + bytes([stored[7] ^ 1]) + stored[8:] == BODY


def test_rules_tell_requests_apart(bench: Bench) -> None:
    bench.script.rules = [
        Rule(faults.say(500, "InternalError"), part_number=1, attempts=range(1, 3)),
        Rule(faults.say(501, "NotImplemented"), key="nowhere"),
        Rule(faults.say(502), part_number=2, seconds=0),
    ]
    assert [bench.put(1).status_code for _ in range(3)] == [500, 500, 200]
    assert bench.put(2).status_code == 200
    assert [rule.struck for rule in bench.script.rules] == [2, 0, 0]


def test_a_share_is_drawn_by_its_seed(bench: Bench) -> None:
    drawn = []
    for seed in (5, 5, 6):
        bench.script.rules = [Rule(faults.say(500), share=0.4, seed=seed)]
        drawn.append([bench.put(1, b"x").status_code for _ in range(30)])
    assert drawn[0] == drawn[1] != drawn[2]
    assert 0 < drawn[0].count(500) < 30


def test_exchanges_hold_no_secret(bench: Bench) -> None:
    """I7."""
    bench.put()
    assert any(len(secret) == 64 for secret in bench.script.signatures)
    told = repr(bench.script.exchanges)
    assert all(secret not in told for secret in bench.script.signatures)


def test_many_at_once(bench: Bench) -> None:
    """Faults are each request's own."""
    bench.script.add(Rule(faults.delay(0.2), part_number=1))
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda number=number: answers.append(bench.put(number).status_code))
        for number in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    assert len(bench.stored()) == 8


def test_misplace(fake: Bench) -> None:
    fake.script.add(Rule(faults.misplace(5)))
    fake.put(1)
    assert fake.stored() == {5: BODY}


def test_overwrite(fake: Bench) -> None:
    fake.script.add(Rule(faults.overwrite(b"old")))
    right = fake.put(1).headers["etag"]
    assert fake.stored() == {1: b"old"}
    assert [part["ETag"] for part in fake.listed()] != [right]


def test_assemble_short(fake: Bench) -> None:
    fake.script.add(Rule(faults.assemble_short(3), "CompleteMultipartUpload"))
    etag = fake.put(1).headers["etag"]
    fake.complete(etag)
    assert fake.client.head_object(Bucket=BUCKET, Key=KEY)["ContentLength"] == len(BODY) - 3
