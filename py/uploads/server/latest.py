"""A mapping that forgets: what is kept for the latest so many names, so that nobody can fill the memory. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Latest(OrderedDict[K, V]):
    """At most `most` names, of which the one that came first goes first. A name that is set again keeps its place."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, name: K, value: V) -> None:
        super().__setitem__(name, value)
        while len(self) > self._most:
            self.popitem(last=False)
