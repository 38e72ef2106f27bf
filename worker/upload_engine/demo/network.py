"""A network that exists in numbers only. Time and chance are arguments.

A request is a ``Trip``: there, with its bytes, and back, with the answer. Every trip draws its luck when it begins, and is
lost once it has come as far as its moment while the loss is greater than its luck: so a lever that is moved acts on what is
on the way already, and never twice on the same trip.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from upload_engine.core.errors import NetworkFault
from upload_engine.interfaces import Clock

TICK = 0.05
"""Seconds within which what is on the way feels a change, and tells how far it is."""
LEAST_SLEEP = 0.001
SENT, ANSWERED = 0.1, 0.9
"""How much of a trip is over when its first byte leaves, and when its last one has arrived."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """bandwidth: bytes per second for all trips together, None for no limit; latency: seconds there and back;

    loss: the part of all requests that is lost on the way, 0–1; offline: nothing comes through; failing: the store
    refuses some of the parts.
    """

    bandwidth: int | None = 8 * 1024 * 1024
    latency: float = 0.05
    loss: float = 0.0
    offline: bool = False
    failing: bool = False


class Network:
    """``conditions`` may be replaced at any time. ``under_way``: the trips that have begun and not ended."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.conditions = Conditions()
        self.under_way = 0
        self._clock = clock
        self._rng = rng
        self._sending = 0

    def trip(self) -> Trip:
        """A request about to leave. Use it as a context manager."""
        return Trip(self, self._clock, self._rng.random(), self._rng.random())

    def begin_sending(self) -> None:
        self._sending += 1

    def end_sending(self) -> None:
        self._sending -= 1

    def share(self) -> float | None:
        """Bytes per second for each of those that send; None for no limit."""
        bandwidth = self.conditions.bandwidth
        return None if bandwidth is None else bandwidth / max(1, self._sending)


class Trip:
    """One request, and the way back of its answer. Both raise NetworkFault when it is lost."""

    def __init__(self, network: Network, clock: Clock, luck: float, moment: float) -> None:
        self._network = network
        self._clock = clock
        self._luck = luck
        self._moment = moment

    def __enter__(self) -> Trip:
        self._network.under_way += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._network.under_way -= 1

    async def there(
        self,
        size: int = 0,
        on_progress: Callable[[int], None] = lambda _: None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Carry ``size`` bytes to the other end, or as many of them as it wants."""
        await self._cross(0.0)
        self._network.begin_sending()
        try:
            await self._send(size, on_progress, is_wanted)
        finally:
            self._network.end_sending()
        self._survive(ANSWERED)

    async def back(self) -> None:
        """Carry the answer."""
        await self._cross(ANSWERED)
        self._survive(1.0)

    async def _cross(self, done: float) -> None:
        """Half of the latency."""
        began = self._clock.now()
        self._survive(done)
        while (rest := self._network.conditions.latency / 2 - (self._clock.now() - began)) > 0:
            await self._clock.sleep(min(TICK, max(rest, LEAST_SLEEP)))
            self._survive(done)

    async def _send(
        self, size: int, on_progress: Callable[[int], None], is_wanted: Callable[[], bool]
    ) -> None:
        sent, told, at = 0.0, 0, self._clock.now()
        while sent < size and is_wanted():
            self._survive(SENT + (ANSWERED - SENT) * sent / size)
            share = self._network.share()
            if share is None:
                sent = size
            else:
                await self._clock.sleep(min(TICK, max((size - sent) / share, LEAST_SLEEP)))
                now = self._clock.now()
                sent = min(size, sent + (self._network.share() or size) * (now - at))
                at = now
            if int(sent) > told:
                told = int(sent)
                on_progress(told)

    def _survive(self, done: float) -> None:
        conditions = self._network.conditions
        if conditions.offline:
            raise NetworkFault("there is no network")
        if self._luck < conditions.loss and done >= self._moment:
            raise NetworkFault("the request was lost on the way")
