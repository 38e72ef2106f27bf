"""Whose uploads the engine works on, and what is left of them from last time.

Who it is, only the server knows. It is asked at the start, whenever a page comes, when a person comes back to a page on
which uploads wait for a sign-in, and when the server does not know an upload, since it may be the one of somebody else
by then. No user sees another's uploads: they are put aside, and stay in storage for when that user is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from upload_engine.core import events as e
from upload_engine.core.errors import UploadFault
from upload_engine.core.records import from_record
from upload_engine.core.recovery import recover
from upload_engine.core.requests import Identity
from upload_engine.core.states import AT_REST, Phase
from upload_engine.dispatcher import Dispatcher
from upload_engine.interfaces import Clock, SessionStore

LAST_USER = "lastUser"
PUT_ASIDE = "Somebody else has signed in: the uploads of the user before are put aside until they are back."
SWEEP_SECONDS = 3600.0
"""How often uploads that have expired are looked for."""


class Account:
    """The user whose uploads are in the dispatcher's queue. ``user_id`` is "" while nobody is known.

    session_ttl: milliseconds after which an upload that nobody comes back to is given up; on_loaded: called when it
    is known who it is, and the user's stored uploads are in the queue.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        store: SessionStore,
        clock: Clock,
        session_ttl: int,
        on_loaded: Callable[[], Awaitable[None]],
    ) -> None:
        self.user_id = ""
        self._dispatcher = dispatcher
        self._sessions = dispatcher.queue.sessions
        self._store = store
        self._clock = clock
        self._session_ttl = session_ttl
        self._on_loaded = on_loaded
        self._server_date: float | None = None
        self._loaded: str | None = None
        self._is_fresh = False
        self._is_asking = False
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_loaded(self) -> bool:
        """Whether all that is stored for the user has been read."""
        return self._loaded == self.user_id

    def wall_ms(self) -> int:
        """The server's date, milliseconds since 1970, or the machine's as long as that is all there is."""
        if self._server_date is None:
            return int(self._clock.wall_time() * 1000)
        return int((self._server_date + self._clock.now()) * 1000)

    # Who it is.

    async def open(self) -> None:
        """Find out who it is, and take up their uploads.

        While the server is out of reach, those of the user of last time are shown.
        """
        self._is_fresh = await self.ask()
        if not self._is_fresh:
            with self._dispatcher.storage():
                self.user_id = str(await self._store.get_meta(LAST_USER) or "")
                await self._load()

    async def confirm(self) -> None:
        """Ask once more who it is; a moment after the start that is known. Out of reach, it stays the one of before."""
        if self._is_fresh:
            self._is_fresh = False
        else:
            await self.ask()

    async def ask(self) -> bool:
        """Ask who it is, and put aside what is another user's; False, and asked again later, when there is no answer."""
        async with self._one_at_a_time:
            try:
                identity = await self._dispatcher.operations.who()
            except UploadFault:
                if not self._is_asking:
                    self._is_asking = True
                    self._dispatcher.spawn(self._ask_until_answered())
                return False
            await self._sign_in(identity)
            return True

    async def _ask_until_answered(self) -> None:
        rounds, answered = 0, False
        while not answered:
            await self._clock.sleep(self._dispatcher.policy.probe_delay(rounds))
            rounds += 1
            answered = await self.ask()
        self._is_asking = False

    async def _sign_in(self, identity: Identity) -> None:
        user_id = identity.user_id
        if identity.server_time is not None:
            self._server_date = identity.server_time / 1000 - self._clock.now()
            # What was added while the server was out of reach bears the machine's date.
            for session in self._sessions.values():
                if session.has_file:
                    session.last_activity = self.wall_ms()
        is_another = user_id != self.user_id
        if is_another:
            await self._put_strangers_aside(user_id)
            self.user_id = user_id
        is_remembered = False
        with self._dispatcher.storage():
            is_remembered = await self._store.get_meta(LAST_USER) == user_id
            await self._store.set_meta(LAST_USER, user_id)
            if is_another:
                await self._load()
        if is_another or not is_remembered:
            self._recover(identity)
        for session in list(self._sessions.values()):
            if session.phase is Phase.WAITING_FOR_SIGN_IN:
                self._dispatcher.handle(e.ResumeRequested(session.upload_id))
        self._sweep()
        await self._on_loaded()

    async def _put_strangers_aside(self, user_id: str) -> None:
        await self._dispatcher.outbox.flush()
        for session in list(self._sessions.values()):
            if session.facts.user_id not in ("", user_id):
                self._dispatcher.put_aside(session)
                self._dispatcher.warn(PUT_ASIDE)

    # What is left of last time.

    async def _load(self) -> None:
        user_id = self.user_id
        for record in await self._store.load(user_id) if user_id else []:
            try:
                session, phase = from_record(record, self._dispatcher.policy)
            except ValueError as error:
                self._dispatcher.warn(f"A stored upload could not be read and was set aside: {error}")
                continue
            if session.upload_id in self._sessions:
                continue
            effects = session.restore(phase)
            self._dispatcher.add(session)
            self._dispatcher.perform(effects)
        self._loaded = user_id

    def _recover(self, identity: Identity) -> None:
        """This browser may have no memory of the user: take up what the server has open for them."""
        keys = {session.key for session in self._sessions.values()}
        for upload in identity.open_uploads:
            session = recover(upload, identity.user_id, self._dispatcher.policy)
            if upload.key not in keys and session.upload_id not in self._sessions:
                session.restore(Phase.WAITING_FOR_FILE)
                self._dispatcher.add(session)

    async def sweep_for_ever(self) -> None:
        """Let go, every hour, of what has expired."""
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            self._sweep()

    def _sweep(self) -> None:
        """Abort and forget what nobody has come back to. Not by the machine's date alone, which may be off by days."""
        if not self.user_id:
            return
        oldest = self.wall_ms() - self._session_ttl
        for session in list(self._sessions.values()):
            if session.phase in AT_REST and session.last_activity < oldest:
                self._dispatcher.warn("An upload was interrupted too long ago, and is removed.")
                self._dispatcher.handle(e.CancelRequested(session.upload_id))
