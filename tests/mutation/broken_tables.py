"""A pytest plugin that breaks one entry of the core's tables: ``BROKEN_ENTRY=17 pytest -p tests.mutation.broken_tables``.

mutmut changes what functions do. The transitions and the verdicts stand in tables beside them: here each of their
entries goes missing once, and each target of a transition.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping
from functools import partial
from typing import Any

from upload_engine.core import retry, states


def breaks() -> Iterator[tuple[str, Callable[[], None]]]:
    """Every way to break a table: what it is called, and the deed."""
    for (phase, event), targets in states.TRANSITIONS.items():
        name = f"core.states: {phase}, {event.__name__}"
        yield f"{name}: gone", partial(_drop, states.TRANSITIONS, (phase, event))
        for target in sorted(targets):
            fewer = targets - {target}
            yield f"{name}: never {target}", partial(_put, states.TRANSITIONS, (phase, event), fewer)
    for table in (retry._BY_CODE, retry._BY_STATUS):
        for key, verdict in table.items():
            yield f"core.retry: {key} is no longer {verdict.name}", partial(_drop, table, key)


def _drop(table: MutableMapping[Any, Any], key: Any) -> None:
    del table[key]


def _put(table: MutableMapping[Any, Any], key: Any, value: Any) -> None:
    table[key] = value


def pytest_configure() -> None:
    """Before any test is collected."""
    list(breaks())[int(os.environ["BROKEN_ENTRY"])][1]()
