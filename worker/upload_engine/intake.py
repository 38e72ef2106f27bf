"""Files on their way to their uploads: new ones, those that are chosen again, and those that come back by themselves."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from uploads import protocol as p

from upload_engine.account import Account
from upload_engine.core import events as e
from upload_engine.core.errors import FileFault
from upload_engine.core.explain import refused_file
from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.parts import choose_part_size
from upload_engine.core.session import Session
from upload_engine.core.states import ENDED, Phase
from upload_engine.dispatcher import Dispatcher
from upload_engine.interfaces import FileSource, Port
from upload_engine.rules import complaint

NOT_INSPECTED: Mapping[str, Any] = {"metadata": {}, "content_encoding": "", "rejection": ""}
SAMPLING_AT_ONCE = 2
"""No more, or what is ready to be sent waits for its turn behind them …"""
SLOW_SECONDS = 1.0
"""… but for files whose disk takes longer than this: the others do not wait for them."""
SAMPLE_SECONDS = 60.0
"""A file whose sample takes longer cannot be read. Firefox never reads a ``File`` of over 1 MiB that a page has made itself
and that came through a ``MessagePort``."""


class Intake:
    """Looks at every file before its upload hears of it. ``config``: the rules for new ones."""

    def __init__(self, dispatcher: Dispatcher, account: Account, config: Mapping[str, Any]) -> None:
        self._dispatcher = dispatcher
        self._account = account
        self._config = config
        self._sessions = dispatcher.queue.sessions
        # Not a task for each of ten thousand: what Python has once taken of the memory it never gives back.
        self._waiting: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
        self._looking = 0
        self._slow = 0
        self._last_start = 0

    def take(self, port: Port, message: Mapping[str, Any], file: FileSource) -> None:
        """Begin with a file that came with a START_UPLOAD or RESELECT_FILE."""
        self._dispatcher.arriving.setdefault(message["upload_id"], [])
        # No two at the same moment: it is the order in which they are shown, also by the next engine.
        self._last_start = max(self._last_start + 1, self._account.wall_ms())
        self._look_soon(partial(self._take, port, message, file, self._last_start))

    async def recall(self, asked: str = "") -> None:
        """Look for the files of uploads that wait for theirs; ``asked``: whose a person was just asked for."""
        if session := self._sessions.get(asked):
            session.was_paused = False
        with self._dispatcher.storage():
            found = await self._dispatcher.kept.recall(self._account.owner, self._sessions, asked)
            for upload_id, file in found.items():
                was_paused = self._sessions[upload_id].was_paused
                then: list[e.Event] = [e.PauseRequested(upload_id)] if was_paused else []
                self._dispatcher.arriving.setdefault(upload_id, then)
                self._look_soon(partial(self._take_back, upload_id, file))
            self._dispatcher.offer_files(*self._dispatcher.outbox.ports)

    def _look_soon(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._waiting.append(work)
        self._look_at_more()

    def _look_at_more(self) -> None:
        if self._waiting and self._looking - self._slow < SAMPLING_AT_ONCE:
            self._looking += 1
            self._dispatcher.spawn(self._look())

    async def _look(self) -> None:
        while self._waiting:
            await self._waiting.popleft()()
        self._looking -= 1

    async def _take(self, port: Port, message: Mapping[str, Any], file: FileSource, started_at: int) -> None:
        upload_id = message["upload_id"]
        fingerprint = await self._fingerprint(file)
        if message["type"] == p.RESELECT_FILE:
            self._give(upload_id, fingerprint, file)
        elif known := self._twin(message["project_id"], fingerprint):
            replaced = {"type": p.UPLOAD_REPLACED, "upload_id": upload_id, "by": known}
            self._dispatcher.outbox.send(replaced, port)
            self._give(known, fingerprint, file)
        else:
            self._add(message, fingerprint, file, started_at)
        self._end_arrival(upload_id)

    async def _take_back(self, upload_id: str, file: FileSource) -> None:
        self._give(upload_id, await self._fingerprint(file), file)
        self._dispatcher.kept.settle(upload_id)
        self._end_arrival(upload_id)

    async def _fingerprint(self, file: FileSource) -> Fingerprint:
        is_slow = False

        def look_on() -> None:
            nonlocal is_slow
            is_slow = True
            self._slow += 1
            self._look_at_more()

        late = asyncio.get_running_loop().call_later(SLOW_SECONDS, look_on)
        try:
            async with asyncio.timeout(SAMPLE_SECONDS):
                sample = await file.sample()
        except (FileFault, TimeoutError):
            sample = ""
        finally:
            late.cancel()
            self._slow -= is_slow
        return Fingerprint(file.name, file.size, file.last_modified, sample)

    def _end_arrival(self, upload_id: str) -> None:
        for event in self._dispatcher.arriving.pop(upload_id, []):
            self._dispatcher.handle(event)

    def _twin(self, project_id: str, fingerprint: Fingerprint) -> str | None:
        """The unfinished upload that this file belongs to: the very same file, or one that waits for this name."""
        sessions = [
            session
            for session in self._dispatcher.queue.called(fingerprint.name)
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

    def _give(self, upload_id: str, fingerprint: Fingerprint, file: FileSource) -> None:
        session = self._sessions.get(upload_id)
        if session and fingerprint.is_known and not session.facts.fingerprint.difference(fingerprint):
            self._dispatcher.files[upload_id] = file
        self._dispatcher.handle(e.FileGiven(upload_id, fingerprint))

    def _add(
        self, message: Mapping[str, Any], fingerprint: Fingerprint, file: FileSource, started_at: int
    ) -> None:
        config = self._config
        inspected = message["inspected"] or NOT_INSPECTED
        facts = UploadFacts(
            upload_id=message["upload_id"],
            project_id=message["project_id"],
            user_id=self._account.user_id,
            s3_key=message["s3_key"],
            content_type=file.content_type or "application/octet-stream",
            fingerprint=fingerprint,
            started_at=started_at,
            metadata=inspected["metadata"],
            content_encoding=inspected["content_encoding"],
        )
        reason = inspected["rejection"] or complaint(file.name, file.size, file.content_type, config)
        if config["max_files"] is not None and self._live() >= config["max_files"]:
            reason = f"At most {config['max_files']} files can be uploaded at a time."
        part_size = max(1, file.size)  # of a file that is only listed
        if not reason:
            speed = self._dispatcher.queue.request_speed
            part_size = choose_part_size(file.size, config["chunk_size"], config["bandwidth_limit"], speed)
        session = Session(facts, part_size, self._dispatcher.policy, has_file=True)
        if reason:
            session.refuse(refused_file(reason))
        elif not fingerprint.sample:
            session.refuse(refused_file("The file cannot be read."))
        else:
            self._dispatcher.files[facts.upload_id] = file
            self._dispatcher.outbox.save(facts.upload_id)
        self._dispatcher.add(session)

    def _live(self) -> int:
        """How many uploads there are that have not ended; what was refused is only listed."""
        return sum(
            session.phase not in ENDED and (session.error is None or session.error.retryable)
            for session in self._sessions.values()
        )
