"""An event loop in virtual time: its clock jumps to the next timer instead of waiting for it.

It has no selector and makes no system call. With a seed, the callbacks that are ready at the same moment run in a
shuffled order: answers of independent requests may overtake each other, and nobody may count on which is first. What
one producer says in order (the messages of a page, the progress of a request) must therefore be handed on by plain
calls, not by a callback each. The order depends on the seed alone, in every process with the same PYTHONHASHSEED.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")

MOST_TURNS_AT_ONCE = 20_000
"""Turns of the loop without time moving on: somebody runs in circles."""


DATE = 1_700_000_000.0
"""Seconds since 1970 at which every run begins."""
LEAST_SLEEP = 0.001
"""Seconds: a browser's timers know no less."""


class Standstill(Exception):
    """Everybody waits and no timer is set, or everybody is busy and no time passes."""


class _Handle(list[Any]):
    """A callback that waits for its turn, its arguments, and when it is due: what asyncio needs of a handle, and no more.

    It has no context: nobody here has context variables.
    """

    __slots__ = ()

    def cancel(self) -> None:
        self[0] = None
        self[1] = ()

    def cancelled(self) -> bool:
        return self[0] is None

    def when(self) -> float:
        return float(self[2])


class VirtualLoop(asyncio.BaseEventLoop):
    """``time()`` begins at 0 and moves only while everybody sleeps. ``jumped``: seconds that passed in jumps."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.jumped = 0.0
        self._virtual_now = 0.0
        self._soon: list[_Handle] = []
        self._timers: list[tuple[float, int, _Handle]] = []
        self._numbers = itertools.count()
        self._turns = 0
        self._stopping: bool
        shuffler = random.Random(seed)
        self._place: Callable[[_Handle], float] | None = (
            (lambda _: shuffler.random()) if seed is not None else None
        )
        self._tasks: list[weakref.ref[asyncio.Task[Any]]] = []
        self.set_task_factory(_make_task)  # type: ignore[arg-type]
        self.set_exception_handler(lambda loop, context: None)  # a result that nobody fetched is no bug

    def time(self) -> float:
        return self._virtual_now

    def jump(self, seconds: float) -> None:
        """The machine slept: so much time has passed, and every timer that was due in it fires late, together."""
        self._virtual_now += seconds
        self.jumped += seconds

    def live_tasks(self) -> list[asyncio.Task[Any]]:
        """In the order in which they were begun, which sets of tasks do not keep."""
        found = [task for reference in self._tasks if (task := reference()) and not task.done()]
        self._tasks = [weakref.ref(task) for task in found]
        return found

    # What the base class asks for.

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        handle = _Handle((callback, args, self._virtual_now))
        self._soon.append(handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        return self.call_at(self._virtual_now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        handle = _Handle((callback, args, when))
        heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def _write_to_self(self) -> None:
        pass

    def _run_once(self) -> None:
        timers = self._timers
        if not self._soon and not self._stopping:
            self._move_on()
        while timers and timers[0][0] <= self._virtual_now:
            self._soon.append(heapq.heappop(timers)[2])
        self._turns += 1
        if self._turns > MOST_TURNS_AT_ONCE:
            raise Standstill("everybody is busy and no time passes")
        soon, self._soon = self._soon, []
        if self._place and len(soon) > 1:
            soon.sort(key=self._place)
        turn = iter(soon)
        try:
            for callback, args, _ in turn:
                if callback is not None:
                    callback(*args)
        finally:  # what a callback raises ends the run, and the others still have to be put away
            self._soon[:0] = turn

    def _move_on(self) -> None:
        """To the next timer."""
        timers = self._timers
        while timers and timers[0][2][0] is None:
            heapq.heappop(timers)
        if not timers:
            raise Standstill("everybody waits and no timer is set")
        if timers[0][0] > self._virtual_now:
            self._virtual_now = timers[0][0]
            self._turns = 0


def _make_task(loop: VirtualLoop, coro: Coroutine[Any, Any, T], **kwargs: Any) -> asyncio.Task[T]:
    task = asyncio.Task(coro, loop=loop, **kwargs)
    loop._tasks.append(weakref.ref(task))
    return task


def run(main: Coroutine[Any, Any, T], seed: int | None = None) -> T:
    """Run to the end in virtual time, shuffled by ``seed`` if there is one."""
    loop = VirtualLoop(seed)
    try:
        return loop.run_until_complete(main)
    finally:
        close(loop)


def close(loop: VirtualLoop) -> None:
    """End all tasks that are left, and the loop."""
    loop._turns = 0
    try:
        while left := loop.live_tasks():
            for task in left:
                task.cancel()
            with suppress(asyncio.CancelledError):  # a browser that dies takes everything with it
                loop.run_until_complete(asyncio.wait(left))
    finally:
        loop.close()


class VirtualClock:
    """The engine's Clock on a virtual loop. ``wall_offset`` may be changed: the machine's date is never trusted."""

    def __init__(self) -> None:
        self.wall_offset = DATE
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        return self._loop.time()

    def wall_time(self) -> float:
        return self._loop.time() + self.wall_offset

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, LEAST_SLEEP))
