"""One run: a plan is played from the first file to the last, and the oracle watches.

First comes the time of trouble, in which the plan's items happen and nobody helps; then the calm, in which a helpful
person presses Retry and gives files again, and everything has to come to its end in bounded time (invariant I6).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from upload_engine.interfaces import Record
from uploads import protocol as p
from uploads.protocol import check_upload_config

from tests.fakes.adapters import MemoryFileKeeper
from tests.simulation import deeds
from tests.simulation.browser import Disk, Life, Storage
from tests.simulation.plan import Item, Plan
from tests.simulation.virtual_time import VirtualClock, run
from tests.simulation.world import World

LONG_ENOUGH = 7_200.0
"""Seconds of calm in which everything has to be finished: more than a request that never answers can take."""
MOST_HELP = 12
"""How often a person has to press Retry or give a file again, at the most, once all is calm."""
HELP_SECONDS = 5.0
"""A person waits so long for what their click leads to."""
FORGETS = ("browser: storage full", "browser: storage blocked", "browser: a damaged record")
RESTART_SECONDS = 1.0
LISTED_SECONDS = 10.0
"""After that a browser that has started shows what it has stored."""
SETTLED_SECONDS = 2.0
"""After that a file has been looked at, written down and kept."""


@dataclass
class Wish:
    """A file that a person wants to have uploaded; ``ids``: the uploads begun for it, the last one is the one;

    ``comes_back``: it was added while the server was out of reach, and may not be asked for again.
    """

    disk: Disk
    key: str
    ids: list[str] = field(default_factory=list)
    outcome: str = ""
    given_in_life: int = 0
    given_at: float = 0.0
    comes_back: bool = False
    helped: int = 0
    help_again_at: float = 0.0

    @property
    def upload_id(self) -> str:
        return self.ids[-1] if self.ids else ""


@dataclass(frozen=True)
class Outcome:
    """``error``: what broke, or None; ``seconds``: of virtual time."""

    struck: Counter[str]
    seconds: float
    error: BaseException | None
    story: list[str]


class Drama:
    """``life`` is the browser's present life, if it has one; ``lives`` counts them."""

    def __init__(self, plan: Plan, *, tell: bool = False) -> None:
        self.plan = plan
        self.world = World(
            seed=plan.seed,
            bytes_per_second=plan.bytes_per_second,
            latency=plan.latency,
            url_lifetime=plan.url_lifetime,
            dialect=plan.dialect,
            items=plan.items,
            small_files=plan.small_files,
        )
        if tell:
            self.world.story = []
        self.world.on_item = self.on_item
        self.world.oracle.interval = dict(plan.config)["progress_interval"] / 1000
        self.storage = Storage(self.world)
        self.clock = VirtualClock()
        self.keep_offline: int = check_upload_config(dict(plan.config))["keep_offline"]
        self.keeper = MemoryFileKeeper(offline_limit=self.keep_offline)
        self.wishes = [
            Wish(Disk(f"f{number}", file.size, lazy=file.lazy, has_handle=file.dropped), file.key)
            for number, file in enumerate(plan.files)
        ]
        self.life: Life | None = None
        self.lives = 0
        self.born_at = 0.0
        self.is_calm = False
        self.forgetful = False
        self.calmed = asyncio.Event()
        self._over = asyncio.Event()
        self._own_tasks: tuple[asyncio.Task[None], ...] = ()
        self.died = asyncio.Event()

    # What the plan says.

    def on_item(self, item: Item) -> None:
        """Something is due: it happens in a moment, before or after whatever is due with it."""
        asyncio.get_running_loop().call_soon(self._perform, item)

    def _perform(self, item: Item) -> None:
        if self.is_calm:
            return
        self.world.tell(f"    {item}")
        if deeds.perform(self, item):
            self.world.hit(item.fault)

    async def _timeline(self) -> None:
        """What is planned by the clock."""
        for item in sorted(
            (item for item in self.plan.items if item.counter == "time"), key=lambda item: item.at
        ):
            await asyncio.sleep(item.at - self.world.loop.time())
            self.on_item(item)

    # Lives.

    async def play(self) -> None:
        timeline = asyncio.create_task(self._timeline())
        calming = asyncio.create_task(self._calm(timeline))
        current = asyncio.current_task()
        assert current
        self._own_tasks = (current, timeline, calming)
        while not await self._live():  # noqa: ASYNC110 (a browser takes its time to start again)
            await asyncio.sleep(RESTART_SECONDS)
        remembers = self.world.oracle.is_known_who and not self.forgetful
        self.world.oracle.the_end(set() if remembers else self._recorded())

    async def _calm(self, timeline: asyncio.Task[None]) -> None:
        await timeline
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self.plan.calm_at):
                await self._over.wait()
        self.is_calm = True
        self.world.calm()
        self.storage.broken = self.storage.blocked = False
        self.calmed.set()

    async def _live(self) -> bool:
        """One life of the browser; True when all is over."""
        self.lives += 1
        self.born_at = self.world.loop.time()
        self.died.clear()
        self.world.tell(f"=== life {self.lives}")
        self.storage.blocked = self.storage.broken = False
        for item in self.world.reach("life"):
            self._perform(item)
        life = Life(
            self.world,
            self.storage,
            self.plan.seed + self.lives,
            clock=self.clock,
            keeper=self.keeper,
            strict=False,
            **dict(self.plan.config) | {"debug": self.world.story is not None or self.plan.seed % 8 == 0},
        )
        self.forgetful = self.world.oracle.is_known_who = False
        life.page.on_text = self.world.oracle.heard
        life.page.on_session = lambda session: self._shown(life, session)
        self.life = life
        life.spare = self._own_tasks
        async with life:
            user = asyncio.create_task(self._user(life))
            death = asyncio.create_task(self.died.wait())
            await asyncio.wait((user, death, life.running), return_when=asyncio.FIRST_COMPLETED)
            for task in (user, death):
                task.cancel()
            self._note_what_waits(life)
            if self.forgetful:
                self.world.oracle.life_ended(self._recorded(), forgetful=True)
            self.storage.blocked = self.storage.broken = False
        self.life = None
        if user.done() and not user.cancelled():
            user.result()
            return True
        return False

    def _note_what_waits(self, life: Life) -> None:
        """A browser has died. What was added since its start, and never met the server, has to come back by itself."""
        for wish in self.wishes if not self.world.oracle.is_known_who else ():
            session = self.session_of(wish)
            is_settled = self.world.loop.time() > wish.given_at + SETTLED_SECONDS
            if (
                session
                and session["phase"] == "waiting-for-network"
                and is_settled
                and wish.given_in_life == self.lives
                and not self._record_of(session).get("serverUploadId")
            ):
                can_be_kept = wish.disk.has_handle or wish.disk.size <= self.keep_offline
                wish.comes_back = can_be_kept and not self._may_be_refused(wish)

    def _demand(self, wish: Wish, what: str) -> None:
        """A person is about to be bothered: not with a file that was kept, unless something has become of it."""
        is_touched = wish.disk.has_handle and self._may_be_refused(wish)
        is_damaged = any(self.world.struck[fault] for fault in FORGETS)
        if wish.comes_back and not is_touched and not is_damaged:
            self.world.oracle.violation(f"{wish.disk.name} was added offline, and {what}")
        wish.comes_back = False

    def _record_of(self, session: dict[str, Any]) -> Record:
        records = self.storage.records.items()
        return next((record for (_, upload_id), record in records if upload_id == session["upload_id"]), {})

    def _recorded(self) -> set[str]:
        return {
            str(record.get("serverUploadId")).partition("~")[0] for record in self.storage.records.values()
        }

    def _shown(self, life: Life, session: dict[str, Any]) -> None:
        oracle = self.world.oracle
        self.forgetful = bool(life.page.capabilities["warnings"])
        self.world.tell(f"    page: {session['file_name']} {session['phase']} {session['progress']}")
        oracle.shown(session)
        if not self.forgetful and not self.world.struck["browser: a damaged record"]:
            oracle.written_before_told(session, self._record_of(session))
        for wish in self.wishes:
            current = life.page.replaced.get(wish.upload_id, wish.upload_id)
            ids = (current, *wish.ids)
            done = session["status"] == "completed" and session["upload_id"] in ids
            if done or (session["status"] == "cancelled" and session["upload_id"] == current):
                wish.outcome = session["status"]
                if all(wish.outcome for wish in self.wishes):
                    self._over.set()

    # The person.

    async def _user(self, life: Life) -> None:
        """Give every file, and later help where help is wanted. Ends when all is over."""
        await asyncio.sleep(0.3)
        for wish in self.wishes:
            await asyncio.sleep(self.world.rng.random() * 0.5)
            if not wish.outcome and not wish.comes_back:
                self.give(wish)
        await self.calmed.wait()
        deadline = self.world.loop.time() + LONG_ENOUGH
        while True:
            await asyncio.sleep(1.0)
            if self._help(life):
                return
            if self.world.loop.time() > deadline:
                states = [(session["file_name"], session["phase"]) for session in life.page.sessions.values()]
                self.world.oracle.violation(f"I6: not finished after {LONG_ENOUGH:.0f} s of calm: {states}")
            life.page.heard.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(HELP_SECONDS):
                    await life.page.heard.wait()

    def give(self, wish: Wish, disk: Disk | None = None) -> None:
        """Choose the file, as it is now; the engine knows whether it has an upload for it."""
        assert self.life
        if not self.world.server.is_me:
            return  # it is somebody else's browser for now
        disk = disk or wish.disk
        wish.given_in_life, wish.given_at = self.lives, self.world.loop.time()
        page = self.life.page
        waiting = page.sessions.get(page.replaced.get(wish.upload_id, wish.upload_id))
        if waiting and waiting["status"] not in ("completed", "cancelled") and disk.size % 2:
            self.life.say(p.RESELECT_FILE, disk, upload_id=waiting["upload_id"])
            return
        number = sum(len(each.ids) for each in self.wishes)
        upload_id = f"{wish.disk.name}-{number}"
        if disk is wish.disk:
            wish.ids.append(upload_id)
        self.life.start(upload_id, disk, s3_key=wish.key)

    def session_of(self, wish: Wish) -> dict[str, Any] | None:
        """The upload of a wish as the page shows it, under whatever id it goes on."""
        if not self.life:
            return None
        page = self.life.page
        for upload_id in reversed(wish.ids):
            session = page.sessions.get(page.replaced.get(upload_id, upload_id))
            if session and session["status"] not in ("completed", "cancelled"):
                return session
        return None

    def _help(self, life: Life) -> bool:
        """Do what the page asks a person to do. True when all is over."""
        over = True
        for wish in self.wishes:
            session = self.session_of(wish)
            if session is None:
                if not wish.outcome and life.page.sessions.get(wish.upload_id) is None:
                    over = False
                    shown_as = life.page.replaced.get(wish.upload_id, wish.upload_id)
                    is_gone = shown_as in life.page.removed  # with somebody else's coming, say
                    if wish.comes_back and not is_gone:
                        if self.world.loop.time() < self.born_at + LISTED_SECONDS:
                            continue
                        self._demand(wish, "is lost")
                    if wish.given_in_life != self.lives or not wish.ids or is_gone:
                        self.give(wish)
                continue
            over = False
            self._help_one(life, wish, session)
        return self._tidy(life) and over

    def _tidy(self, life: Life) -> bool:
        """Cancel what is on the list besides the uploads that are wanted; True when nothing is."""
        current = {session["upload_id"] for wish in self.wishes if (session := self.session_of(wish))}
        tidy = True
        for session in life.page.sessions.values():
            if session["status"] in ("completed", "cancelled") or session["upload_id"] in current:
                continue
            wish = next(wish for wish in self.wishes if session["file_name"] in (wish.disk.name, wish.key))
            if wish.outcome:
                tidy = False
                if session["phase"] != "cancelling":
                    self.cancel(wish, session)
        return tidy

    def _help_one(self, life: Life, wish: Wish, session: dict[str, Any]) -> None:
        upload_id, phase, error = (
            session["upload_id"],
            session["phase"],
            life.page.errors[session["upload_id"]],
        )
        waits = phase in ("failed", "paused", "waiting-for-sign-in", "waiting-for-file")
        if not waits or self.world.loop.time() < wish.help_again_at:
            return
        if phase == "waiting-for-file" and session["file_access"] in p.FILES_AT_HAND:
            return  # it is being opened
        wish.help_again_at = self.world.loop.time() + HELP_SECONDS
        wish.helped += 1
        self.world.tell(f"    help: {wish.disk.name} is {phase}: {error and error['message']}")
        self.world.oracle.check(
            wish.helped <= MOST_HELP, f"I6: {wish.disk.name} needs help for ever: {phase} {error}"
        )
        wish.outcome = ""
        if phase == "waiting-for-file":
            self._demand(wish, "has to be chosen again")
        if phase == "waiting-for-file" and not (error and wish.helped > 2):
            if wish.disk.edited or not wish.disk.readable:
                wish.disk = wish.disk.picked_again()
            self.give(wish)
        elif phase == "failed" and error and error["code"] == "PreconditionFailed" and self._came_first(wish):
            self.cancel(wish, session)
        elif phase == "waiting-for-file" or (phase == "failed" and error and not error["retryable"]):
            self.world.oracle.check(
                self._may_be_refused(wish),
                f"{wish.disk.name} is refused for good: {error and error['message']}",
            )
            self.cancel(wish, session)
            wish.disk = wish.disk.picked_again()
            self.give(wish)
        else:
            life.say(p.RETRY_UPLOAD, upload_id=upload_id)

    def _came_first(self, wish: Wish) -> bool:
        """At its key stands the object of its own upload that ended before it was written down or seen, or that a life
        without storage cannot know of."""
        bucket, oracle = self.world.bucket, self.world.oracle
        return any(
            upload.file == wish.disk.name
            and (self.forgetful or upload.name in oracle.orphans or upload.key in oracle.finished_keys)
            and upload.key in bucket.objects
            and bucket.objects[upload.key].token == upload.token
            for upload in bucket.uploads.values()
        )

    def _may_be_refused(self, wish: Wish) -> bool:
        """The file has been touched, or somebody on the way found it too large."""
        touched = wish.disk.edited or wish.disk.edits or not wish.disk.readable or "+" in wish.disk.content
        return bool(touched)

    def cancel(self, wish: Wish, session: dict[str, Any]) -> None:
        assert self.life
        self.world.oracle.cancelled.add(wish.disk.name)
        self.life.say(p.CANCEL_UPLOAD, upload_id=session["upload_id"])


def play(plan: Plan, *, tell: bool = False) -> Outcome:
    """Play a plan to its end, or to the first thing that breaks; ``tell``: keep the story."""
    drama: Drama
    seconds = 0.0

    async def main() -> None:
        nonlocal drama, seconds
        drama = Drama(plan, tell=tell)
        try:
            await drama.play()
        finally:
            seconds = drama.world.loop.time()

    error: BaseException | None = None
    try:
        run(main(), plan.seed)
    except Exception as caught:
        error = caught
    return Outcome(drama.world.struck, seconds, error, drama.world.story or [])
