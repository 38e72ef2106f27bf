"""What leaves the engine for storage and for the pages: saved first, announced after, at most once per interval."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from uploads.protocol import encode_message, encode_snapshot

from upload_engine.core.errors import StorageFault
from upload_engine.core.queue import UploadQueue
from upload_engine.core.records import to_record
from upload_engine.core.session import Session
from upload_engine.core.states import Phase
from upload_engine.interfaces import Clock, Port, Record, SessionStore
from upload_engine.snapshots import parts_json, snapshot

SOON = 0.1
"""Seconds after which pages are told of an end at the latest."""

AT_ONCE = 200
"""Sessions that are written and told together. What Python has once taken of the memory for ten thousand it never gives back."""


class Outbox:
    """Collects what has changed and sends it on in groups: one transaction, then one snapshot per upload.

    ``on_storage_fault`` is told once when storage fails; from then on nothing is stored, and uploads go on in memory.
    ``on_deleted`` is told the user and the upload whose session storage has no longer.
    """

    def __init__(
        self,
        queue: UploadQueue,
        store: SessionStore,
        clock: Clock,
        object_url: Callable[[Session], str],
        file_access: Callable[[Session], str],
        on_storage_fault: Callable[[StorageFault], None],
        on_deleted: Callable[[str, str], None],
    ) -> None:
        self.ports: list[Port] = []
        self.interval = 0.1
        self._queue = queue
        self._store = store
        self._clock = clock
        self._object_url = object_url
        self._file_access = file_access
        self._on_storage_fault = on_storage_fault
        self._on_deleted = on_deleted
        self._storing = True
        self._unsaved: set[str] = set()
        self._doomed: dict[str, str] = {}
        self._changed: set[str] = set()
        self._announced_parts: dict[str, int] = {}
        self._known_to_wait: set[str] = set()
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()

    def save(self, upload_id: str) -> None:
        """Write the session down before anything newer is announced."""
        self._unsaved.add(upload_id)
        self._wake.set()
        self.happened(upload_id)

    def delete(self, session: Session) -> None:
        """Forget the stored session, once a page has been told of its end.

        Until then it is kept: whoever asks after a crash is told by what the store has.
        """
        self._unsaved.discard(session.upload_id)
        self._doomed[session.upload_id] = session.facts.user_id
        self.touch(session.upload_id)

    def touch(self, upload_id: str) -> None:
        """Something a page may want to see has changed."""
        self._changed.add(upload_id)
        self._wake.set()

    def happened(self, upload_id: str) -> None:
        """Something has happened to an upload. Pages see it, unless it still waits for its turn, as they know, or is a small
        file that is done but for the server's word.
        """
        session = self._queue.sessions.get(upload_id)
        if session and session.waits_for_its_turn and upload_id in self._known_to_wait:
            return
        if session and session.is_small and session.phase is Phase.FINALISING:
            return
        self.touch(upload_id)

    def send(self, message: dict[str, Any], *ports: Port, handle: Any = None) -> None:
        """Send one message at once, to some ports or to all, with a kept file's handle beside it."""
        body = encode_message(message)
        for port in ports or self.ports:
            port.post(body, handle)

    def introduce(self) -> None:
        """A page has come: tell everything there is to see once more, with all parts."""
        self._announced_parts.clear()
        self._changed.update(self._queue.sessions)
        self._wake.set()

    def forget(self, upload_id: str) -> None:
        """The upload is off the list."""
        self._changed.discard(upload_id)
        self._announced_parts.pop(upload_id, None)
        self._known_to_wait.discard(upload_id)

    async def run(self) -> None:
        """Send on what is collected, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()
            await self._pause()

    async def _pause(self) -> None:
        """As long as pages want, or until there is an end to tell them of: that is what everybody waits for."""
        waited = 0.0
        while waited < self.interval:
            step = min(SOON, self.interval - waited)
            await self._clock.sleep(step)
            waited += step
            if self._doomed and self.ports:
                break

    async def written(self, upload_id: str) -> None:
        """Return once the session is written down as it is now, as far as anything is: before the pages are told."""
        async with self._flushing:
            if upload_id in self._unsaved:
                others = islice(self._unsaved, AT_ONCE - 1)
                await self._store_changes(self._take_records([upload_id, *others]), {})

    def _take_records(self, upload_ids: Iterable[str]) -> list[Record]:
        sessions = self._queue.sessions
        wanted = self._unsaved.intersection(upload_ids)
        self._unsaved -= wanted
        return [to_record(sessions[upload_id]) for upload_id in wanted if upload_id in sessions]

    async def flush(self) -> None:
        """Save, then announce: a page never sees a part that a crash could make us forget."""
        async with self._flushing:
            await self._flush()

    async def _flush(self) -> None:
        changed, self._changed = self._changed, set()
        doomed: dict[str, str] = {}
        if self.ports:
            doomed, self._doomed = self._doomed, doomed
        waiting = iter([*changed, *(self._unsaved - changed)])
        while some := list(islice(waiting, AT_ONCE)):
            sessions = [self._queue.sessions[name] for name in some if name in self._queue.sessions]
            told = [session for session in sessions if session.upload_id in changed and self.ports]
            messages = [self._changes(session) for session in told]
            await self._store_changes(self._take_records(some), {})
            for message in messages:
                body, head = encode_snapshot(message)
                for port in self.ports:
                    port.post(body, head=head)
        await self._store_changes([], doomed)

    async def adopt(self, user_id: str) -> None:
        """What was begun while nobody was known is this user's: on the pages, and in storage all of it or nothing."""
        async with self._flushing:
            for session in self._queue.sessions.values():
                if not session.facts.user_id:
                    session.own(user_id)
                    self.touch(session.upload_id)
            self._doomed = {upload_id: owner or user_id for upload_id, owner in self._doomed.items()}
            if self._storing:
                await self._store.adopt(user_id)

    async def _store_changes(self, records: list[Record], doomed: dict[str, str]) -> None:
        if not self._storing:
            return
        try:
            if records:
                await self._store.save(records)
            if doomed:
                await self._store.delete([(user_id, upload_id) for upload_id, user_id in doomed.items()])
            for upload_id, user_id in doomed.items():
                self._on_deleted(user_id, upload_id)
        except StorageFault as fault:
            self._storing = False
            self._on_storage_fault(fault)

    def _changes(self, session: Session) -> dict[str, Any]:
        """A snapshot; its parts go along only when they have changed, since 10,000 of them take a page a while."""
        message = snapshot(session, self._clock.now(), self._object_url(session), self._file_access(session))
        if session.waits_for_its_turn:
            self._known_to_wait.add(session.upload_id)
        else:
            self._known_to_wait.discard(session.upload_id)
        revision = session.transfer.stored.revision
        if self._announced_parts.get(session.upload_id) != revision:
            self._announced_parts[session.upload_id] = revision
            message["parts_json"] = parts_json(session)
        return message
