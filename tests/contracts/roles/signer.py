"""UploadSigner: JSON goes out, any answer comes back whole, cancel aborts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from upload_engine.core.errors import NetworkFault
from upload_engine.interfaces import ApiRequest, UploadSigner

from tests.contracts.roles import raised


@dataclass
class Bench:
    """signer: under test, talks to the scripted server; nowhere: one that talks to an address where nobody listens;
    path: unused so far; control: ``ScriptedS3``'s, from here.
    """

    signer: UploadSigner
    nowhere: UploadSigner
    path: str
    control: Callable[[dict[str, Any]], Awaitable[Any]]

    async def script(self, *steps: dict[str, Any]) -> None:
        await self.control({"script": {self.path: list(steps)}})

    async def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.control({"log": self.path})
        return found


async def sends_json_and_returns_the_answer(bench: Bench) -> None:
    await bench.script({"body": '{"uploadId": "é"}', "headers": {"Content-Type": "application/json"}})
    request = ApiRequest("POST", f"{bench.path}?key=a%2Fb", {"filename": "ü.bin", "size": 5 * 2**30})
    answer = await bench.signer.call(request)
    [exchange] = await bench.log()
    assert (answer.status, answer.text) == (200, '{"uploadId": "é"}'), answer
    assert answer.headers["content-type"] == "application/json", answer.headers
    assert (exchange["method"], exchange["query"]) == ("POST", "key=a%2Fb"), exchange
    assert json.loads(exchange["body"]) == {"filename": "ü.bin", "size": 5 * 2**30}, exchange
    assert exchange["headers"]["content-type"] == "application/json", exchange


async def sends_no_body_when_there_is_none(bench: Bench) -> None:
    for method in ("GET", "DELETE"):
        await bench.signer.call(ApiRequest(method, bench.path))
    found = await bench.log()
    assert [one["method"] for one in found] == ["GET", "DELETE"], found
    assert all(one["received"] == 0 and "content-type" not in one["headers"] for one in found), found


async def a_token_counts_from_the_next_call_on(bench: Bench) -> None:
    for token in ("", "first.one", "second.one"):
        bench.signer.token = token
        await bench.signer.call(ApiRequest("GET", bench.path))
    told = [one["headers"].get("authorization") for one in await bench.log()]
    assert told == [None, "Bearer first.one", "Bearer second.one"], told


async def an_error_is_an_answer(bench: Bench) -> None:
    await bench.script({"status": 429, "body": '{"error": "slow down"}', "headers": {"Retry-After": "3"}})
    answer = await bench.signer.call(ApiRequest("GET", bench.path))
    assert (answer.status, answer.text) == (429, '{"error": "slow down"}'), answer
    assert answer.headers["retry-after"] == "3", answer


async def a_long_list_arrives_whole(bench: Bench) -> None:
    parts = [{"PartNumber": number, "Size": 2**24, "ETag": f'"{number:032x}"'} for number in range(1, 10_001)]
    await bench.script({"body": json.dumps(parts)})
    answer = await bench.signer.call(ApiRequest("GET", bench.path))
    assert json.loads(answer.text) == parts


async def a_cut_is_a_network_fault(bench: Bench) -> None:
    await bench.script(*[{"then": "cut"}] * 12)  # a browser repeats a request on a kept-alive connection
    await raised(NetworkFault, bench.signer.call(ApiRequest("POST", bench.path, {"a": 1})))


async def nobody_listening_is_a_network_fault(bench: Bench) -> None:
    await raised(NetworkFault, bench.nowhere.call(ApiRequest("GET", bench.path)))


async def cancel_ends_the_request(bench: Bench) -> None:
    await bench.script({"then": "hang"})
    task = asyncio.ensure_future(bench.signer.call(ApiRequest("POST", bench.path, {"a": 1})))
    while not await bench.log():  # noqa: ASYNC110 - it is far away
        await asyncio.sleep(0.02)
    task.cancel()
    await raised(asyncio.CancelledError, task)
    [exchange] = await bench.control({"ended": bench.path})
    assert exchange["end"] == "left", exchange
