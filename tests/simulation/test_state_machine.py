"""People and browsers in any order that Hypothesis can think of: whatever they do, the invariants hold.

``HYPOTHESIS_EXAMPLES=2000`` tries more of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from upload_engine.core.limits import MIB
from uploads import protocol as p

from tests.simulation.browser import Disk, Life, Page, Storage
from tests.simulation.plan import Item
from tests.simulation.virtual_time import VirtualLoop, close
from tests.simulation.world import World

pytestmark = pytest.mark.no_cover  # what it reaches by chance proves nothing; counted, it takes twice as long

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "500"))
OFFLINE = "line: offline for hours"
LONG_ENOUGH = 4_000.0
NAMES = st.sampled_from(("a", "b"))
CLICKS = st.sampled_from((p.PAUSE_UPLOAD, p.RESUME_UPLOAD, p.RETRY_UPLOAD))


class Uploads(RuleBasedStateMachine):
    """Two files, one browser, any number of lives."""

    @initialize(seed=st.integers(0, 10_000))
    def begin(self, seed: int) -> None:
        self.loop = VirtualLoop(seed)
        self.disks = {"a": Disk("a", 24 * MIB + 1), "b": Disk("b", 7 * MIB, lazy=True)}
        self.edited: set[str] = set()
        self.number = 0
        self.killed = False
        self.run(self._begin(seed))

    async def _begin(self, seed: int) -> None:
        self.world = World(seed=seed, bytes_per_second=2e6, latency=0.1)
        self.world.on_item = self._on_item
        self.storage = Storage(self.world)
        await self._open()
        self.add("a")
        await self._pass(1.0)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    async def _open(self) -> None:
        self.killed = False
        self.life = Life(
            self.world, self.storage, self.number, strict=False, chunk_size=5 * MIB, progress_interval=1000
        )
        self.world.oracle.interval = 1.0
        self.life.page.on_text = self.world.oracle.heard
        self.life.page.on_session = self.world.oracle.shown
        await self.life.__aenter__()

    async def _reopen(self) -> None:
        """A crash, and the person gives the files again that are waited for."""
        await self.life.__aexit__()
        await asyncio.sleep(0.5)
        await self._open()
        await asyncio.sleep(0.5)
        for name in self.disks:
            if upload_id := self.upload_of(name):
                self.life.say(p.RESELECT_FILE, self.disks[name], upload_id=upload_id)

    def _on_item(self, item: Item) -> None:
        self.killed = True

    def upload_of(self, name: str) -> str:
        """The id of the upload of a file that is not over, or ""."""
        page = self.life.page
        for session in page.sessions.values():
            if session["file_name"] == name and session["status"] not in ("completed", "cancelled"):
                return str(session["upload_id"])
        return ""

    async def _pass(self, seconds: float) -> None:
        """Time goes by; a browser that was killed meanwhile starts again."""
        end = self.loop.time() + seconds
        while self.loop.time() < end:
            await asyncio.sleep(min(0.5, max(0.001, end - self.loop.time())))
            if self.killed:
                await self._reopen()

    # What people do.

    @rule(name=NAMES)
    def add(self, name: str) -> None:
        self.number += 1
        self.life.start(f"{name}-{self.number}", self.disks[name])

    @rule(name=NAMES, click=CLICKS)
    def click(self, name: str, click: str) -> None:
        if upload_id := self.upload_of(name):
            self.life.say(click, upload_id=upload_id)

    @rule(name=NAMES)
    def cancel(self, name: str) -> None:
        if upload_id := self.upload_of(name):
            self.life.say(p.CANCEL_UPLOAD, upload_id=upload_id)

    @rule(click=st.sampled_from((p.PAUSE_ALL, p.RESUME_ALL)))
    def click_all(self, click: str) -> None:
        self.life.say(click)

    @rule(seconds=st.floats(0.01, 8.0))
    def wait(self, seconds: float) -> None:
        self.run(self._pass(seconds))

    @rule(seconds=st.sampled_from((0.05, 0.5, 3.0, 30.0)))
    def wait_a_while(self, seconds: float) -> None:
        self.run(self._pass(seconds))

    # What happens to them.

    @rule()
    def reload(self) -> None:
        self.life.say(p.GOODBYE)
        self.run(self._reopen())

    @rule()
    def crash(self) -> None:
        self.run(self._reopen())

    @rule(writes=st.integers(1, 6), before=st.booleans())
    def crash_between_two_writes(self, writes: int, before: bool) -> None:
        place = self.world.counters["write"] + writes
        self.world.strike(f"browser: killed {'before' if before else 'after'} a write", "write", place)

    @rule()
    def second_page(self) -> None:
        page = Page(strict=False)
        page.on_text = self.world.oracle.heard
        self.life.engine.receive(page, p.encode_message({"type": p.HELLO, "config": {}}), None)

    @precondition(lambda self: len(self.edited) < 2)
    @rule(name=NAMES)
    def file_changes(self, name: str) -> None:
        """Noticed by its date."""
        self.disks[name].edited = True
        self.edited.add(name)

    @rule(seconds=st.floats(1.0, 4_000.0), is_counted=st.booleans())
    def clock_jumps(self, seconds: float, is_counted: bool) -> None:
        self.life.clock.wall_offset += seconds * 100
        if is_counted:
            self.loop.jump(seconds)
        else:
            self.world.slept += seconds

    async def _cut(self) -> None:
        self.world.begin(OFFLINE)

    @rule()
    def offline(self) -> None:
        self.run(self._cut())

    @rule()
    def online(self) -> None:
        self.world.end(OFFLINE)

    # What must hold.

    @invariant()
    def nothing_is_broken(self) -> None:
        if hasattr(self, "life"):
            assert not self.world.oracle.violations
            if self.life.running.done():
                self.life.running.result()

    def teardown(self) -> None:
        if hasattr(self, "life"):
            try:
                self.run(self._end())
            finally:
                close(self.loop)

    async def _end(self) -> None:
        """Calm: every upload that is still wanted arrives, with some help."""
        self.world.calm()
        await self._reopen()
        await asyncio.sleep(5.0)
        for name, disk in self.disks.items():
            self.disks[name] = disk.picked_again()
        async with asyncio.timeout(LONG_ENOUGH):
            while waiting := [name for name in self.disks if self.upload_of(name)]:
                for name in waiting:
                    self._help(name)
                await asyncio.sleep(5.0)
        await self.life.__aexit__()
        self.world.oracle.the_end(set())

    def _help(self, name: str) -> None:
        upload_id = self.upload_of(name)
        session, error = self.life.page.sessions[upload_id], self.life.page.errors[upload_id]
        if (session["phase"] == "failed" and not error["retryable"]) or (
            session["phase"] == "waiting-for-file" and (error or name in self.edited)
        ):
            self.life.say(p.CANCEL_UPLOAD, upload_id=upload_id)
        elif session["phase"] == "waiting-for-file":
            self.life.say(p.RESELECT_FILE, self.disks[name], upload_id=upload_id)
        elif session["phase"] in ("failed", "paused", "waiting-for-sign-in"):
            self.life.say(p.RETRY_UPLOAD, upload_id=upload_id)


Uploads.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestUploads = Uploads.TestCase
"""D5, D7. Faults 5, 6, 44, 47-49, 51, 53, 58, 66, 67; invariants I1-I8."""
