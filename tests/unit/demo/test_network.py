"""The demo's simulated network, in virtual time (ACCEPTANCE H4)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from upload_engine.core.errors import NetworkFault
from upload_engine.demo.network import TICK, Conditions, Network, Trip

from tests.simulation.virtual_time import VirtualClock, VirtualLoop

MB = 1_000_000
STILL = Conditions(bandwidth=MB, latency=0.0)


class Fixed(random.Random):
    """Draws what it is told: a trip's luck, and its moment."""

    def __init__(self, *draws: float) -> None:
        super().__init__()
        self._draws = list(draws)

    def random(self) -> float:
        return self._draws.pop(0)


def run(
    story: Callable[[Network, VirtualLoop], Coroutine[Any, Any, None]], rng: random.Random | None = None
) -> None:
    async def begin() -> None:
        network = Network(VirtualClock(), rng or random.Random(1))
        network.conditions = STILL
        await story(network, loop)

    loop = VirtualLoop()
    try:
        loop.run_until_complete(begin())
    finally:
        loop.close()


async def whole(network: Network, size: int, heard: list[int] | None = None) -> None:
    with network.trip() as trip:
        await trip.there(size, (heard if heard is not None else []).append)
        await trip.back()


def test_bytes_take_their_time_and_are_told_as_they_go() -> None:
    async def story(network: Network, loop: VirtualLoop) -> None:
        heard: list[int] = []
        await whole(network, 2 * MB, heard)
        assert loop.time() == pytest.approx(2, abs=0.01)
        assert heard == sorted(set(heard))
        assert heard[-1] == 2 * MB
        assert len(heard) > 2 / TICK / 2

    run(story)


def test_those_that_send_share_fairly() -> None:
    async def story(network: Network, loop: VirtualLoop) -> None:
        ends: list[float] = []

        async def send(size: int) -> None:
            await whole(network, size)
            ends.append(loop.time())

        await asyncio.gather(send(MB), send(MB), send(2 * MB))
        assert ends == pytest.approx([3, 3, 4], abs=0.2)

    run(story)


def test_without_a_limit_only_latency_is_left() -> None:
    async def story(network: Network, loop: VirtualLoop) -> None:
        network.conditions = Conditions(bandwidth=None, latency=2.0)
        await whole(network, 1000 * MB)
        assert loop.time() == pytest.approx(2, abs=0.01)

    run(story)


def test_a_lever_acts_on_what_is_on_the_way() -> None:
    async def story(network: Network, loop: VirtualLoop) -> None:
        sending = asyncio.ensure_future(whole(network, 100 * MB))
        await asyncio.sleep(10)
        network.conditions = replace(STILL, bandwidth=90 * MB)
        await sending
        assert loop.time() == pytest.approx(11, abs=2 * TICK)
        network.conditions = replace(STILL, latency=60.0)
        waiting = asyncio.ensure_future(whole(network, 0))
        await asyncio.sleep(1)
        network.conditions = STILL
        await waiting
        assert loop.time() == pytest.approx(12, abs=4 * TICK)

    run(story)


def test_without_a_network_what_is_on_the_way_breaks_and_nothing_begins() -> None:
    async def story(network: Network, loop: VirtualLoop) -> None:
        sending = [asyncio.ensure_future(whole(network, 100 * MB)) for _ in range(3)]
        await asyncio.sleep(5)
        assert network.under_way == 3
        network.conditions = replace(STILL, offline=True)
        broken = await asyncio.gather(*sending, return_exceptions=True)
        assert [type(fault) for fault in broken] == [NetworkFault] * 3
        assert loop.time() <= 5 + 2 * TICK
        assert network.under_way == 0
        with pytest.raises(NetworkFault):
            await whole(network, 0)

    run(story)


@pytest.mark.parametrize(("moment", "sent"), [(0.05, 0), (0.5, MB // 2), (0.95, MB)])
def test_a_request_is_lost_at_its_moment(moment: float, sent: int) -> None:
    """Before a byte has left, among the bytes, or when only the answer is missing."""

    async def story(network: Network, loop: VirtualLoop) -> None:
        network.conditions = Conditions(bandwidth=MB, latency=0.2, loss=0.4)
        heard = [0]
        with pytest.raises(NetworkFault):
            await whole(network, MB, heard)
        assert heard[-1] == pytest.approx(sent, abs=2 * TICK * MB)

    run(story, Fixed(0.3, moment))


def test_a_lucky_request_is_not_lost_until_there_is_more_loss() -> None:
    async def story(network: Network, loop: VirtualLoop) -> None:
        network.conditions = replace(STILL, loss=0.2)
        sending = asyncio.ensure_future(whole(network, 10 * MB))
        await asyncio.sleep(5)
        assert not sending.done()
        network.conditions = replace(STILL, loss=0.5)
        with pytest.raises(NetworkFault):
            await sending
        assert loop.time() <= 5 + 2 * TICK

    run(story, Fixed(0.3, 0.1))


def test_as_many_are_lost_as_were_asked_for() -> None:
    async def story(network: Network, loop: VirtualLoop) -> None:
        network.conditions = Conditions(bandwidth=None, latency=0.0, loss=0.3)
        trips = [whole(network, size) for size in (0, MB) * 1000]
        lost = [fault for fault in await asyncio.gather(*trips, return_exceptions=True) if fault]
        assert 500 < len(lost) < 700

    run(story)


def test_what_is_not_wanted_any_more_is_not_sent() -> None:
    async def story(network: Network, loop: VirtualLoop) -> None:
        wanted = [True]
        with network.trip() as trip:
            sending = asyncio.ensure_future(_there(trip, lambda: wanted[0]))
            await asyncio.sleep(1)
            wanted[0] = False
            await sending
        assert loop.time() <= 1 + 2 * TICK

    run(story)


async def _there(trip: Trip, is_wanted: Callable[[], bool]) -> None:
    await trip.there(100 * MB, is_wanted=is_wanted)


def test_who_gives_up_gives_the_others_room() -> None:
    async def story(network: Network, loop: VirtualLoop) -> None:
        leaver = asyncio.ensure_future(whole(network, 100 * MB))
        stayer = asyncio.ensure_future(whole(network, 2 * MB))
        await asyncio.sleep(1)
        leaver.cancel()
        await stayer
        assert loop.time() == pytest.approx(2.5, abs=2 * TICK)
        assert network.under_way == 0

    run(story)
