"""What a failure of the store becomes on its way out: one shape, an honest status, no secret."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from fastapi import FastAPI
from uploads.server.answering import Mistakes, answer_problems

ADDRESS = "http://store.example/bucket/key?X-Amz-Signature=secret"
CUT_OFF = ConnectionClosedError(endpoint_url=ADDRESS)
UNREACHABLE = EndpointConnectionError(endpoint_url=ADDRESS)
BUSY = ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "PutObject")  # type: ignore[typeddict-item]  # what a store really sends


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (CUT_OFF, 503, "StoreUnavailable"),
        (UNREACHABLE, 503, "StoreUnavailable"),
        (BUSY, 503, "SlowDown"),
        (ZeroDivisionError(ADDRESS), 500, "InternalError"),
    ],
)
def test_a_failure_is_answered_in_the_one_shape(
    error: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    answer_problems(app)
    app.add_middleware(Mistakes)

    @app.get("/fail")
    def fail() -> None:
        raise error

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/fail")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["retryable"] is True
    assert "secret" not in answer.text + caplog.text
