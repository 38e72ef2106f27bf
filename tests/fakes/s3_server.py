"""A store that does what a script says: the PUT target of the contracts, and of tests about faults.

Every request to a path takes the next *step* of that path's script, and a plain success when none is left. A step is
a mapping; all keys are optional:

=========== =====================================================================================================
take        read only so many bytes of the body; what happens then says ``then``
then        after ``take``, or after the whole body: ``"answer"`` (the default), ``"cut"`` (reset the connection) or
            ``"hang"`` (neither read nor answer until the other side has gone)
rate        read the body at so many bytes a second
delay       wait so many seconds before the answer
status      200 by default; anything else stores nothing
headers     more headers of the answer
body        text of the answer
cors        false: no CORS headers at all
expose      false: CORS, but no ``Access-Control-Expose-Headers``
=========== =====================================================================================================

A success of a PUT carries ``ETag``: the MD5 of what really arrived. ``exchanges`` tells what took place, in order.
``POST /control`` lets a page in another process do the same: ``{"script": {path: [steps]}}``, ``{"log": path}``,
``{"ended": path}`` (waits), and ``{"hurry": path}``, which ends the effect of ``rate`` there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.fakes.http_wire import BLOCK, Left, Response, listen, read_head, reset, send

Step = dict[str, Any]


@dataclass
class Exchange:
    """One request. received: bytes of its body that arrived; end: how it ended.

    ``answered``; ``left``: the client closed the connection first; ``cut``: the script did; "": it goes on.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    received: int = 0
    md5: str = ""
    status: int = 0
    end: str = ""
    body: str = field(default="", repr=False)


class ScriptedS3:
    """Use as an asynchronous context manager. ``url`` is its address, without a slash at the end."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.scripts: dict[str, list[Step]] = defaultdict(list)
        self.hurried: set[str] = set()
        self.open_now = 0
        self.most_open = 0
        self._ended = asyncio.Condition()

    async def __aenter__(self) -> ScriptedS3:
        self._server, self.port = await listen(self._serve)
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def script(self, path: str, *steps: Step) -> None:
        """Append steps for a path (without query)."""
        self.scripts[path].extend(steps)

    def log(self, path: str, method: str = "") -> list[Exchange]:
        """What took place at a path, without the preflights, or with one method alone."""
        found = [exchange for exchange in self.exchanges if exchange.path == path]
        return [one for one in found if (one.method == method if method else one.method != "OPTIONS")]

    async def ended(self, path: str, count: int = 1) -> list[Exchange]:
        """Wait until ``count`` exchanges at ``path`` have ended."""
        async with self._ended:
            await self._ended.wait_for(lambda: sum(bool(one.end) for one in self.log(path)) >= count)
        return self.log(path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, Left):
            pass  # cancelled: the test is over
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; True while the connection can carry another."""
        head = await read_head(reader)
        method, headers = head.method, head.headers
        path, _, query = head.target.partition("?")
        if method == "OPTIONS":
            return await self._answer(
                writer, self._preflight(path, headers), Exchange(method, path, query, headers)
            )
        if path == "/control":
            command = json.loads(await reader.readexactly(int(headers["content-length"])))
            content = json.dumps(await self.control(command))
            return await self._answer(writer, {"body": content}, Exchange(method, path, query, headers))
        exchange = Exchange(method, path, query, headers)
        self.exchanges.append(exchange)
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        step = self.scripts[path].pop(0) if self.scripts[path] else {}
        try:
            return await self._play(step, exchange, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, Left):
            exchange.end = "left"
            return False
        finally:
            self.open_now -= 1
            async with self._ended:
                self._ended.notify_all()

    async def _play(
        self, step: Step, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        length = int(exchange.headers.get("content-length", 0))
        content = await self._read(reader, exchange, min(step.get("take", length), length), step.get("rate"))
        exchange.md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        exchange.body = content[:BLOCK].decode("utf-8", "replace") if exchange.method != "PUT" else ""
        then = step.get("then", "answer")
        if then == "cut":
            exchange.end = "cut"
            reset(writer)
            return False
        if then == "hang" or step.get("delay"):
            await _outwait(
                reader, None if then == "hang" else step["delay"], whole=exchange.received == length
            )
        exchange.status = step.get("status", 200)
        exchange.end = "answered"
        goes_on = await self._answer(writer, step, exchange)
        return goes_on and exchange.received == length

    async def _read(
        self, reader: asyncio.StreamReader, exchange: Exchange, length: int, rate: float | None
    ) -> bytearray:
        content = bytearray()
        while len(content) < length:
            block = await reader.read(min(BLOCK, length - len(content)))
            if not block:
                raise Left
            content += block
            exchange.received = len(content)
            if rate and exchange.path not in self.hurried:
                await asyncio.sleep(len(block) / rate)
        return content

    async def _answer(self, writer: asyncio.StreamWriter, step: Step, exchange: Exchange) -> bool:
        status = step.get("status", 200)
        content = str(step.get("body", "")).encode()
        headers = {"Content-Length": str(len(content)), "x-amz-request-id": f"request-{len(self.exchanges)}"}
        if exchange.method == "PUT" and status == 200 and "body" not in step:
            headers["ETag"] = f'"{exchange.md5}"'
        if step.get("cors", True):
            headers["Access-Control-Allow-Origin"] = "*"
            if step.get("expose", True):
                headers["Access-Control-Expose-Headers"] = "ETag, x-amz-request-id, retry-after"
        headers |= step.get("headers", {})
        await send(writer, Response(status, headers, content))
        return True

    def _preflight(self, path: str, headers: dict[str, str]) -> Step:
        """Whatever the page asks for is allowed, unless the next step of the path hides CORS."""
        if self.scripts[path] and self.scripts[path][0].get("preflight", True) is False:
            self.scripts[path].pop(0)
            return {"status": 403, "cors": False}
        allowed = {
            "Access-Control-Allow-Methods": headers.get("access-control-request-method", "GET"),
            "Access-Control-Allow-Headers": headers.get("access-control-request-headers", ""),
        }
        return {"status": 204, "headers": allowed}

    async def control(self, command: dict[str, Any]) -> Any:
        for path, steps in command.get("script", {}).items():
            self.script(path, *steps)
        if "hurry" in command:
            self.hurried.add(command["hurry"])
        if "ended" in command:
            return [asdict(exchange) for exchange in await self.ended(command["ended"])]
        if "log" in command:
            return [asdict(exchange) for exchange in self.log(command["log"])]
        return {}


async def _outwait(reader: asyncio.StreamReader, seconds: float | None, *, whole: bool) -> None:
    """Wait, but raise ``Left`` as soon as the client closes. With a body half read nothing more is read of it."""
    if not whole:
        await asyncio.sleep(3600 if seconds is None else seconds)
        return
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_until_closed(reader), seconds)


async def _until_closed(reader: asyncio.StreamReader) -> None:
    if not await reader.read(1):
        raise Left
    raise AssertionError("a second request came before the first was answered")
