"""HTTP/1.1 as the fakes speak it: one request read, one answer written, a connection reset. Knows nothing of S3."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

BLOCK = 64 * 1024


class Left(Exception):
    """The client has closed the connection."""


@dataclass
class Request:
    """One request. target: as it was sent, path and query; path: the same decoded; query: decoded pairs in order.

    headers: lower-case names; body: filled once it has been read; tamper: wrongs for the fake store to do.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = field(default=b"", repr=False)
    tamper: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        return dict(query_pairs(self.target))

    @property
    def length(self) -> int:
        """Bytes of the body that are announced."""
        return int(self.headers.get("content-length", 0))


@dataclass
class Response:
    """One answer. Header names as they go out; Content-Length is added by whoever sends it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    def drop(self, *names: str) -> None:
        """Take headers out, whatever their case. A name that ends with ``*`` stands for all that begin so."""
        for name in list(self.headers):
            lower = name.lower()
            if any(lower.startswith(one[:-1]) if one.endswith("*") else lower == one for one in names):
                del self.headers[name]


def query_pairs(target: str) -> list[tuple[str, str]]:
    """The query's names and values, decoded; a name alone has the value ""."""
    pairs = (pair.partition("=") for pair in target.partition("?")[2].split("&") if pair)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


async def listen(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object],
) -> tuple[asyncio.Server, int]:
    """Serve on a free port of loopback; the server and its port.

    The receive buffer is small, or a "stalled" reader would still swallow megabytes.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BLOCK)
    server = await asyncio.start_server(serve, sock=listener, limit=BLOCK)  # type: ignore[arg-type]
    port: int = listener.getsockname()[1]
    return server, port


async def read_head(reader: asyncio.StreamReader) -> Request:
    """The request line and the headers. Raises ``asyncio.IncompleteReadError`` when there is no more."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    return Request(method, target, parse_headers(lines[1:]))


async def read_answer(reader: asyncio.StreamReader, method: str) -> Response:
    """One whole answer, with header names in lower case."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    if status == HTTPStatus.CONTINUE:
        return await read_answer(reader, method)
    headers = parse_headers(lines[1:])
    body = b""
    if method != "HEAD" and status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        body = await _read_body(reader, headers)
    return Response(status, headers, body)


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.read()
    content = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        content += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return bytes(content)


def parse_headers(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


async def send(
    writer: asyncio.StreamWriter, response: Response, *, method: str = "GET", close: bool = False
) -> None:
    """Write one answer; without its body for HEAD, whose Content-Length tells what GET would answer."""
    headers = {name: value for name, value in response.headers.items() if name.lower() != "connection"}
    if "content-length" not in {name.lower() for name in headers} and response.status != 204:
        headers["Content-Length"] = str(len(response.body))
    if close:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {response.status} {phrase(response.status)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    if method != "HEAD" and response.body:
        writer.write(response.body)
    await writer.drain()


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unnamed"


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, as a failing network does, rather than with a polite FIN."""
    connection: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
