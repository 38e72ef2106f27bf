"""Waiting for what happens in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds; only what never happens takes longer."""


def wait_for(look: Callable[[], T]) -> T:
    """What ``look`` answers as soon as that is true. Raises ``AssertionError`` when it never is."""
    limit = time.monotonic() + PATIENCE
    while not (answer := look()):
        assert time.monotonic() < limit, "it never happened"
        time.sleep(0.05)
    return answer
