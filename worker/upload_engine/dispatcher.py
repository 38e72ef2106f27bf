"""The uploads at work: events go to the core, each effect becomes a task, and what came of it is the next event.

Nothing here decides anything about an upload.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from uploads import protocol as p

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.errors import StorageFault
from upload_engine.core.pacing import Pacer
from upload_engine.core.parts import part_range
from upload_engine.core.queue import QueueLimits, UploadQueue
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session import Session
from upload_engine.core.states import ENDED
from upload_engine.interfaces import (
    Clock,
    FileKeeper,
    FileSource,
    GuestKey,
    Port,
    SessionStore,
    UploadSigner,
)
from upload_engine.kept_files import KeptFiles
from upload_engine.operations import Operations, Transports
from upload_engine.outbox import Outbox

DRAINED_YET = 0.05
"""Seconds between two looks whether all has ended."""


@dataclass(frozen=True, slots=True)
class Outside:
    """The roles an engine is given. ``object_url``: where pages have the object of a key;

    ``takes_guests``: whether that server knows the guests' tokens of this site; ``log``: tells developers a line, which
    holds no secret.
    """

    signer: UploadSigner
    object_url: Callable[[str], str]
    takes_guests: bool
    guest_key: GuestKey
    transports: Transports
    store: SessionStore
    file_keeper: FileKeeper
    clock: Clock
    rng: random.Random
    log: Callable[[str], None]


class Dispatcher:
    """``queue``, ``files`` (by upload id), ``kept`` and ``outbox`` are read by the rest of the engine; ``arriving``: what

    pages want of uploads whose file is being looked at. ``group`` is set before the first event, and runs the tasks.

    post: takes the event that a task ends with; ask_who: makes sure that the uploads here are those of the user who is
    signed in; False when the server cannot be asked; find_server: begins to ask until it answers.
    """

    group: asyncio.TaskGroup

    def __init__(
        self,
        outside: Outside,
        config: Mapping[str, Any],
        capabilities: Mapping[str, Any],
        post: Callable[[e.Event], None],
        ask_who: Callable[[], Coroutine[Any, Any, bool]],
        find_server: Callable[[], None],
    ) -> None:
        self.policy = RetryPolicy(
            outside.rng,
            config["max_retries"],
            config["retry_delay"] / 1000,
            config["max_concurrent_requests_per_host"],
        )
        limits = QueueLimits(config["max_concurrent_uploads"], config["max_concurrent_chunks"])
        self.queue = UploadQueue(limits, self.policy.window, Pacer(config["bandwidth_limit"]))
        self.files: dict[str, FileSource] = {}
        self.arriving: dict[str, list[e.Event]] = {}
        self.operations = Operations(
            outside.signer,
            outside.guest_key,
            replace(outside.transports, forced=config["transport"]),
            outside.clock,
            self.queue.sessions,
            self.files,
            # Shielded: it may end the very task that waits for it.
            lambda: asyncio.shield(self.group.create_task(ask_who())),
            self._checksums_refused,
            self._signed,
            written=lambda upload_id: self.outbox.written(upload_id),
            arriving=lambda: len(self.arriving),
            small_left=lambda: self.queue.small_left,
            small_ready=lambda: self.queue.small_ready,
            spawn=self.spawn,
            checksums=config["checksums"],
        )
        self.kept = KeptFiles(
            outside.file_keeper,
            spawn=self.spawn,
            on_change=lambda upload_id: self.outbox.touch(upload_id),
            warn=self.warn,
        )
        self.outbox = Outbox(
            self.queue,
            outside.store,
            outside.clock,
            lambda session: outside.object_url(session.key),
            self.kept.access,
            on_storage_fault=self._storage_failed,
            on_deleted=self.kept.forget,
        )
        self.outbox.interval = config["progress_interval"] / 1000
        self._post = post
        self._find_server = find_server
        self._clock = outside.clock
        self._log = outside.log if config["debug"] else None
        self._capabilities = dict(capabilities)
        self._tasks: dict[str, dict[int, asyncio.Task[None]]] = {}
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._draining = False

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a task of the engine."""
        self.group.create_task(work)

    # Events and effects.

    def handle(self, event: e.Event) -> None:
        """Hand an event to its upload, and do what it leads to."""
        now = self._clock.now()
        if isinstance(event, e.PartProgressed | e.PartUploaded | e.PartFailed):
            self._count(event, now)
        self.perform(self.queue.handle(event, now))
        if not isinstance(event, e.TimerFired):  # what a timer leads to shows by itself
            self.outbox.happened(event.upload_id)
        if self._log and not isinstance(event, e.PartProgressed | e.FileProgressed):
            self._log(f"{event.upload_id} {e.describe(event)}")

    def _count(self, event: e.PartProgressed | e.PartUploaded | e.PartFailed, now: float) -> None:
        if session := self.queue.sessions.get(event.upload_id):
            transfer = session.transfer
            size = part_range(event.part_number, transfer.file_size, transfer.part_size)[1]
            session.figures.happened(event, size, now)

    def limit(self, limits: QueueLimits, rate: float | None) -> None:
        """Other limits from now on: see ``UploadQueue.limit``."""
        self.perform(self.queue.limit(limits, rate, self._clock.now()))

    def move(self, upload_id: str, before: str | None) -> None:
        """Put an upload elsewhere in the list: see ``UploadQueue.move``."""
        for name in self.queue.move(upload_id, before):
            if self.queue.sessions[name].phase not in ENDED:
                self.outbox.save(name)
            self.outbox.touch(name)

    def request(self, event: e.Event) -> None:
        """Hand a wish to its upload, or keep it until the upload's file has been looked at."""
        if event.upload_id in self.arriving:
            self.arriving[event.upload_id].append(event)
        else:
            self.handle(event)

    def add(self, session: Session) -> None:
        """Take up a session that is new or has been restored."""
        self.perform(self.queue.add(session, self._clock.now()))
        self.outbox.touch(session.upload_id)

    def perform(self, effects: list[fx.Effect]) -> None:
        for effect in effects:
            if not isinstance(effect, fx.ArmTimer):
                self.outbox.happened(effect.upload_id)
            match effect:
                case fx.Request():
                    if isinstance(effect, fx.UploadPart):
                        figures = self.queue.sessions[effect.upload_id].figures
                        figures.started(effect.part_number, effect.attempt, self._clock.now())
                    self._start(effect)
                case fx.AbortRequests():
                    self.queue.sessions[effect.upload_id].figures.stopped(self._clock.now())
                    for task in self._tasks.pop(effect.upload_id, {}).values():
                        task.cancel()
                case fx.AbortAttempt():
                    self.queue.sessions[effect.upload_id].figures.aborted(effect.attempt, self._clock.now())
                    if loser := self._tasks.get(effect.upload_id, {}).get(effect.attempt):
                        loser.cancel()
                case fx.SaveSession():
                    self.outbox.save(effect.upload_id)
                    if file := self.files.get(effect.upload_id):
                        self.kept.keep(self.queue.sessions[effect.upload_id], file)
                case fx.KeepFile():
                    if file := self.files.get(effect.upload_id):
                        self.kept.keep(self.queue.sessions[effect.upload_id], file, is_offline=True)
                case fx.FindServer():
                    self._find_server()
                case fx.DeleteSession():
                    self.outbox.delete(self.queue.sessions[effect.upload_id])
                    self.files.pop(effect.upload_id, None)
                    self.operations.forget(effect.upload_id)

    def _start(self, effect: fx.Request) -> None:
        if self._draining:
            return
        task = self.group.create_task(self._run_request(effect))
        self._under_way[task] = effect.upload_id
        task.add_done_callback(self._under_way.pop)
        if isinstance(effect, fx.CreateUpload | fx.CompleteUpload):
            return  # the core never aborts these: an upload id would leak, or an object appear unseen
        tasks = self._tasks.setdefault(effect.upload_id, {})
        tasks[effect.attempt] = task
        task.add_done_callback(lambda _: tasks.pop(effect.attempt, None))

    async def _run_request(self, effect: fx.Request) -> None:
        self._post(await self.operations.perform(effect, self._post))

    # Ends.

    def drop(self, upload_id: str) -> None:
        """Take an upload off everybody's list."""
        self.queue.remove(upload_id)
        self.outbox.forget(upload_id)
        self.outbox.send({"type": p.UPLOAD_REMOVED, "upload_id": upload_id})

    def put_aside(self, session: Session) -> None:
        """Let go of an upload at once, whatever is under way, and forget nothing that is stored."""
        upload_id = session.upload_id
        for task in [task for task, busy_with in self._under_way.items() if busy_with == upload_id]:
            task.cancel()
        self._tasks.pop(upload_id, None)
        self.files.pop(upload_id, None)
        self.kept.put_aside(upload_id)
        self.operations.forget(upload_id)
        self.drop(upload_id)

    async def drain(self, is_idle: Callable[[], bool]) -> None:
        """Send no further request; return when those under way have ended, nothing waits, and all is saved."""
        self._draining = True
        while self._under_way or not is_idle():
            await self._clock.sleep(DRAINED_YET)
        await self.outbox.flush()

    # What pages are told.

    def tell_ready(self, *ports: Port) -> None:
        """What this engine can do and which uploads it has; to all pages unless some are named."""
        known = [*self.queue.sessions, *self.arriving]
        message = {
            "type": p.ENGINE_READY,
            "capabilities": self._capabilities,
            "upload_ids": known,
            "pages": max(1, len(self.outbox.ports)),
        }
        self.outbox.send(message, *ports)

    def offer_files(self, *ports: Port) -> None:
        """Hand out what only a page can ask a person for."""
        for upload_id, handle in self.kept.handles.items() if ports else ():
            self.outbox.send({"type": p.FILE_OFFERED, "upload_id": upload_id}, *ports, handle=handle)

    def warn(self, warning: str) -> None:
        """Tell all pages, once, what does not work as it should."""
        if warning not in self._capabilities["warnings"]:
            self._capabilities["warnings"] = [*self._capabilities["warnings"], warning]
            self.tell_ready()

    @contextmanager
    def storage(self) -> Iterator[None]:
        """What is done here may find the storage out of order; then uploads go on in memory."""
        try:
            yield
        except StorageFault as fault:
            self._storage_failed(fault)

    def _storage_failed(self, fault: StorageFault) -> None:
        self._capabilities["storage"] = "memory"
        self.warn(
            f"The browser's storage cannot be used ({fault.message}): uploads will not survive a reload."
        )

    def _signed(self, upload_id: str) -> None:
        if session := self.queue.sessions.get(upload_id):
            session.figures.signing_calls += 1

    def _checksums_refused(self) -> None:
        self.warn("The store does not take checksum headers: parts are compared by their ETags alone.")
