"""A server that cannot use its store says why in one sentence, and what to change (ACCEPTANCE N4)."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from uploads.server.diagnosis import _skew, why
from uploads.server.options import Options
from uploads.server.settings import load

from tests.harness.server import ServerProcess, free_port

pytestmark = pytest.mark.stores


@pytest.fixture
def starting(server: ServerProcess, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Another server over the store of the shared one, set up as a test wants it."""
    started: list[ServerProcess] = []

    def make(**settings: str) -> ServerProcess:
        keys = server.admin_keys
        good = {
            "AWS_ENDPOINT_URL_S3": server.store_url,
            "AWS_ACCESS_KEY_ID": keys["access_key"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
            "UPLOADS_BUCKET": "start-errors",
        }
        one = ServerProcess(tmp_path / f"data{len(started)}", port=None, **good | settings)
        started.append(one)
        return one

    yield make
    for one in started:
        one.discard()


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Something that answers everything so, and is no S3 store."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = answer  # noqa: N815 - their names there

        def log_message(self, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}"
        host.shutdown()


def assert_ends(server: ServerProcess, words: str) -> None:
    with pytest.raises(AssertionError, match="ended with status 2"):
        server.start()
    last = server.log.strip().splitlines()[-1]
    assert words in last, last
    assert "Traceback" not in server.log
    assert last.endswith(".")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKnobody"}, "does not know this access key: look at AWS_ACCESS_KEY_ID"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong-secret-key"}, "look at AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}, "the store cannot be reached at 127.0.0.1:1"),
        ({"AWS_ENDPOINT_URL_S3": "http://nowhere.invalid"}, "the store cannot be reached at nowhere.invalid"),
        ({"UPLOADS_BUCKET": "has.dots..no"}, "UPLOADS_BUCKET"),
    ],
)
def test_what_is_wrong_is_named(
    starting: Callable[..., ServerProcess], settings: dict[str, str], words: str
) -> None:
    assert_ends(starting(**settings), words)


def test_without_credentials_it_says_where_they_go(
    starting: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = starting(HOME=str(tmp_path))
    server.unset("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    assert_ends(server, "there are no credentials: set AWS_ACCESS_KEY_ID")


def test_a_bucket_that_may_not_be_made_is_told_from_one_that_may_not_be_used(
    starting: Callable[..., ServerProcess], server: ServerProcess
) -> None:
    """The embedded store's own signer may write to one bucket, and make none."""
    signer = server.signer_keys
    may_not = {"AWS_ACCESS_KEY_ID": signer["access_key"], "AWS_SECRET_ACCESS_KEY": signer["secret_key"]}
    server.s3.create_bucket(Bucket="not-the-signers")
    assert_ends(
        starting(**may_not, UPLOADS_BUCKET="not-the-signers"), "may not use it: they need s3:ListBucket"
    )
    ended = starting(**may_not, UPLOADS_BUCKET="is-not-there")
    with pytest.raises(AssertionError, match="ended with status 2"):
        ended.start()
    assert "UPLOADS_BUCKET" in ended.log or "they need s3:" in ended.log


@pytest.mark.parametrize("status", [200, 404, 403, 500])
def test_what_is_no_store_is_told(starting: Callable[..., ServerProcess], status: int) -> None:
    with answering(status, b"<!doctype html><title>Welcome</title><p>Hello") as url:
        assert_ends(starting(AWS_ENDPOINT_URL_S3=url), "no S3 store: look at AWS_ENDPOINT_URL_S3")


def test_an_address_for_browsers_that_does_not_answer_is_a_warning(
    starting: Callable[..., ServerProcess],
) -> None:
    """It may be one that only browsers reach."""
    port = free_port()
    server = starting(UPLOADS_PUBLIC_ENDPOINT=f"http://127.0.0.1:{port}")
    server.start()
    assert f"127.0.0.1:{port}, where browsers are to reach it: look at UPLOADS_PUBLIC_ENDPOINT" in server.log
    assert httpx.get(f"{server.url}/healthz").json()["preflight"] == "unreachable"


def test_a_store_that_lets_no_page_upload_is_a_warning_with_the_rule_to_set(
    starting: Callable[..., ServerProcess],
) -> None:
    with answering(403, b"no") as url:
        server = starting(UPLOADS_PUBLIC_ENDPOINT=url)
        server.start()
    assert "does not let pages of" in server.log
    assert '"CORSRules": [{"ID": "upload-worker", "AllowedOrigins": ["http://127.0.0.1:' in server.log
    assert httpx.get(f"{server.url}/healthz").json()["preflight"] == "refused"


def test_the_embedded_store_lets_the_page_upload(server: ServerProcess) -> None:
    assert httpx.get(f"{server.url}/healthz").json()["preflight"] == "allowed"


@pytest.mark.parametrize(
    ("code", "status", "headers", "words"),
    [
        ("PermanentRedirect", 301, {"x-amz-bucket-region": "eu-west-1"}, "region eu-west-1, not in us-east-1: set AWS_REGION"),
        ("AuthorizationHeaderMalformed", 400, {}, "in another region, not in us-east-1: set AWS_REGION"),
        ("RequestTimeTooSkewed", 403, {"date": "Wed, 21 Oct 2015 07:28:00 GMT"}, "seconds ahead of the store's: set it"),
        ("RequestTimeTooSkewed", 403, {}, "too far from the store's"),
        ("ExpiredToken", 400, {}, "AWS_SESSION_TOKEN"),
        ("Unheard", 400, {}, "(Unheard)"),
    ],
)  # fmt: skip
def test_what_only_other_stores_say_is_told_as_well(
    code: str, status: int, headers: dict[str, str], words: str
) -> None:
    answer: Any = {
        "Error": {"Code": code},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    assert words in why(ClientError(answer, "HeadBucket"), load(Options()), None)


def test_how_far_a_clock_is_off() -> None:
    now = datetime(2015, 10, 21, 7, 30, tzinfo=UTC)
    assert _skew("Wed, 21 Oct 2015 07:28:00 GMT", now) == "120 seconds ahead of the store's"
    assert _skew("Wed, 21 Oct 2015 09:28:00 GMT", now) == "7,080 seconds behind the store's"
