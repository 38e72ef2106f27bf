"""Whose uploads the engine works on, and what is left of them from last time.

Who it is, only the server knows, by a cookie or by a token that a page brings. It is asked at the start, whenever a page
comes or brings another token, when a person comes back to a page on which uploads wait for a sign-in, and when the server
does not know an upload, since it may be the one of somebody else by then. No user sees another's uploads: they are put
aside, and stay in storage for when that user is back.

While the server is out of reach, the user of last time is shown what is theirs, and nothing of it is sent before the
server has said that it is them. What is begun where no user was ever known is the first one's that the server names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from upload_engine.core import events as e
from upload_engine.core.errors import UploadFault
from upload_engine.core.queue import QUEUE
from upload_engine.core.records import from_record
from upload_engine.core.recovery import recover
from upload_engine.core.requests import Identity
from upload_engine.core.retry import Verdict, judge
from upload_engine.core.states import AT_REST, Phase
from upload_engine.dispatcher import Dispatcher
from upload_engine.interfaces import Clock, Record, SessionStore, UploadSigner

LAST_USER = "lastUser"
PUT_ASIDE = "Somebody else has signed in: the uploads of the user before are put aside until they are back."
OUT_OF_REACH = (Verdict.NETWORK, Verdict.TRANSIENT, Verdict.THROTTLED)
"""What the server does not answer with when it is there and knows of no users."""
SWEEP_SECONDS = 3600.0
"""How often uploads that have expired are looked for."""


class Account:
    """The user whose uploads are in the dispatcher's queue. ``user_id`` is "" while nobody is known.

    session_ttl: milliseconds after which an upload that nobody comes back to is given up; on_loaded: called when it
    is known who it is, and the user's stored uploads are in the queue; on_refused: called when the server does not take
    the token, or takes it no more.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        signer: UploadSigner,
        store: SessionStore,
        clock: Clock,
        session_ttl: int,
        on_loaded: Callable[[], Awaitable[None]],
        on_refused: Callable[[], None],
    ) -> None:
        self.user_id = ""
        self.is_refused = False
        self._signer = signer
        self._dispatcher = dispatcher
        self._sessions = dispatcher.queue.sessions
        self._store = store
        self._clock = clock
        self._session_ttl = session_ttl
        self._on_loaded = on_loaded
        self._on_refused = on_refused
        self._server_date: float | None = None
        self._loaded: str | None = None
        self._is_fresh = False
        self._is_unanswered = self._is_looking = False
        self._hinted = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    def owner(self) -> str | None:
        """The user, once all that is stored for them has been read."""
        return self.user_id if self._loaded == self.user_id else None

    def wall_ms(self) -> int:
        """The server's date, milliseconds since 1970, or the machine's as long as that is all there is."""
        if self._server_date is None:
            return int(self._clock.wall_time() * 1000)
        return int((self._server_date + self._clock.now()) * 1000)

    # Who it is.

    async def open(self) -> None:
        """Find out who it is, and take up their uploads.

        While the server is out of reach, those of the user of last time are shown; a token may be another user's.
        """
        if not await self.ask():
            async with self._one_at_a_time:
                if self._loaded is None and not self._signer.token:
                    with self._dispatcher.storage():
                        self.user_id = str(await self._store.get_meta(LAST_USER) or "")
                        await self._load()
            await self._on_loaded()
        self._is_fresh = True

    async def confirm(self) -> None:
        """Ask once more who it is; a moment after the start that is known. Out of reach, it stays the one of before."""
        if self._is_fresh:
            self._is_fresh = False
        elif self._is_unanswered:
            self.hint()
        else:
            await self.ask()

    def sign_in(self, token: str) -> None:
        """A page has brought a token: it may be another user's, or may let what waits for a sign-in go on."""
        if token != self._signer.token or self.is_refused or self.waits_for_sign_in():
            self._signer.token = token
            self.is_refused = False
            self._dispatcher.spawn(self.ask())

    def waits_for_sign_in(self) -> bool:
        """Whether an upload does: the server has refused one of its calls."""
        return any(session.phase is Phase.WAITING_FOR_SIGN_IN for session in self._sessions.values())

    async def ask(self, *, patiently: bool = False) -> bool:
        """Ask who it is, and put aside what is another user's; False, and asked again later, when there is no answer."""
        async with self._one_at_a_time:
            token = self._signer.token
            try:
                identity = await self._dispatcher.operations.who(patiently=patiently)
            except UploadFault as fault:
                verdict = judge(fault)
                if verdict is Verdict.SIGN_IN:
                    self._refuse(token)
                self.look()
                if verdict is Verdict.SIGN_IN or verdict in OUT_OF_REACH:
                    self._dispatcher.handle(e.ServerLost(QUEUE, verdict is Verdict.SIGN_IN))
                return False
            self.is_refused = False
            await self._take_over(identity)
            self._is_unanswered = False
            self._hinted.set()
            return True

    def _refuse(self, token: str) -> None:
        """The server has not taken this token. By now there may be another one."""
        if token == self._signer.token and not self.is_refused:
            self.is_refused = True
            self._on_refused()

    def hint(self) -> None:
        """The server may be within reach again: if it is looked for, ask at once."""
        if self._is_unanswered:
            self._hinted.set()

    def look(self) -> None:
        """Ask who it is until the server answers: at once, and then less and less often. One look serves all."""
        self._is_unanswered = True
        if not self._is_looking:
            self._is_looking = True
            self._dispatcher.spawn(self._look())

    async def _look(self) -> None:
        rounds = 0
        while self._is_unanswered:
            rounds = 0 if await self._wait(self._dispatcher.policy.probe_delay(rounds)) else rounds + 1
            if self._is_unanswered:
                await self.ask(patiently=True)
        self._is_looking = False

    async def _wait(self, seconds: float) -> bool:
        """So long, or until something hints that the server can be asked now; whether it was the hint."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        hinted = asyncio.ensure_future(self._hinted.wait())
        try:
            await asyncio.wait((sleeping, hinted), return_when=asyncio.FIRST_COMPLETED)
            return self._hinted.is_set()
        finally:
            sleeping.cancel()
            hinted.cancel()
            self._hinted.clear()

    async def _take_over(self, identity: Identity) -> None:
        user_id = identity.user_id
        if identity.server_time is not None:
            self._server_date = identity.server_time / 1000 - self._clock.now()
            # What was added while the server was out of reach bears the machine's date.
            for session in self._sessions.values():
                if session.has_file:
                    session.last_activity = self.wall_ms()
        self._dispatcher.queue.send_whole(identity.small_files)
        is_another = user_id != self.user_id
        if is_another:
            await self._put_strangers_aside(user_id)
            self.user_id = user_id
        is_remembered = False
        with self._dispatcher.storage():
            is_remembered = bool(self._signer.token) or await self._store.get_meta(LAST_USER) == user_id
            if not is_remembered:
                await self._store.set_meta(LAST_USER, user_id)
            if is_another:
                await self._dispatcher.outbox.adopt(user_id)
                await self._load()
        if is_another or not is_remembered:
            self._recover(identity)
        self._dispatcher.handle(e.ServerFound(QUEUE))
        for session in list(self._sessions.values()):
            if session.phase is Phase.WAITING_FOR_SIGN_IN:
                self._dispatcher.handle(e.ResumeRequested(session.upload_id))
        self._sweep()
        if is_another:
            with self._dispatcher.storage():
                await self._dispatcher.kept.adopt(user_id)
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
        for record in sorted(await self._store.load(user_id), key=_place):
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


def _place(record: Record) -> float:
    """Where a stored upload stands in the list; a damaged record stands anywhere."""
    place = record.get("rank", record.get("startedAt"))
    return float(place) if isinstance(place, int | float) else 0.0
