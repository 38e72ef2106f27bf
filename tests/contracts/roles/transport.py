"""PartTransport: bytes arrive as they are, cancel aborts, no silence is taken for success."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from upload_engine.core.errors import NetworkFault
from upload_engine.interfaces import HttpResponse, PartBody, PartTransport, PutRequest

from tests.contracts.roles import raised

MIB = 1024 * 1024
SLOW = 256 * 1024
"""Bytes a second at which the store reads when a test needs the time to act."""

REPEATS = 12
"""How often a script cuts: a browser repeats a PUT by itself for every kept-alive connection that turns out dead."""


@dataclass
class Bench:
    """transport: under test; address: of a scripted store; path: unused so far; reports_progress: within a part;
    body: bytes to a part body; control: ``ScriptedS3``'s, from here; refused: an address where nobody listens.
    """

    transport: PartTransport
    address: str
    path: str
    reports_progress: bool
    body: Callable[[bytes], PartBody]
    control: Callable[[dict[str, Any]], Awaitable[Any]]
    refused: str

    async def script(self, *steps: dict[str, Any]) -> None:
        await self.control({"script": {self.path: list(steps)}})

    async def put(
        self,
        content: bytes,
        headers: dict[str, str] | None = None,
        progress: list[int] | None = None,
        fields: dict[str, str] | None = None,
    ) -> HttpResponse:
        on_progress = (progress if progress is not None else []).append
        request = PutRequest(
            f"{self.address}{self.path}?X-Amz-Signature=secret", headers or {}, self.body(content), fields
        )
        return await self.transport.put(request, on_progress)

    def check_progress(self, heard: list[int], size: int) -> None:
        """Absolute, never falling, and told to its end; or nothing at all."""
        assert heard == sorted(set(heard)), heard
        assert heard[-1:] == ([size] if self.reports_progress else []), heard

    async def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.control({"log": self.path})
        return found

    async def arrival(self, received: int = 1) -> None:
        """Wait until the store has read so many bytes of the one request."""
        while not (found := await self.log()) or found[-1]["received"] < received:  # noqa: ASYNC110 - it is far away
            await asyncio.sleep(0.02)


def content(size: int, seed: int = 1) -> bytes:
    """Bytes that do not repeat, the same at every call."""
    block = b"".join(hashlib.sha256(f"{seed}/{count}".encode()).digest() for count in range(2048))
    return (block * (size // len(block) + 1))[:size]


def md5_of(sent: bytes) -> str:
    return hashlib.md5(sent, usedforsecurity=False).hexdigest()


async def sends_every_byte_and_returns_the_etag(bench: Bench) -> None:
    sent = content(3 * MIB + 1)
    answer = await bench.put(sent)
    [exchange] = await bench.log()
    assert answer.status == 200, answer
    assert answer.headers["etag"] == f'"{md5_of(sent)}"', answer.headers
    assert (exchange["received"], exchange["md5"]) == (len(sent), md5_of(sent)), exchange
    assert exchange["method"] == "PUT", exchange
    assert "content-type" not in exchange["headers"], exchange  # none was given, so none may be invented


async def sends_no_bytes_at_all(bench: Bench) -> None:
    answer = await bench.put(b"")
    [exchange] = await bench.log()
    assert answer.status == 200, answer
    assert exchange["headers"]["content-length"] == "0", exchange


async def sends_the_given_headers_and_no_cookie(bench: Bench) -> None:
    await bench.put(
        b"abc", {"content-length": "3", "content-type": "text/csv", "x-amz-checksum-crc32": "NSRBwg=="}
    )
    [exchange] = await bench.log()
    headers = exchange["headers"]
    assert headers["content-type"] == "text/csv", headers
    assert headers["x-amz-checksum-crc32"] == "NSRBwg==", headers
    assert headers["content-length"] == "3", headers
    assert "cookie" not in headers, headers


async def sends_a_form_whose_last_field_is_the_file(bench: Bench) -> None:
    """RFC 7578. Stores take what stands before the file for its policy, and nothing that comes after it."""
    fields = {"key": "u/ä b.txt", "policy": "e30=", "x-amz-meta-tag": '"'}
    await bench.script({"status": 201, "headers": {"ETag": '"e"'}})
    heard: list[int] = []
    answer = await bench.put("the file’s bytes".encode(), progress=heard, fields=fields)
    assert (answer.status, answer.headers["etag"]) == (201, '"e"'), answer
    [exchange] = await bench.log()
    assert exchange["method"] == "POST", exchange
    kind, _, boundary = exchange["headers"]["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data", exchange
    before, *pieces, after = exchange["body"].split(f"--{boundary}")
    assert (before, after) == ("", "--\r\n"), exchange
    found = [piece.removeprefix("\r\n").partition("\r\n\r\n") for piece in pieces]
    names = [head.partition('name="')[2].partition('"')[0] for head, _, _ in found]
    assert names == [*fields, "file"], found
    values = [value.removesuffix("\r\n") for _, _, value in found]
    assert values == [*fields.values(), "the file’s bytes"], found
    assert 'filename="' in found[-1][0], found
    bench.check_progress(heard, len("the file’s bytes".encode()))


async def sends_a_form_with_a_large_file(bench: Bench) -> None:
    sent = content(3 * MIB)
    heard: list[int] = []
    await bench.put(sent, fields={"key": "k"}, progress=heard)
    [exchange] = await bench.log()
    assert exchange["received"] == int(exchange["headers"]["content-length"]) > len(sent), exchange
    bench.check_progress(heard, len(sent))


async def progress_is_absolute_and_never_falls(bench: Bench) -> None:
    await bench.script({"rate": 32 * MIB})
    size = 24 * MIB  # the sockets' buffers swallow several MiB at once
    heard: list[int] = []
    await bench.put(content(size), progress=heard)
    bench.check_progress(heard, size)
    assert len(heard) > 2 or not bench.reports_progress, heard


async def a_refusal_is_an_answer(bench: Bench) -> None:
    error = "<Error><Code>AccessDenied</Code></Error>"
    await bench.script({"status": 403, "body": error, "headers": {"Content-Type": "application/xml"}})
    answer = await bench.put(b"abc")
    assert (answer.status, answer.text) == (403, error), answer
    assert answer.headers["content-type"] == "application/xml", answer.headers


async def a_busy_store_is_an_answer(bench: Bench) -> None:
    await bench.script({"status": 503, "headers": {"Retry-After": "7"}})
    answer = await bench.put(b"abc")
    assert (answer.status, answer.headers["retry-after"]) == (503, "7"), answer


async def a_page_from_a_proxy_is_an_answer_without_an_etag(bench: Bench) -> None:
    await bench.script({"body": "<html>Sign in to this network</html>"})
    answer = await bench.put(b"abc")
    assert (answer.status, "etag" in answer.headers) == (200, False), answer


async def reads_at_most_64_kib_of_an_answer(bench: Bench) -> None:
    await bench.script({"status": 500, "body": "x" * (MIB)})
    answer = await bench.put(b"abc")
    assert answer.status == 500, answer.status
    assert len(answer.text) == 64 * 1024, len(answer.text)


async def a_cut_in_the_middle_is_a_network_fault(bench: Bench) -> None:
    await bench.script(*[{"take": MIB, "then": "cut"}] * REPEATS)
    fault = await raised(NetworkFault, bench.put(content(8 * MIB)))
    assert "secret" not in str(fault), fault


async def a_lost_answer_is_a_network_fault(bench: Bench) -> None:
    await bench.script(*[{"then": "cut"}] * REPEATS)
    await raised(NetworkFault, bench.put(content(MIB)))


async def nobody_listening_is_a_network_fault(bench: Bench) -> None:
    request = PutRequest(f"{bench.refused}/b/k?X-Amz-Signature=secret", {}, bench.body(b"abc"))
    fault = await raised(NetworkFault, bench.transport.put(request, lambda _: None))
    assert "secret" not in str(fault), fault


async def an_address_that_is_none_is_a_network_fault(bench: Bench) -> None:
    """It came from a server, so it is no bug of the engine."""
    for url, headers in (("http://[secret/", {}), (f"{bench.address}{bench.path}", {"bad\nname": "secret"})):
        fault = await raised(
            NetworkFault, bench.transport.put(PutRequest(url, headers, bench.body(b"abc")), lambda _: None)
        )
        assert "secret" not in str(fault), fault
    assert await bench.log() == []


async def cancel_in_mid_body_ends_the_request(bench: Bench) -> None:
    await bench.script({"rate": SLOW})
    size = 16 * MIB
    task = asyncio.ensure_future(bench.put(content(size)))
    await bench.arrival(64 * 1024)
    task.cancel()
    await raised(asyncio.CancelledError, task)
    [exchange] = await bench.control({"hurry": bench.path, "ended": bench.path})
    assert exchange["end"] == "left", exchange
    assert 0 < exchange["received"] < size, exchange


async def cancel_while_waiting_for_the_answer_ends_the_request(bench: Bench) -> None:
    await bench.script({"then": "hang"})
    task = asyncio.ensure_future(bench.put(b"abc"))
    await bench.arrival(3)
    task.cancel()
    await raised(asyncio.CancelledError, task)
    [exchange] = await bench.control({"ended": bench.path})
    assert (exchange["end"], exchange["received"]) == ("left", 3), exchange


async def no_progress_is_reported_after_cancel(bench: Bench) -> None:
    await bench.script({"rate": SLOW})
    heard: list[int] = []
    task = asyncio.ensure_future(bench.put(content(16 * MIB), progress=heard))
    await bench.arrival(64 * 1024)
    task.cancel()
    await raised(asyncio.CancelledError, task)
    count = len(heard)
    await bench.control({"hurry": bench.path, "ended": bench.path})
    assert len(heard) == count, heard


async def several_at_once_do_not_mix(bench: Bench) -> None:
    bodies = [content(MIB + count, seed=count) for count in range(4)]
    answers = await asyncio.gather(*(bench.put(body) for body in bodies))
    assert [one.headers["etag"] for one in answers] == [f'"{md5_of(body)}"' for body in bodies]
