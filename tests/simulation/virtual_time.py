"""An event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Skipping(selectors.DefaultSelector):
    """A selector that never waits: it moves the loop's clock on by as long as it was told to wait."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("everybody waits and no timer is set: the world has come to a standstill")
        self.loop.virtual_now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time()`` is virtual: it begins at 0 and moves only while everybody sleeps."""

    def __init__(self) -> None:
        self.virtual_now = 0.0
        selector = _Skipping()
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self.virtual_now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class VirtualClock:
    """The engine's Clock on a virtual loop. ``wall_offset`` may be changed: the machine's date is never trusted."""

    def __init__(self) -> None:
        self.wall_offset = 1_700_000_000.0

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_time(self) -> float:
        return self.now() + self.wall_offset

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
