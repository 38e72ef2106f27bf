"""A server that goes wrong by script, in front of a store: the fake one, or a real one that it forwards to.

Every request is one ``Exchange``, told by operation, part and attempt; the first ``Rule`` that fits it decides what
goes wrong (``tests.fakes.faults`` has the faults), and without one the store answers. Exchanges hold no secret; the
signatures that were seen are kept beside them, for the tests that look for them elsewhere.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.fakes.http_wire import BLOCK, Left, Request, Response, listen, read_head, reset, send
from tests.fakes.s3_names import Operation, operation_of

SECRET_QUERY = ("X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token")
SECRET_HEADERS = ("authorization", "x-amz-security-token")


class Backend(Protocol):
    """What answers when nothing goes wrong."""

    async def answer(
        self, request: Request, operation: Operation, body: AsyncIterator[bytes]
    ) -> Response: ...

    def cors_headers(self, request: Request) -> dict[str, str]:
        """What makes an answer readable for the page that asks."""
        ...


@dataclass
class Exchange:
    """One request. attempt: which try at this operation, key and part it is, from 1; received: bytes of its body that
    arrived; began, ended: seconds on the monotonic clock.

    end: ``answered``; ``cut``: the script reset the connection; ``left``: the client did; "": it goes on.
    """

    operation: str
    key: str
    part_number: int
    attempt: int
    length: int
    fault: str = ""
    received: int = 0
    status: int = 0
    end: str = ""
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0


class Cut(Exception):
    """The script wants this connection reset."""


class Turn:
    """One request in the hands of a fault."""

    def __init__(
        self,
        server: FaultServer,
        request: Request,
        operation: Operation,
        exchange: Exchange,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.request = request
        self.operation = operation
        self.exchange = exchange
        self.writer = writer
        self._backend = server.backend
        self._reader = reader
        self._content = bytearray()
        self._continued = False

    async def read(self, limit: int | None = None) -> bytes:
        """Read the body, up to ``limit`` bytes of it in all. Raises ``Left`` when the client goes."""
        if self.request.headers.get("expect", "").lower() == "100-continue" and not self._continued:
            self._continued = True
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        wanted = self.request.length if limit is None else min(limit, self.request.length)
        while len(self._content) < wanted:
            await self._read_block(wanted)
        return bytes(self._content)

    async def _read_block(self, wanted: int) -> bytes:
        block = await self._reader.read(min(BLOCK, wanted - len(self._content)))
        if not block:
            raise Left
        self._content += block
        self.exchange.received = len(self._content)
        return block

    async def serve(self, body: bytes | None = None) -> Response:
        """What the store itself answers; it hears the request as it comes, or with another ``body``."""
        return await self._backend.answer(self.request, self.operation, self._blocks(body))

    async def _blocks(self, body: bytes | None) -> AsyncIterator[bytes]:
        yield await self.read(len(self._content)) if body is None else body
        while body is None and len(self._content) < self.request.length:
            yield await self._read_block(self.request.length)

    async def hang(self) -> Response:
        """Neither read nor answer until the client goes, which shows only once its body has been read."""
        if self.exchange.received < self.request.length:
            await asyncio.Event().wait()
        await self._reader.read(1)
        raise Left

    def cors(self) -> dict[str, str]:
        return self._backend.cors_headers(self.request)


Fault = Callable[[Turn], Awaitable[Response]]


@dataclass
class Rule:
    """When which fault strikes. All that is given must fit.

    operation: a name, "" for any; part_number, attempts: which, None for any; key: part of the key; share: of the
    requests that fit, by ``seed``; times: at most so often; seconds: for so long, from when the rule was added.
    """

    fault: Fault
    operation: str = "UploadPart"
    part_number: int | None = None
    attempts: range | None = None
    key: str = ""
    share: float = 1.0
    seed: int = 0
    times: int | None = None
    seconds: float | None = None
    name: str = ""
    struck: int = field(default=0, init=False)
    added: float = field(default_factory=time.monotonic, init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self.name = self.name or self.fault.__qualname__.partition(".")[0]

    def fits(self, exchange: Exchange) -> bool:
        """Whether the fault strikes here; the dice are thrown for those alone that fit otherwise."""
        return (
            self.operation in ("", exchange.operation)
            and self.part_number in (None, exchange.part_number)
            and (self.attempts is None or exchange.attempt in self.attempts)
            and self.key in exchange.key
            and (self.times is None or self.struck < self.times)
            and (self.seconds is None or time.monotonic() - self.added < self.seconds)
            and self._dice.random() < self.share
        )


class FaultServer:
    """Use as an asynchronous context manager. ``rules`` may be changed while it runs.

    url: its address, without a slash at the end; signatures: the secrets that requests carried.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.rules: list[Rule] = []
        self.exchanges: list[Exchange] = []
        self.signatures: set[str] = set()
        self._attempts: Counter[tuple[str, str, int]] = Counter()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> FaultServer:
        self._server, self.port = await listen(self._serve)
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            reset(writer)

    def add(self, rule: Rule) -> Rule:
        """One more rule, after those that are there."""
        self.rules.append(rule)
        return rule

    def log(self, operation: str, key: str = "") -> list[Exchange]:
        """What took place of one kind, in order; ``key`` is a part of the key."""
        return [one for one in list(self.exchanges) if one.operation == operation and key in one.key]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # cancelled: the test is over
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; True while the connection can carry another."""
        request = await read_head(reader)
        operation = operation_of(request)
        exchange = self._begin(request, operation)
        turn = Turn(self, request, operation, exchange, reader, writer)
        rule = next((rule for rule in list(self.rules) if rule.fits(exchange)), None)
        if rule:
            rule.struck += 1
            exchange.fault = rule.name
        try:
            response = await (rule.fault(turn) if rule else turn.serve())
            exchange.status = response.status
            await send(writer, response, method=request.method)
            exchange.end = "answered"
            await (
                turn.read()
            )  # what is left of the body: a client that is cut off here could not read the answer
        except Cut:
            exchange.end = "cut"
            reset(writer)
            return False
        except (ConnectionError, asyncio.IncompleteReadError, Left):
            exchange.end = exchange.end or "left"
            return False
        finally:
            exchange.ended = time.monotonic()
        return request.headers.get("connection", "").lower() != "close"

    def _begin(self, request: Request, operation: Operation) -> Exchange:
        place = (operation.name, operation.key, operation.part_number)
        self._attempts[place] += 1
        exchange = Exchange(*place, attempt=self._attempts[place], length=request.length)
        self.exchanges.append(exchange)
        query = request.query
        self.signatures |= {query[name] for name in SECRET_QUERY if name in query}
        self.signatures |= {request.headers[name] for name in SECRET_HEADERS if name in request.headers}
        return exchange
