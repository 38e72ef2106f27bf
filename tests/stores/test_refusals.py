"""Whatever is made up is refused by name, and nothing of it reaches the store (ACCEPTANCE L5)."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.fakes.background import Background
from tests.fakes.fault_server import FaultServer
from tests.fakes.forward import Forward
from tests.harness.server import ServerProcess

pytestmark = pytest.mark.stores

NAMES = [
    "../../etc/passwd", "..\\..\\boot.ini", "a\0b", "\u202egnp.exe", "a\u2066b", "/", ".", "..", "", " ", "\n", "x" * 1000,
    "é" * 900, "😀" * 400, "con", "a/b/c", "%2e%2e%2f", "\ud800", "-rf", "'; drop", "<script>", "${jndi:x}", "\ufeff",
]  # fmt: skip
BAD_KEYS = [
    "../other/x", "a/../../other", "..", ".", "a//b", "a\\b", "a\0b", "a\nb", "\u202eb", "x" * 1025, "é" * 513, "/",
    "uploads/guest-000000000000000000000000/default/x/../y", "",
]  # fmt: skip


SAFE = "%/?#&=+~:@!$'()*,;"


@dataclass
class Watched:
    """A server, and what stands between it and its store: a log of all that it asks of it."""

    server: ServerProcess
    store: FaultServer
    person: httpx.Client

    def asked(self) -> list[str]:
        """What the store was asked for since the last look."""
        found = [exchange.operation for exchange in self.store.exchanges]
        self.store.exchanges.clear()
        return found


@pytest.fixture(scope="module")
def watched(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with Background() as background:
        port = urlsplit(server.store_url).port or 0
        store = background.run(FaultServer(Forward("127.0.0.1", port)).__aenter__())
        keys = server.admin_keys
        own = ServerProcess(
            tmp_path_factory.mktemp("watched") / "data",
            AWS_ENDPOINT_URL_S3=store.url,
            AWS_ACCESS_KEY_ID=keys["access_key"],
            AWS_SECRET_ACCESS_KEY=keys["secret_key"],
            UPLOADS_BUCKET="watched",
        )
        try:
            own.start()
            with httpx.Client(base_url=own.url, timeout=30) as person:
                person.get("/")
                yield Watched(own, store, person)
        finally:
            own.discard()
            background.run(store.__aexit__(None, None, None))


def create(person: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = person.post("/s3/multipart", json={"filename": "a", "type": "text/plain", "size": 5} | more)
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


def assert_refused(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    body = answer.json()
    assert body["code"]
    assert body["message"]
    assert body["retryable"] is False
    assert "Traceback" not in answer.text


def every_call(person: httpx.Client, upload_id: str, key: str) -> Iterator[httpx.Response]:
    path, params = f"/s3/multipart/{upload_id}", {"key": key}
    yield person.get(path, params=params)
    yield person.get(f"{path}/1", params=params)
    yield person.get(f"{path}/batch", params=params | {"partNumbers": "1"})
    yield person.get(f"{path}/status", params=params)
    yield person.post(
        f"{path}/complete", params=params, json={"parts": [{"PartNumber": 1, "ETag": "0" * 32}]}
    )
    yield person.delete(path, params=params)


def test_no_forged_or_foreign_id_gets_anywhere(watched: Watched) -> None:
    person = watched.person
    created = create(person)
    good, key = created["uploadId"], created["key"]
    payload, mark = good.rsplit(".", 1)
    inside = (
        json.loads(base64.urlsafe_b64decode(payload.lstrip(".") + "=="))
        if not payload.startswith(".")
        else None
    )
    changed = [
        # The last letter has two bits that say nothing: A to D are one and the same there.
        f"{payload}.{mark[:-1]}{'A' if mark[-1] not in 'ABCD' else 'E'}",
        f"{payload}.",
        f"{payload[:-1]}{'A' if payload[-1] != 'A' else 'B'}.{mark}",
        payload,
        mark,
        "a" * 5000,
        "null",
        "..%2f..",
        "%00",
        "e30.e30",
        good.upper(),
        f"{good}x",
    ]
    if inside is not None:
        for at, value in ((1, "guest-other"), (4, 10**12), (5, 1), (7, 10**12)):
            forged = [*inside[:at], value, *inside[at + 1 :]]
            text = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
            changed.append(f"{text}.{mark}")
    watched.asked()
    for upload_id in changed:
        for answer in every_call(person, upload_id, key):
            assert_refused(answer)
    for other in (f"{key}x", key.upper(), key.replace("guest-", "guest-0"), "", "x" * 2000):
        for answer in every_call(person, good, other):
            assert_refused(answer)
    with httpx.Client(base_url=watched.server.url) as stranger:
        stranger.get("/")
        for answer in every_call(stranger, good, key):
            assert_refused(answer)
    assert watched.asked() == []


@pytest.mark.parametrize("number", ["0", "-1", "2", "10001", "1e3", "99999999999999999999", "x", "1.5", "٣"])
def test_no_part_that_the_upload_does_not_have_is_signed(watched: Watched, number: str) -> None:
    created = create(watched.person)
    watched.asked()
    path = f"/s3/multipart/{created['uploadId']}"
    assert_refused(watched.person.get(f"{path}/{number}", params={"key": created["key"]}))
    assert_refused(
        watched.person.get(f"{path}/batch", params={"key": created["key"], "partNumbers": f"1,{number}"})
    )
    assert watched.asked() == []


def test_only_the_parts_of_the_file_make_it(watched: Watched) -> None:
    created = create(watched.person)
    watched.asked()
    every: list[Any] = [
        [], [{}], [{"PartNumber": 0, "ETag": "a"}], [{"PartNumber": 10001, "ETag": "a"}], [{"PartNumber": 1, "ETag": ""}],
        [{"PartNumber": 1, "ETag": "a"}] * 2, [{"PartNumber": 1, "ETag": "a"}, {"PartNumber": 2, "ETag": "a"}],
        [{"PartNumber": 2, "ETag": "a"}], [{"PartNumber": "one", "ETag": "a"}], [{"PartNumber": 1, "ETag": "a" * 300}], "x", None,
    ]  # fmt: skip
    for parts in every:
        answer = watched.person.post(
            f"/s3/multipart/{created['uploadId']}/complete",
            params={"key": created["key"]},
            json={"parts": parts},
        )
        assert_refused(answer)
    assert watched.asked() == []


@pytest.mark.parametrize("key", BAD_KEYS)
def test_no_key_leaves_the_users_own_place(watched: Watched, key: str) -> None:
    watched.asked()
    answer = watched.person.post("/s3/multipart", json={"filename": "a", "size": 5, "key": key})
    if key == "":  # none was asked for
        assert answer.status_code == 200
        return
    assert_refused(answer)
    assert watched.asked() == []
    assert_refused(watched.person.get("/s3/object", params={"key": key}))


@pytest.mark.parametrize("name", NAMES)
def test_any_name_becomes_a_safe_key(watched: Watched, name: str) -> None:
    body = json.dumps(
        {
            "filename": name,
            "type": name[:200],
            "size": 5,
            "projectId": name[:200],
            "metadata": {"n": name[:200]},
        }
    )
    answer = watched.person.post("/s3/multipart", content=body, headers={"Content-Type": "application/json"})
    if answer.status_code != 200:
        assert_refused(answer)
        return
    created = answer.json()
    steps = created["key"].split("/")
    assert steps[:2] == ["uploads", created["userId"]]
    assert len(steps) == 5
    assert not {"", ".", ".."} & set(steps)
    assert created["key"].isprintable()
    assert len(created["key"].encode()) <= 1024


@pytest.mark.parametrize(
    "wanted",
    [
        {"size": -1}, {"size": 10**30}, {"size": "many"}, {"size": 1.5}, {"size": 5, "partSize": 0}, {"size": 10**9, "partSize": 1},
        {"size": 10 * 2**20, "partSize": 5 * 2**20 - 1}, {"size": 2**50}, {"filename": 7}, {"filename": "x" * 1001},
        {"type": "x" * 256}, {"metadata": {"a b": "c"}}, {"metadata": {"upload-proof": "mine"}}, {"metadata": {"n": "x" * 3000}},
        {"metadata": [1]}, {"metadata": "x"}, {"projectId": "x" * 201}, {"key": "x" * 1025},
    ],
)  # fmt: skip
def test_no_nonsense_is_created(watched: Watched, wanted: dict[str, Any]) -> None:
    watched.asked()
    assert_refused(watched.person.post("/s3/multipart", json={"filename": "a", "size": 5} | wanted))
    assert watched.asked() == []


@pytest.mark.parametrize("size", ["²", "9" * 31, "9" * 5000, "-1", "1.5", "many"])
def test_no_form_is_signed_for_a_size_that_is_none(watched: Watched, size: str) -> None:
    watched.asked()
    assert_refused(watched.person.get("/s3/params", params={"filename": "a", "size": size}))
    assert watched.asked() == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"), (b"{", "application/json"), (b"[" * 100_000, "application/json"), (b"null", "application/json"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "application/json"), (b"\xff\xfe", "application/json"), (b"NaN", "application/json"),
        (b'{"filename":"a","size":1}', "text/plain"), (b"filename=a", "application/x-www-form-urlencoded"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"), (b'{"size":' + b"9" * 5000 + b"}", "application/json"),
    ],
)  # fmt: skip
def test_no_odd_body_is_understood(watched: Watched, body: bytes, kind: str) -> None:
    watched.asked()
    assert_refused(watched.person.post("/s3/multipart", content=body, headers={"Content-Type": kind}))
    assert watched.asked() == []


def test_a_thousand_random_addresses_are_refused_without_asking_the_store(watched: Watched) -> None:
    dice = random.Random(1)
    letters = "ab/%.?#&=+ \\é\u202e0129-_~:@!$'()*,;"
    watched.asked()
    for _ in range(1000):
        path = "".join(dice.choice(letters) for _ in range(dice.randrange(1, 60)))
        method = dice.choice(["GET", "POST", "PUT", "DELETE", "PATCH"])
        url = f"{watched.server.url}/s3/multipart/{quote(path, safe=SAFE)}"
        answer = watched.person.request(method, url, content=b"{}" if method != "GET" else None)
        assert answer.status_code < 500, path
        assert answer.status_code >= 400, path
    assert watched.asked() == []
