"""The backend of a ``FaultServer`` that hands every request on to a real store, and its answer back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tests.fakes.http_wire import BLOCK, Request, Response, read_answer
from tests.fakes.s3_names import Operation

_OF_THE_LINE = ("connection", "expect", "keep-alive")


class Forward:
    """One connection a request. The Host header stays: presigned URLs have to be signed for this server's address."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)

    async def answer(self, request: Request, operation: Operation, body: AsyncIterator[bytes]) -> Response:
        """See ``Backend.answer``. A store that is out of reach is a 502, as it is of any proxy.

        The head goes first and the body follows as it comes: a store judges a signed URL when the request arrives.
        """
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_LINE}
        lines = [f"{request.method} {request.target} HTTP/1.1", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        try:
            reader, writer = await asyncio.open_connection(*self._target, limit=BLOCK)
        except OSError:
            return Response(502, {"content-type": "text/plain"}, b"the store is out of reach")
        try:
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            async for block in body:
                writer.write(block)
                await writer.drain()
            response = await read_answer(reader, request.method)
        except (OSError, asyncio.IncompleteReadError):
            return Response(502, {"content-type": "text/plain"}, b"the store hung up")  # or whoever asks has
        finally:
            writer.transport.abort()
        if request.method != "HEAD":
            response.drop("content-length")
        response.drop("transfer-encoding", "connection")
        return response

    def cors_headers(self, request: Request) -> dict[str, str]:
        """What the bucket's own rule would say: scripted answers are to be as readable as the store's."""
        origin = request.headers.get("origin")
        if not origin:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": "ETag, x-amz-request-id, Retry-After",
        }
