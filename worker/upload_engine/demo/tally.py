"""What happened on the simulated network, counted and in words: for the demo's panel."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

EVENTS_SHOWN = 8


@dataclass(slots=True)
class Counters:
    """``lost``: requests that broke off; ``refused``: parts that the store did not take; ``again``: parts that were sent

    once more.
    """

    requests: int = 0
    links: int = 0
    stored: int = 0
    refused: int = 0
    lost: int = 0
    again: int = 0


class Tally:
    """``on_change`` is called whenever there is something new to show; ``events``: the last ones, oldest first."""

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self.counters = Counters()
        self.events: deque[str] = deque(maxlen=EVENTS_SHOWN)
        self.on_change = on_change
        self._are_links_new = False

    def add(self, **counts: int) -> None:
        """Count something."""
        for name, count in counts.items():
            setattr(self.counters, name, getattr(self.counters, name) + count)
        self.on_change()

    def tell(self, sentence: str) -> None:
        """Something happened that a person would like to hear of."""
        self.events.append(sentence)
        self.on_change()

    def links_expired(self) -> None:
        """From now on every link is one of before."""
        self._are_links_new = True

    def signed(self, count: int) -> None:
        """So many links were signed."""
        if self._are_links_new:
            self._are_links_new = False
            self.tell("Links expired: new ones were signed.")
        self.add(links=count)

    def as_dict(self) -> dict[str, int]:
        return asdict(self.counters)
