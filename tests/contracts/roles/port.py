"""Port: every message, once, in order, with the file beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from upload_engine.interfaces import FileSource, Port


@dataclass
class Bench:
    """port: under test; say: speak as the page, with a file of that name ("" for none); heard: what the page was
    told; leave: the page goes away; handle: of a kept file; beside: what came beside each message that was heard.
    """

    port: Port
    say: Callable[[str, str], Awaitable[None]]
    heard: Callable[[], list[str]]
    leave: Callable[[], None]
    handle: Any
    beside: Callable[[], list[Any]]
    received: list[tuple[str, FileSource | None]] = field(default_factory=list)
    gone: int = 0

    def listen(self) -> None:
        self.port.listen(lambda body, file: self.received.append((body, file)), self._count)

    def _count(self) -> None:
        self.gone += 1

    def bodies(self) -> list[str]:
        return [body for body, _ in self.received]


async def _until(check: Callable[[], Any]) -> None:
    """Wait for what is sure to come; a test that hangs here has failed."""
    while not check():  # noqa: ASYNC110 - for any condition
        await asyncio.sleep(0.005)


async def messages_arrive_in_order(bench: Bench) -> None:
    bench.listen()
    sent = [f'{{"count": {count}}}' for count in range(200)]
    for body in sent:
        await bench.say(body, "")
    await _until(lambda: len(bench.received) >= len(sent))
    assert bench.bodies() == sent


async def messages_from_before_listening_are_kept(bench: Bench) -> None:
    await bench.say("first", "")
    await bench.say("second", "a.bin")
    await asyncio.sleep(0.05)
    bench.listen()
    await bench.say("third", "")
    await _until(lambda: len(bench.received) >= 3)
    assert bench.bodies() == ["first", "second", "third"]


async def a_file_comes_beside_its_message(bench: Bench) -> None:
    bench.listen()
    await bench.say("none", "")
    await bench.say("one", "a.bin")
    await bench.say("none again", "")
    await _until(lambda: len(bench.received) >= 3)
    names = [(body, file.name if file else None) for body, file in bench.received]
    assert names == [("none", None), ("one", "a.bin"), ("none again", None)], names


async def answers_reach_the_page_in_order(bench: Bench) -> None:
    bench.listen()
    sent = [f"“{count}” \U0001f600" for count in range(200)]
    for body in sent:
        bench.port.post(body)
    await _until(lambda: len(bench.heard()) >= len(sent))
    assert bench.heard() == sent


async def a_handle_comes_beside_its_answer(bench: Bench) -> None:
    bench.listen()
    bench.port.post("none")
    bench.port.post("one", bench.handle)
    bench.port.post("none again")
    await _until(lambda: len(bench.heard()) >= 3)
    assert [beside is not None for beside in bench.beside()] == [False, True, False], bench.beside()


async def a_page_that_is_gone_is_no_error(bench: Bench) -> None:
    bench.listen()
    bench.leave()
    for _ in range(3):
        bench.port.post("anyone there?")
        await asyncio.sleep(0.01)
    assert bench.heard() == []


async def a_page_that_leaves_is_told_of_once_after_its_last_words(bench: Bench) -> None:
    bench.listen()
    await bench.say("last words", "a.bin")
    assert bench.gone == 0
    bench.leave()
    await _until(lambda: bench.gone)
    assert (bench.bodies(), bench.gone) == (["last words"], 1), bench.received
