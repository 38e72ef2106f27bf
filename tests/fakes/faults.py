"""What can go wrong between a page and its store, each as one fault for a ``Rule`` of ``tests.fakes.fault_server``.

All but the last four work in front of any store. Those ask the fake store to do wrong (``Request.tamper``), since no
real one can be brought to.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from tests.fakes.fault_server import Cut, Fault, Turn
from tests.fakes.http_wire import Response
from tests.fakes.s3_xml import error_body

PAGE = b"<!doctype html><html><head><title>Welcome</title></head><body>Please sign in to this network.</body></html>"


# The wire.


def cut(after: int | None = 0) -> Fault:
    """Reset the connection once so many bytes of the body have come; None: all of them, of which the store sees none."""

    async def cut(turn: Turn) -> Response:
        await turn.read(after)
        raise Cut

    return cut


def lose_answer() -> Fault:
    """The store does what it was asked, and the connection is reset before anybody hears of it."""

    async def lose_answer(turn: Turn) -> Response:
        turn.exchange.status = (await turn.serve()).status
        raise Cut

    return lose_answer


def hang(after: int | None = None) -> Fault:
    """Neither read on nor answer, once so many bytes of the body have come (None: all of them)."""

    async def hang(turn: Turn) -> Response:
        await turn.read(after)
        return await turn.hang()

    return hang


def delay(seconds: float) -> Fault:
    """The store has done it, and takes its time to say so."""

    async def delay(turn: Turn) -> Response:
        response = await turn.serve()
        await asyncio.sleep(seconds)
        return response

    return delay


def cut_answer(keep: int) -> Fault:
    """Of the answer's body only so many bytes arrive."""

    async def cut_answer(turn: Turn) -> Response:
        response = await turn.serve()
        turn.exchange.status = response.status
        head = [f"HTTP/1.1 {response.status} Cut", f"Content-Length: {len(response.body)}"]
        head += [
            f"{name}: {value}" for name, value in response.headers.items() if name.lower() != "content-length"
        ]
        turn.writer.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + response.body[:keep])
        await turn.writer.drain()
        await asyncio.sleep(0.05)  # or the reset overtakes what has been written
        raise Cut

    return cut_answer


# Answers that the store did not give.


def say(
    status: int,
    code: str = "",
    *,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    cors: bool = True,
) -> Fault:
    """An answer in the store's place, with S3's XML when there is a ``code``, before any byte of the body is read."""

    async def say(turn: Turn) -> Response:
        content = body if body is not None else error_body(code, "Scripted.") if code else b""
        found = {"Content-Type": "application/xml", "x-amz-request-id": "scripted", **(headers or {})}
        return Response(status, found | (turn.cors() if cors else {}), content)

    return say


def show_page(status: int, *, cors: bool = False) -> Fault:
    """A proxy or captive portal answers with a page of its own, which a browser lets nobody read unless ``cors``."""
    return say(status, headers={"Content-Type": "text/html"}, body=PAGE, cors=cors)


def expire(code: str = "AccessDenied") -> Fault:
    """The signed URL is found to have expired when the whole body has come."""

    async def expire(turn: Turn) -> Response:
        await turn.read()
        return Response(403, turn.cors(), error_body(code, "Request has expired"))

    return expire


def tell_all(status: int = 403, code: str = "SignatureDoesNotMatch") -> Fault:
    """The store's complaint quotes the request with its signature and credential, as S3's own does."""

    async def tell_all(turn: Turn) -> Response:
        quoted = f"{turn.request.target} {turn.request.headers.get('authorization', '')}"
        return Response(status, turn.cors(), error_body(code, f"The canonical request was {quoted}"))

    return tell_all


# Answers that arrive changed.


def edit(change: Callable[[Response], None]) -> Fault:
    """The store's own answer, changed."""

    async def edit(turn: Turn) -> Response:
        response = await turn.serve()
        change(response)
        return response

    return edit


def hide_cors() -> Fault:
    """No page may read the answer."""
    return edit(lambda response: response.drop("access-control-*"))


def hide_etag() -> Fault:
    """A page may read the answer, but not its ETag."""
    return edit(lambda response: response.drop("access-control-expose-headers"))


def blank() -> Fault:
    """White space instead of the answer: what S3 sends to keep a connection alive, and then no more."""

    def change(response: Response) -> None:
        response.body = b" " * 100

    return edit(change)


def forget_part(number: int) -> Fault:
    """ListParts lacks a part."""
    return edit(lambda response: _change_part(response, number, lambda _: ""))


def misreport_part(number: int, field: str, value: str) -> Fault:
    """ListParts shows a part with another ``Size`` or ``ETag``."""

    def change(text: str) -> str:
        return re.sub(rf"<{field}>.*?</{field}>", f"<{field}>{value}</{field}>", text)

    return edit(lambda response: _change_part(response, number, change))


def _change_part(response: Response, number: int, change: Callable[[str], str]) -> None:
    def each(match: re.Match[str]) -> str:
        text = match.group(0)
        return change(text) if f"<PartNumber>{number}</PartNumber>" in text else text

    response.body = re.sub(r"<Part>.*?</Part>", each, response.body.decode(), flags=re.DOTALL).encode()
    response.drop("content-length")


# Data.


def flip(at: int = 0) -> Fault:
    """One bit of the body changes on the way."""

    async def flip(turn: Turn) -> Response:
        content = bytearray(await turn.read())
        content[at] ^= 1
        return await turn.serve(bytes(content))

    return flip


def tamper(**wrongs: Any) -> Fault:
    """The fake store does as it is asked, and this wrong beside it: see ``Request.tamper``."""

    async def tamper(turn: Turn) -> Response:
        turn.request.tamper.update(wrongs)
        return await turn.serve()

    return tamper


def misplace(number: int) -> Fault:
    """The part is stored under another number."""
    return tamper(part_number=number)


def overwrite(content: bytes) -> Fault:
    """The part is stored and answered for; then a duplicate that was late puts ``content`` in its place."""
    return tamper(then=content)


def assemble_short(lacking: int = 1) -> Fault:
    """The assembled object lacks its last bytes."""
    return tamper(lacking=lacking)
