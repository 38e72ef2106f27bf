"""Which of many cases stand for all of them in the default suite; the others run with `-m long`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def mostly_long(cases: Iterable[str], stand_for_all: Collection[str]) -> list[Any]:
    """The cases, for ``parametrize``. Raises ValueError when one that is to stand for all is none of them."""
    known = list(cases)
    if strangers := set(stand_for_all) - set(known):
        raise ValueError(f"no such cases: {sorted(strangers)}")
    return [case if case in stand_for_all else pytest.param(case, marks=pytest.mark.long) for case in known]
