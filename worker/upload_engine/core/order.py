"""The order in which uploads stand in the list, which a person may change. Pure arithmetic of ranks: the lowest comes first.

An upload's rank is the moment at which it began, in milliseconds; what is moved gets a rank between two others.
"""

from __future__ import annotations

from collections.abc import Mapping


def move(ranks: Mapping[str, float], moved: str, before: str | None) -> dict[str, float]:
    """The ranks that change when ``moved`` is put before another upload; ``before``: None for the end.

    No rank is below nothing. Where two ranks leave no room between them, or the first one none before it, all are given anew.
    """
    others = sorted((name for name in ranks if name != moved), key=lambda name: ranks[name])
    place = others.index(before) if before in others else len(others)
    lower = ranks[others[place - 1]] if place else None
    upper = ranks[others[place]] if place < len(others) else None
    if upper is None:
        return {moved: (lower or 0.0) + 1.0}
    rank = upper - 1.0 if lower is None else (lower + upper) / 2
    if rank >= 0.0 if lower is None else lower < rank < upper:
        return {moved: rank}
    others.insert(place, moved)
    first = ranks[others[0]] if others[0] != moved else upper
    return {name: first + index for index, name in enumerate(others)}
