"""What the demo's panel shows, computed from what the worker tells. Pure functions of plain data."""

from uploads.ui import demo_words
from uploads.ui import format as fmt
from uploads.ui.speech import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SLOWEST = 256 * 1024
"""Bytes per second at the left end of the slider."""
STEPS = 10
"""Positions in which the bandwidth doubles."""
UNLIMITED = 101
"""The slider's right end."""
EVENTS = 8

CONTROLS = ("bandwidth", "latency", "loss", "offline", "failing")


def bandwidth_at(position: int) -> "int | None":
    """Bytes per second at a position of the slider; None at its right end."""
    return None if position >= UNLIMITED else int(SLOWEST * 2 ** (position / STEPS))


def position_of(bandwidth: "int | None") -> int:
    """The slider's position that is nearest."""
    positions = range(UNLIMITED)
    if bandwidth is None:
        return UNLIMITED
    return min(positions, key=lambda position: abs((bandwidth_at(position) or 0) - bandwidth))


def said(network: "Mapping[str, Any]") -> "dict[str, str]":
    """The sliders' values in words."""
    bandwidth = network["bandwidth"]
    return {
        "bandwidth": say(demo_words.FULL_SPEED) if bandwidth is None else fmt.speed(bandwidth),
        "latency": demo_words.latency(network["latency"]),
        "loss": demo_words.loss(network["loss"]),
    }


def kept(bytes_stored: int, quota: "int | None") -> str:
    """What the demo keeps in this browser."""
    return say("{} of {}", fmt.size(bytes_stored), fmt.size(quota)) if quota else fmt.size(bytes_stored)


class History:
    """Counters and events over the lives of several workers, each of which begins with none."""

    def __init__(self) -> None:
        self._base: dict[str, int] = {}
        self._now: dict[str, int] = {}
        self._events_before: list[str] = []
        self._events: list[str] = []

    def record(self, counters: "Mapping[str, int]", events: "list[str]") -> None:
        """The worker tells of itself."""
        self._now = dict(counters)
        self._events = list(events)

    def crashed(self) -> None:
        """Another worker begins."""
        self._base = self.counters()
        self._now = {}
        self._events_before = (self.events() + [demo_words.CRASHED])[-EVENTS:]
        self._events = []

    def counters(self) -> "dict[str, int]":
        """All that was ever counted."""
        return {name: self._base.get(name, 0) + self._now.get(name, 0) for name, _ in demo_words.COUNTERS}

    def events(self) -> "list[str]":
        """The last events, oldest first."""
        return (self._events_before + self._events)[-EVENTS:]
