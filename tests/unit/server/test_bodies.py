"""A body that takes too long, or too much, is refused whatever the application makes of it (ACCEPTANCE M2)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fastapi import FastAPI, Request
from starlette.middleware import Middleware
from starlette.types import Message
from uploads.server.answering import Mistakes, answer_problems
from uploads.server.bodies import BodyLimit


def ask(*chunks: bytes, hangs: bool = False) -> tuple[int, dict[str, Any]]:
    """A request that arrives in pieces, the last of which may never come."""
    app = FastAPI(middleware=[Middleware(Mistakes), Middleware(BodyLimit, most=10, patience=0.1)])
    answer_problems(app)

    @app.post("/")
    async def read(request: Request) -> dict[str, int]:
        return {"length": len(await request.body())}

    @app.post("/json")
    async def understand(body: dict[str, Any]) -> dict[str, int]:
        return {"length": len(body)}

    answers = []
    for path in ("/", "/json"):
        rest = list(chunks)
        sent: list[Message] = []

        async def receive(rest: list[bytes] = rest) -> Message:
            if rest:
                body = rest.pop(0)
                return {"type": "http.request", "body": body, "more_body": bool(rest) or hangs}
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message, sent: list[Message] = sent) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
        asyncio.run(app(scope, receive, send))
        answers.append((sent[0]["status"], json.loads(sent[1]["body"])))
        assert len(sent) == 2
    assert len({(status, body.get("code")) for status, body in answers}) == 1
    return answers[0]


def test_what_is_short_and_quick_is_taken() -> None:
    assert ask(b'{"a"', b": 1}") == (200, {"length": 8})


def test_what_is_too_long_is_refused_as_it_arrives() -> None:
    status, body = ask(b"12345", b"12345", b"1", hangs=True)
    assert (status, body["code"]) == (413, "BodyTooLarge")


def test_what_never_ends_is_given_up() -> None:
    status, body = ask(b"123", hangs=True)
    assert (status, body["code"], body["retryable"]) == (408, "RequestTimeout", True)
