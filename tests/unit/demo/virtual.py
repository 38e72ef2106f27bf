"""The demo without an engine, in virtual time."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any

from upload_engine.demo.demo import Demo
from upload_engine.demo.shelf import MemoryShelf

from tests.simulation.virtual_time import VirtualClock, VirtualLoop


def run(
    story: Callable[[Demo, MemoryShelf], Coroutine[Any, Any, None]], rng: random.Random | None = None
) -> None:
    """Run a story to its end."""

    async def begin() -> None:
        shelf = MemoryShelf()
        await story(Demo(shelf, VirtualClock(), rng or random.Random(1), lambda: None), shelf)

    loop = VirtualLoop()
    try:
        loop.run_until_complete(begin())
    finally:
        loop.close()
