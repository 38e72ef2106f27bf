"""The contracts: plain asynchronous functions with assertions, for CPython and for Pyodide in a worker.

Each module is one role; each public coroutine function in it is one clause, and takes that role's *bench*: the
adapter under test and what is needed to watch it. Nothing here knows pytest, sockets or ``js``.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

Clause = Callable[[Any], Awaitable[None]]


def clauses(role: ModuleType) -> dict[str, Clause]:
    """The clauses of one role by name, in the order in which they are written."""
    return {
        name: thing
        for name, thing in vars(role).items()
        if inspect.iscoroutinefunction(thing)
        and not name.startswith("_")
        and thing.__module__ == role.__name__
    }


async def raised(kind: type[BaseException], awaitable: Awaitable[Any]) -> Any:
    """The exception of that kind which ``awaitable`` must end with."""
    try:
        result = await awaitable
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected, but it returned {result!r}")
