"""How much a request may say, and how long it may take to: a body that is too large or too slow is refused by name.

Counted as it arrives, whatever its headers promise.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from uploads.server.answering import answer
from uploads.server.problems import Problem

MOST = 4 * 1024 * 1024
"""Bytes. The longest request that makes sense lists 10,000 parts, in 2.4 MB at the most."""
PATIENCE = 30.0
"""Seconds for all of a body: those of the API are small."""


class BodyLimit:
    """Lets bodies of `most` bytes through that arrive within `patience` seconds."""

    def __init__(self, app: ASGIApp, most: int = MOST, patience: float = PATIENCE) -> None:
        self._app = app
        self._most = most
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdigit() and int(length) > self._most:
            await answer(scope, send, self._too_large())
            return
        limit = asyncio.get_running_loop().time() + self._patience
        came, is_whole = 0, False
        refusal: Problem | None = None

        async def receive_some() -> Message:
            nonlocal came, is_whole, refusal
            if is_whole:  # what follows is the end of the connection, whenever that is
                return await receive()
            try:
                async with asyncio.timeout_at(limit):
                    message = await receive()
            except TimeoutError:
                refusal = Problem(
                    408, "RequestTimeout", "The request took too long to arrive.", retryable=True
                )
                raise refusal from None
            if message["type"] == "http.request":
                came += len(message.get("body", b""))
                is_whole = not message.get("more_body", False)
                if came > self._most:
                    refusal = self._too_large()
                    raise refusal
            return message

        async def send_or_refuse(message: Message) -> None:
            if refusal is None:
                await send(message)
            elif message["type"] == "http.response.start":  # FastAPI has made a "bad request" of it
                await answer(scope, send, refusal)

        await self._app(scope, receive_some, send_or_refuse)

    def _too_large(self) -> Problem:
        return Problem(413, "BodyTooLarge", f"A request has at most {self._most} bytes.")
