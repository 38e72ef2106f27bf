"""The engine: a mailbox of events, a task for each effect, and a line to every page.

Commands come from pages and become events; the core answers events with effects; each effect becomes a task whose
outcome is the next event. Nothing here decides anything about an upload.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from uploads import protocol as p

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.errors import FileFault, StorageFault, UploadFault
from upload_engine.core.explain import refused_file
from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.pacing import Pacer
from upload_engine.core.parts import choose_part_size
from upload_engine.core.queue import QueueLimits, UploadQueue
from upload_engine.core.records import from_record
from upload_engine.core.recovery import recover
from upload_engine.core.requests import Identity, object_path
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.rules import complaint
from upload_engine.core.session import Session
from upload_engine.core.states import AT_REST, ENDED, Phase
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

SAMPLING_AT_ONCE = 4
DRAINED_YET = 0.05
"""Seconds between two looks whether all has ended."""
LAST_USER = "lastUser"
SWEEP_SECONDS = 3600.0
"""How often uploads that have expired are looked for."""

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outside:
    """The roles an engine is given. ``signer_url``: the signing server's address, without a slash at its end;

    ``log``: tells developers a line, which holds no secret.
    """

    signer: UploadSigner
    signer_url: str
    guest_key: GuestKey
    transports: Transports
    store: SessionStore
    file_keeper: FileKeeper
    clock: Clock
    rng: random.Random
    log: Callable[[str], None]


class Engine:
    """One engine serves any number of pages. ``capabilities`` is what they are told it can do."""

    def __init__(self, outside: Outside, config: Mapping[str, Any], capabilities: Mapping[str, Any]) -> None:
        self._config = config
        self._capabilities = dict(capabilities)
        self._clock = outside.clock
        self._log = outside.log if config["debug"] else None
        self._store = outside.store
        self._signer_url = outside.signer_url
        self._policy = RetryPolicy(
            outside.rng,
            config["max_retries"],
            config["retry_delay"] / 1000,
            config["max_concurrent_requests_per_host"],
        )
        limits = QueueLimits(config["max_concurrent_uploads"], config["max_concurrent_chunks"])
        self._queue = UploadQueue(limits, self._policy.window, Pacer(config["bandwidth_limit"]))
        self._files: dict[str, FileSource] = {}
        self._operations = Operations(
            outside.signer,
            outside.guest_key,
            replace(outside.transports, forced=config["transport"]),
            outside.clock,
            self._queue.sessions,
            self._files,
            self._checksums_refused,
        )
        self._kept = KeptFiles(
            outside.file_keeper,
            spawn=lambda work: self._group.create_task(work),
            on_change=lambda upload_id: self._outbox.touch(upload_id),
            warn=self._warn,
        )
        self._outbox = Outbox(
            self._queue,
            outside.store,
            outside.clock,
            self._object_url,
            self._kept.access,
            on_storage_fault=self._storage_failed,
        )
        self._outbox.interval = config["progress_interval"] / 1000
        self._user_id = ""
        self._server_date: float | None = None
        self._loaded: str | None = None  # the user whose records were read, all of them
        self._mailbox: asyncio.Queue[e.Event | tuple[Port, Message, FileSource | None]] = asyncio.Queue()
        self._tasks: dict[str, dict[int, asyncio.Task[None]]] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._draining = False
        self._arriving: dict[str, list[e.Event]] = {}
        self._paused: set[str] = set()  # restored, and paused when their engine died
        self._sampling = asyncio.Semaphore(SAMPLING_AT_ONCE)
        self._group: asyncio.TaskGroup

    # Pages.

    def receive(self, port: Port, body: str, file: FileSource | None) -> None:
        """Take in one message of a page."""
        try:
            message = p.decode_worker_message(body)
            if file is not None and message["type"] not in p.FILE_MESSAGES:
                raise p.ProtocolError(
                    f"{message['type']}: a file must come with START_UPLOAD and RESELECT_FILE only"
                )
        except p.ProtocolError as error:
            self._refuse(port, None, str(error))
            return
        if file is None and message["type"] in p.FILE_MESSAGES:  # or its handle leads nowhere any more
            self._refuse(port, message["upload_id"], "The file cannot be opened: choose it again.")
            return
        self._mailbox.put_nowait((port, message, file))

    def post(self, event: e.Event) -> None:
        """Take in one event."""
        self._mailbox.put_nowait(event)

    async def run(self) -> None:
        """Restore what is stored, then serve for ever. Only bugs come out, as an ExceptionGroup."""
        async with asyncio.TaskGroup() as self._group:
            await self._restore()
            self._group.create_task(self._outbox.run())
            self._group.create_task(self._sweep_for_ever())
            while True:
                item = await self._mailbox.get()
                if isinstance(item, e.Event):
                    self._handle(item)
                else:
                    self._command(*item)

    async def drain(self) -> None:
        """Send no further request; return when those under way have ended and what came of them is saved."""
        self._draining = True
        while self._under_way or not self._mailbox.empty():
            await self._clock.sleep(DRAINED_YET)
        await self._outbox.flush()

    # Events and effects.

    def _handle(self, event: e.Event) -> None:
        if isinstance(event, e.PartUploaded):
            self._stamp(event.upload_id)
        self._perform(self._queue.handle(event, self._clock.now()))
        if not isinstance(event, e.TimerFired):  # what a timer leads to shows by itself
            self._outbox.touch(event.upload_id)
        if self._log and not isinstance(event, e.PartProgressed):
            self._log(f"{event.upload_id} {e.describe(event)}")

    def _stamp(self, upload_id: str) -> None:
        if session := self._queue.sessions.get(upload_id):
            session.last_activity = self._wall_ms()

    def _wall_ms(self) -> int:
        """The server's date, milliseconds since 1970, or the machine's as long as that is all there is."""
        if self._server_date is None:
            return int(self._clock.wall_time() * 1000)
        return int((self._server_date + self._clock.now()) * 1000)

    def _perform(self, effects: list[fx.Effect]) -> None:
        for effect in effects:
            if not isinstance(effect, fx.ArmTimer):
                self._outbox.touch(effect.upload_id)
            match effect:
                case fx.Request():
                    self._start(effect)
                case fx.AbortRequests():
                    for task in self._tasks.pop(effect.upload_id, {}).values():
                        task.cancel()
                case fx.AbortAttempt():
                    if loser := self._tasks.get(effect.upload_id, {}).get(effect.attempt):
                        loser.cancel()
                case fx.SaveSession():
                    self._outbox.save(effect.upload_id)
                    if file := self._files.get(effect.upload_id):
                        self._kept.keep(self._queue.sessions[effect.upload_id], file)
                case fx.DeleteSession():
                    self._kept.forget(self._queue.sessions[effect.upload_id])
                    self._outbox.delete(self._queue.sessions[effect.upload_id])
                    self._files.pop(effect.upload_id, None)
                    self._operations.forget(effect.upload_id)

    def _start(self, effect: fx.Request) -> None:
        if self._draining:
            return
        task = self._group.create_task(self._run_request(effect))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        if isinstance(effect, fx.CreateUpload | fx.CompleteUpload):
            return  # never aborted: an upload id would leak, or an object appear unseen
        tasks = self._tasks.setdefault(effect.upload_id, {})
        tasks[effect.attempt] = task
        task.add_done_callback(lambda _: tasks.pop(effect.attempt, None))

    async def _run_request(self, effect: fx.Request) -> None:
        self.post(await self._operations.perform(effect, self.post))

    # Commands.

    def _command(self, port: Port, message: Message, file: FileSource | None) -> None:
        kind = message["type"]
        if kind == p.HELLO:
            self._hello(port, message["config"])
        elif kind == p.GOODBYE:
            if port in self._outbox.ports:
                self._outbox.ports.remove(port)
        elif kind == p.START_UPLOAD and self._is_known(message["upload_id"]):
            self._refuse(port, message["upload_id"], "There is an upload of this id already.")
        elif file is not None:
            self._arriving.setdefault(message["upload_id"], [])
            self._group.create_task(self._take_file(port, message, file))
        elif kind in _FOR_ALL:
            for upload_id in [*self._queue.sessions, *self._arriving]:
                self._request(_FOR_ALL[kind](upload_id))
        elif not self._is_known(message["upload_id"]):
            self._refuse(port, message["upload_id"], "There is no such upload any more.")
        elif kind == p.REMOVE_UPLOAD:
            self._remove(port, message["upload_id"])
        elif kind == p.REOPEN_FILE:
            self._paused.discard(message["upload_id"])
            self._group.create_task(self._recall_files(message["upload_id"]))
        else:
            self._request(_FOR_ONE[kind](message["upload_id"]))

    def _is_known(self, upload_id: str) -> bool:
        return upload_id in self._queue.sessions or upload_id in self._arriving

    def _request(self, event: e.Event) -> None:
        """Hand a wish to its upload, or keep it until the upload's file has been looked at."""
        if event.upload_id in self._arriving:
            self._arriving[event.upload_id].append(event)
        else:
            self._handle(event)

    def _refuse(self, port: Port, upload_id: str | None, reason: str) -> None:
        self._outbox.send({"type": p.COMMAND_REFUSED, "upload_id": upload_id, "message": reason}, port)

    def _hello(self, port: Port, config: Message) -> None:
        if port not in self._outbox.ports:
            self._outbox.ports.append(port)
        different = sorted(name for name, value in config.items() if self._config[name] != value)
        if different:
            reason = f"The engine runs already, with other settings for: {', '.join(different)}. They stay in force."
            self._refuse(port, None, reason)
        self._tell_ready(port)
        self._offer_files(port)
        self._outbox.introduce()

    def _tell_ready(self, *ports: Port) -> None:
        known = [*self._queue.sessions, *self._arriving]
        message = {"type": p.ENGINE_READY, "capabilities": self._capabilities, "upload_ids": known}
        self._outbox.send(message, *ports)

    def _remove(self, port: Port, upload_id: str) -> None:
        session = self._queue.sessions.get(upload_id)
        if session is None or session.phase not in ENDED:
            self._refuse(
                port, upload_id, "Only an upload that is completed or cancelled can be taken off the list."
            )
            return
        self._drop(upload_id)

    def _drop(self, upload_id: str) -> None:
        """Take an upload off everybody's list."""
        self._queue.remove(upload_id)
        self._outbox.forget(upload_id)
        self._outbox.send({"type": p.UPLOAD_REMOVED, "upload_id": upload_id})

    # Files.

    async def _take_file(self, port: Port, message: Message, file: FileSource) -> None:
        upload_id = message["upload_id"]
        fingerprint = await self._fingerprint(file)
        if message["type"] == p.RESELECT_FILE:
            self._give_file(upload_id, fingerprint, file)
        elif known := self._twin(message["project_id"], fingerprint):
            self._outbox.send({"type": p.UPLOAD_REPLACED, "upload_id": upload_id, "by": known}, port)
            self._give_file(known, fingerprint, file)
        else:
            self._add(message, fingerprint, file)
        self._end_arrival(upload_id)

    async def _fingerprint(self, file: FileSource) -> Fingerprint:
        try:
            async with self._sampling:
                sample = await file.sample()
        except FileFault:
            sample = ""
        return Fingerprint(file.name, file.size, file.last_modified, sample)

    def _end_arrival(self, upload_id: str) -> None:
        for event in self._arriving.pop(upload_id, []):
            self._handle(event)

    async def _recall_files(self, asked: str = "") -> None:
        """Look for the files of uploads that wait for theirs; ``asked``: whose a person was just asked for."""
        if self._loaded != self._user_id:
            return  # a file whose record could not be read would be taken for one that nobody needs
        with self._storage():
            found = await self._kept.recall(self._user_id, self._queue.sessions, asked)
            for upload_id, file in found.items():
                then: list[e.Event] = [e.PauseRequested(upload_id)] if upload_id in self._paused else []
                self._arriving.setdefault(upload_id, then)
                self._group.create_task(self._take_back(upload_id, file))
            self._offer_files(*self._outbox.ports)

    async def _take_back(self, upload_id: str, file: FileSource) -> None:
        self._give_file(upload_id, await self._fingerprint(file), file)
        self._kept.settle(upload_id)
        self._end_arrival(upload_id)

    def _offer_files(self, *ports: Port) -> None:
        """Hand out what only a page can ask a person for."""
        for upload_id, handle in self._kept.handles.items() if ports else ():
            self._outbox.send({"type": p.FILE_OFFERED, "upload_id": upload_id}, *ports, handle=handle)

    def _twin(self, project_id: str, fingerprint: Fingerprint) -> str | None:
        """The unfinished upload that this file belongs to: the very same file, or one that waits for this name."""
        sessions = [
            session
            for session in self._queue.sessions.values()
            if session.phase not in ENDED
            and (session.facts.project_id == project_id or not session.facts.fingerprint.is_known)
        ]
        for session in sessions:
            known = session.facts.fingerprint
            if known.is_known and not known.difference(fingerprint):
                return session.upload_id
        for session in sessions:
            known = session.facts.fingerprint
            is_named_so = (
                known.name == fingerprint.name if known.is_known else not known.difference(fingerprint)
            )
            if session.phase is Phase.WAITING_FOR_FILE and is_named_so:
                return session.upload_id
        return None

    def _give_file(self, upload_id: str, fingerprint: Fingerprint, file: FileSource) -> None:
        session = self._queue.sessions.get(upload_id)
        if session and fingerprint.is_known and not session.facts.fingerprint.difference(fingerprint):
            self._files[upload_id] = file
        self._handle(e.FileGiven(upload_id, fingerprint))

    def _add(self, message: Message, fingerprint: Fingerprint, file: FileSource) -> None:
        upload_id, config = message["upload_id"], self._config
        facts = UploadFacts(
            upload_id=upload_id,
            project_id=message["project_id"],
            user_id=self._user_id,
            s3_key=message["s3_key"],
            content_type=file.content_type or "application/octet-stream",
            fingerprint=fingerprint,
            started_at=self._wall_ms(),
        )
        reason = complaint(file.name, file.size, file.content_type, config)
        live = sum(session.phase not in ENDED for session in self._queue.sessions.values())
        if config["max_files"] is not None and live >= config["max_files"]:
            reason = f"At most {config['max_files']} files can be uploaded at a time."
        part_size = max(1, file.size)  # of a file that is only listed
        if not reason:
            part_size = choose_part_size(file.size, config["chunk_size"], config["bandwidth_limit"])
        session = Session(facts, part_size, self._policy, has_file=True)
        if reason:
            session.refuse(refused_file(reason))
        elif not fingerprint.sample:
            session.refuse(refused_file("The file cannot be read."))
        else:
            self._files[upload_id] = file
            self._outbox.save(upload_id)
        self._perform(self._queue.add(session, self._clock.now()))
        self._outbox.touch(upload_id)

    # What lasts.

    async def _restore(self) -> None:
        """Find out whose engine this is, and take up the sessions that were open.

        While the server is out of reach, the sessions of the user of last time are shown; who it really is, is asked
        for until there is an answer.
        """
        try:
            await self._sign_in(await self._operations.who())
        except UploadFault:
            self._group.create_task(self._sign_in_later())
            with self._storage():
                await self._load(str(await self._store.get_meta(LAST_USER) or ""))

    async def _sign_in_later(self) -> None:
        rounds = 0
        while True:
            await self._clock.sleep(self._policy.probe_delay(rounds))
            rounds += 1
            try:
                return await self._sign_in(await self._operations.who())
            except UploadFault:
                continue

    async def _sign_in(self, identity: Identity) -> None:
        user_id = identity.user_id
        if identity.server_time is not None:
            self._server_date = identity.server_time / 1000 - self._clock.now()
            # What was added while the server was out of reach bears the machine's date.
            for session in self._queue.sessions.values():
                if session.has_file:
                    session.last_activity = self._wall_ms()
        with self._storage():
            is_known = await self._store.get_meta(LAST_USER) == user_id
            await self._store.set_meta(LAST_USER, user_id)
            if user_id != self._user_id:
                self._hide_strangers(user_id)
                await self._load(user_id)
            if not is_known:
                self._recover(identity)
        self._sweep()
        await self._recall_files()

    async def _sweep_for_ever(self) -> None:
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            self._sweep()

    def _sweep(self) -> None:
        """Abort and forget what nobody has come back to. Not by the machine's date alone, which may be off by days."""
        if not self._user_id:
            return
        oldest = self._wall_ms() - self._config["session_ttl"]
        for session in list(self._queue.sessions.values()):
            if session.phase in AT_REST and session.last_activity < oldest:
                self._warn("An upload was interrupted too long ago, and is removed.")
                self._handle(e.CancelRequested(session.upload_id))

    def _recover(self, identity: Identity) -> None:
        """This browser has no memory of the user: take up what the server has open for them."""
        keys = {session.key for session in self._queue.sessions.values()}
        for upload in identity.open_uploads:
            session = recover(upload, identity.user_id, self._policy)
            if upload.key not in keys and session.upload_id not in self._queue.sessions:
                session.restore(Phase.WAITING_FOR_FILE)
                self._perform(self._queue.add(session, self._clock.now()))
                self._outbox.touch(session.upload_id)

    def _hide_strangers(self, user_id: str) -> None:
        """Another user's sessions are not shown; they stay in storage for when that user is back."""
        for session in list(self._queue.sessions.values()):
            if session.facts.user_id not in ("", user_id) and session.phase is Phase.WAITING_FOR_FILE:
                self._drop(session.upload_id)

    async def _load(self, user_id: str) -> None:
        self._user_id = user_id
        for record in await self._store.load(user_id) if user_id else []:
            try:
                session, phase = from_record(record, self._policy)
            except ValueError as error:
                self._warn(f"A stored upload could not be read and was set aside: {error}")
                continue
            if session.upload_id in self._queue.sessions:
                continue
            effects = session.restore(phase)
            if phase is Phase.PAUSED:
                self._paused.add(session.upload_id)
            self._perform(self._queue.add(session, self._clock.now()) + effects)
            self._outbox.touch(session.upload_id)
        self._loaded = user_id

    @contextmanager
    def _storage(self) -> Iterator[None]:
        """What is done here may find the storage out of order; then uploads go on in memory."""
        try:
            yield
        except StorageFault as fault:
            self._storage_failed(fault)

    def _storage_failed(self, fault: StorageFault) -> None:
        self._capabilities["storage"] = "memory"
        self._warn(
            f"The browser's storage cannot be used ({fault.message}): uploads will not survive a reload."
        )

    def _checksums_refused(self) -> None:
        self._warn("The store does not take checksum headers: parts are compared by their ETags alone.")

    def _warn(self, warning: str) -> None:
        if warning not in self._capabilities["warnings"]:
            self._capabilities["warnings"] = [*self._capabilities["warnings"], warning]
            self._tell_ready()

    def _object_url(self, session: Session) -> str:
        return self._signer_url + object_path(session.key)


_FOR_ONE: dict[str, type[e.Event]] = {
    p.PAUSE_UPLOAD: e.PauseRequested,
    p.RESUME_UPLOAD: e.ResumeRequested,
    p.RETRY_UPLOAD: e.ResumeRequested,
    p.CANCEL_UPLOAD: e.CancelRequested,
}
_FOR_ALL: dict[str, type[e.Event]] = {
    p.PAUSE_ALL: e.PauseRequested,
    p.RESUME_ALL: e.ResumeRequested,
    p.CANCEL_ALL: e.CancelRequested,
    p.NETWORK_HINT: e.NetworkHinted,
}
