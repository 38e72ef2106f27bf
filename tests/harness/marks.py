"""Which of many cases stand for all of them in the default suite; the others run with `-m long`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def mostly_long(cases: Iterable[Any], stand_for_all: Collection[Any]) -> list[Any]:
    """The cases, for ``parametrize``; one of several values is a tuple. Raises ValueError when one that is to stand for all is none of them."""
    known = list(cases)
    if strangers := set(stand_for_all) - set(known):
        raise ValueError(f"no such cases: {sorted(strangers)}")
    return [case if case in stand_for_all else _left_out(case) for case in known]


def _left_out(case: Any) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.long)
