"""Who may do what, end to end: the real server and store, users of applications, guests, and the operator's own rules."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import jwt
import pytest
import uvicorn

from tests.harness.secrets import EVIDENCE
from tests.harness.server import ROOT, ServerProcess, free_port

pytestmark = pytest.mark.stores

BACKENDS = str(ROOT / "examples" / "backends")
JWT_SECRET = "the secret of an application, shared"
EVIDENCE.keep_secret("key of the server", JWT_SECRET)
RULES = '''
"""Rules of an operator, found beside the server's working directory."""


def authorize(user, file):
    from uploads.server.permission import Decision

    if file.name == "break.txt":
        raise RuntimeError("on purpose")
    if file.name.endswith(".exe"):
        return Decision(False, f"No programs, {user.id}.")
    return Decision(True, project_id="by-rule", metadata={"plan": "pro"}, max_size=1000)
'''


def token(user: str, **claims: Any) -> dict[str, str]:
    text = jwt.encode({"sub": user, "exp": time.time() + 600} | claims, JWT_SECRET, algorithm="HS256")
    EVIDENCE.keep_secret("token of an application", text)
    return {"Authorization": f"Bearer {text}"}


def visitor(url: str, user: str = "") -> httpx.Client:
    return httpx.Client(base_url=url, timeout=60, headers=token(user) if user else {})


def upload(client: httpx.Client, body: bytes = b"hello", name: str = "a.txt", **more: Any) -> dict[str, Any]:
    answer = client.post(
        "s3/multipart", json={"filename": name, "type": "text/plain", "size": len(body), **more}
    )
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    sent = httpx.put(created["urls"]["1"], content=body)
    assert sent.status_code == 200, sent.text
    return created | {"etag": sent.headers["etag"]}


def complete(client: httpx.Client, created: dict[str, Any]) -> httpx.Response:
    return client.post(
        f"s3/multipart/{created['uploadId']}/complete",
        params={"key": created["key"]},
        json={"parts": [{"PartNumber": 1, "ETag": created["etag"]}]},
    )


def every_call(client: httpx.Client, created: dict[str, Any], key: str) -> dict[str, httpx.Response]:
    """All that can be asked about an upload by its id."""
    path, params = f"s3/multipart/{created['uploadId']}", {"key": key}
    return {
        "list": client.get(path, params=params),
        "sign": client.get(f"{path}/1", params=params),
        "sign many": client.get(f"{path}/batch", params=params | {"partNumbers": "1,2"}),
        "status": client.get(f"{path}/status", params=params),
        "complete": complete(client, created | {"key": key}),
        "abort": client.delete(path, params=params),
    }


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of an application's users alone, with an operator's rules."""
    folder = tmp_path_factory.mktemp("strict")
    (folder / "operators_rules.py").write_text(RULES)
    server = ServerProcess(
        folder / "data",
        UPLOADS_JWT_SECRET=JWT_SECRET,
        UPLOADS_GUESTS="off",
        UPLOADS_AUTHORIZE="operators_rules:authorize",
        PYTHONPATH=str(folder),
    )
    try:
        server.start()
        yield server
    finally:
        server.discard()


def test_another_users_upload_is_not_there(server: ServerProcess) -> None:
    """K5, for guests."""
    with visitor(server.url) as alice, visitor(server.url) as bob:
        created = upload(alice)
        theirs = bob.get("s3/uploads").json()["userId"]
        for key in (created["key"], created["key"].replace(created["userId"], theirs)):
            for name, answer in every_call(bob, created, key).items():
                assert (answer.status_code, answer.json()["code"]) == (404, "NoSuchUpload"), name
        assert bob.get("s3/uploads").json()["uploads"] == []
        assert complete(alice, created).status_code == 200, "nothing has happened to it"
        assert bob.get("s3/object", params={"key": created["key"]}).status_code == 404
        assert alice.get("s3/object", params={"key": created["key"]}).status_code == 302


def test_where_there_are_no_guests_one_has_to_sign_in(strict: ServerProcess) -> None:
    """K2."""
    with visitor(strict.url) as nobody:
        page = nobody.get("")
        assert page.status_code == 200
        assert "set-cookie" not in page.headers
        assert "data-guest" not in page.text
        for answer in (
            nobody.get("s3/uploads"),
            nobody.post("s3/multipart", json={"filename": "a", "size": 1}),
            nobody.get("s3/params", params={"filename": "a"}),
            nobody.get("s3/guest/challenge"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (401, "SignInNeeded")
    with visitor(strict.url, "alice") as alice:
        claim = {"userId": "guest-1", "challenge": "x", "proof": "0" * 64}
        assert alice.post("s3/guest/return", json=claim).json()["code"] == "NoGuests"


def test_the_operators_rules_decide_before_anything_is_created(strict: ServerProcess) -> None:
    """K3, K5 for users of an application."""
    with visitor(strict.url, "alice") as alice, visitor(strict.url, "bob") as bob:
        before = strict.open_uploads()
        for path, wanted in (
            ("s3/multipart", {"filename": "a.exe", "size": 1}),
            ("s3/params", {"files": [{"filename": "a.exe", "size": 1}]}),
        ):
            answer = alice.post(path, json=wanted)
            assert (answer.status_code, answer.json()["code"]) == (403, "NotAllowed")
            assert answer.json()["message"] == "No programs, alice."
        broken = alice.post("s3/multipart", json={"filename": "break.txt", "size": 1})
        assert (broken.status_code, broken.json()["code"]) == (503, "Undecided")
        assert broken.json()["retryable"] is True
        large = alice.post("s3/multipart", json={"filename": "a.txt", "size": 1001})
        assert (large.status_code, large.json()["code"]) == (413, "EntityTooLarge")
        untold = alice.post("s3/multipart", json={"filename": "a.txt"})
        assert untold.status_code == 422
        assert strict.open_uploads() == before
        created = upload(alice, projectId="mine")
        assert created["key"].startswith("uploads/alice/by-rule/")
        assert all(answer.status_code == 404 for answer in every_call(bob, created, created["key"]).values())
        assert complete(alice, created).status_code == 200
        found = strict.s3.head_object(Bucket=strict.bucket, Key=created["key"])
        assert found["Metadata"]["plan"] == "pro"
    assert "on purpose" not in strict.log


@pytest.mark.long
def test_the_secret_is_changed_in_mid_upload(own_server: ServerProcess, tmp_path: Path) -> None:
    """K4: what the old one has signed is good while it is named, and no longer."""
    own_server.start()
    old = own_server.secret_of_data
    with visitor(own_server.url) as guest:
        first, second = upload(guest), upload(guest, name="b.txt")
        found_again = upload(guest, name="c.txt")
        own_server.set(
            UPLOADS_SECRET="a new secret that is long", UPLOADS_SECRET_BEFORE=f"older-than-that-one,{old}"
        )
        own_server.restart()
        listed = {one["key"]: one for one in guest.get("s3/uploads").json()["uploads"]}
        assert {first["key"], second["key"]} <= set(listed), "the guest is still the same"
        assert complete(guest, first).status_code == 200
        again = found_again | {"uploadId": listed[found_again["key"]]["uploadId"]}
        answer = complete(guest, again)
        assert answer.status_code == 200, answer.text
        status = guest.get(f"s3/multipart/{again['uploadId']}/status", params={"key": again["key"]}).json()
        assert status["state"] == "completed", "it knows the token of the old secret"
        third = upload(guest, name="d.txt")
        own_server.set(UPLOADS_SECRET="a new secret that is long", UPLOADS_SECRET_BEFORE="")
        own_server.restart()
        assert complete(guest, second).status_code == 404, "the old secret is forgotten"
        with visitor(own_server.url) as stranger:
            assert complete(stranger, third).status_code == 404


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """An example, imported by its name as its readers do."""
    monkeypatch.syspath_prepend(BACKENDS)
    return importlib.import_module


@pytest.fixture
def in_fastapi(
    server: ServerProcess, example: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The example's application as it stands, over the same store."""
    keys = server.admin_keys
    port = free_port()
    for name, value in {
        "AWS_ENDPOINT_URL_S3": server.store_url,
        "AWS_ACCESS_KEY_ID": keys["access_key"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
        "UPLOADS_BUCKET": "mounted",
        "UPLOADS_SECRET": "a secret of the mounted one",
        "UPLOADS_JWT_SECRET": JWT_SECRET,
        "UPLOADS_GUESTS": "off",
    }.items():
        monkeypatch.setenv(name, value)
    app = example("fastapi_app").app
    running = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        while not running.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join()


def test_the_api_inside_a_fastapi_application(in_fastapi: str) -> None:
    """K6."""
    with httpx.Client(base_url=in_fastapi) as web:
        assert web.get("/token").status_code == 401
        tokens = {
            user: web.get("/token", headers={"x-signed-in": user}).json()["token"]
            for user in ("alice", "bob", "eve")
        }

    def signed_in(user: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"{in_fastapi}/uploads", headers={"Authorization": f"Bearer {tokens[user]}"}
        )

    with signed_in("alice") as alice, signed_in("bob") as bob, signed_in("eve") as eve:
        created = upload(alice)
        done = complete(alice, created)
        assert done.status_code == 200, done.text
        assert done.headers["content-security-policy"].startswith("default-src 'none'")
        location = done.json()["location"]
        assert location.startswith(f"{in_fastapi}/uploads/s3/object")
        assert alice.get(location, follow_redirects=True).text == "hello"
        assert bob.get(location).status_code == 404
        refused = bob.post("s3/multipart", json={"filename": "a", "size": 1_000_001})
        assert (refused.status_code, refused.json()["message"]) == (
            403,
            "Your plan takes files of up to 1,000,000 bytes.",
        )
        assert eve.post("s3/multipart", json={"filename": "a", "size": 1}).json()["code"] == "NotAllowed"


@pytest.mark.parametrize("missing", ["UPLOADS_SECRET", "AWS_ENDPOINT_URL_S3"])
def test_what_a_mounted_application_needs_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """K6."""
    from uploads.server.errors import UserError
    from uploads.server.mounting import create_app

    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("UPLOADS_SECRET", "a secret of the mounted one")
    monkeypatch.delenv(missing)
    with pytest.raises(UserError, match=missing):
        create_app()


@pytest.mark.long
def test_django_knows_the_users(
    example: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K6: Django's view gives the token, and its rules run in the upload server."""
    monkeypatch.setenv("UPLOADS_JWT_SECRET", JWT_SECRET)
    django_app = example("django_app")

    class Quiet(WSGIRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

    with make_server("127.0.0.1", 0, django_app.application, handler_class=Quiet) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        with httpx.Client(base_url=f"http://127.0.0.1:{site.server_port}") as web:
            assert web.get("/token").status_code == 401
            tokens = {
                user: web.get("/token", headers={"x-signed-in": user}).json()["token"]
                for user in ("alice", "bob")
            }
        site.shutdown()
    server = ServerProcess(
        tmp_path / "data",
        UPLOADS_JWT_SECRET=JWT_SECRET,
        UPLOADS_GUESTS="off",
        UPLOADS_AUTHORIZE="django_app:authorize",
        PYTHONPATH=BACKENDS,
    )
    try:
        server.start()
        with httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {tokens['alice']}"}
        ) as alice:
            created = upload(alice)
            assert "/alice/articles/" in created["key"]
            assert complete(alice, created).status_code == 200
        with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {tokens['bob']}"}) as bob:
            refused = bob.post("s3/multipart", json={"filename": "a", "size": 1})
            assert (refused.status_code, refused.json()["message"]) == (403, "Only editors may upload.")
    finally:
        server.discard()


def test_a_rule_that_cannot_be_found_ends_the_start(own_server: ServerProcess) -> None:
    """K3."""
    own_server.set(UPLOADS_AUTHORIZE="nowhere:authorize")
    with pytest.raises(AssertionError, match="UPLOADS_AUTHORIZE: nowhere cannot be imported"):
        own_server.start()
