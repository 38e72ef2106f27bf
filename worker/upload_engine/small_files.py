"""Small files at the signing server: many are created, and many completed, by one call.

Whoever asks gets an answer of its own. What comes while a call is under way goes along with the next one; and a call
waits a moment when others are about to ask as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from upload_engine.core import small_files as calls
from upload_engine.core.errors import ServiceFault, StallFault, UploadFault
from upload_engine.core.events import ObjectReport
from upload_engine.core.requests import CreatedUpload
from upload_engine.core.session import Session
from upload_engine.interfaces import ApiRequest, Clock, HttpResponse

AskT = TypeVar("AskT")
AnswerT = TypeVar("AnswerT")

NOT_FOUND = 404
STEP = 0.02
"""Seconds between two looks whether anybody else is about to ask."""
ENOUGH_DONE = 100
"""Files that need not wait for others to be completed …"""
ENOUGH_AT_THE_END = 25
"""… and when no more than so many are left to be sent: the sooner, the less is left for the very last call."""
LINGER = 3.0
"""Seconds that a file which was sent waits for others at the most …"""
LINGER_TO_BEGIN = 0.05
"""… one that is to be sent if it is the first …"""
LINGER_ON = 0.15
"""… if others were created less than …"""
NOT_LONG = 1.0
"""… so many seconds ago …"""
LINGER_BEHIND = 0.5
"""… and if others are ready to be sent, at least …"""
ENOUGH_READY = 16
"""… so many: what is created now would wait behind them."""
SECONDS_EACH = 2.0
"""A call about many may take longer by so much for each of them."""


class Together(Generic[AskT, AnswerT]):
    """``call``: asks for all of them, and gives an answer or a fault for each; ``more_to_come``: how many others are about to

    ask; ``enough``: whether so many ask without waiting for so many others; ``linger``: seconds, how long those are waited for
    at the most, as things are now.
    """

    def __init__(
        self,
        call: Callable[[Sequence[AskT]], Awaitable[Sequence[AnswerT | UploadFault]]],
        more_to_come: Callable[[], int],
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        enough: Callable[[int, int], bool],
        linger: Callable[[], float],
    ) -> None:
        self._enough = enough
        self._longest_wait = linger
        self._call = call
        self._more_to_come = more_to_come
        self._clock = clock
        self._spawn = spawn
        self._waiting: list[tuple[AskT, asyncio.Future[AnswerT]]] = []
        self._is_asking = False

    async def ask(self, wanted: AskT) -> AnswerT:
        """The answer for one. Raises UploadFault."""
        answered: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, answered))
        if not self._is_asking:
            self._is_asking = True
            self._spawn(self._ask_for_all())
        return await answered

    async def _ask_for_all(self) -> None:
        while self._waiting:
            await self._linger()
            asked, self._waiting = (
                self._waiting[: calls.MOST_TOGETHER],
                self._waiting[calls.MOST_TOGETHER :],
            )
            asked = [one for one in asked if not one[1].done()]
            if asked:
                await self._answer(asked)
        self._is_asking = False

    async def _linger(self) -> None:
        """Not until the very last has come: what waits here is not yet safe."""
        begun = self._clock.now()
        await asyncio.sleep(0)
        while self._clock.now() - begun < self._longest_wait() and (others := self._more_to_come()):
            if self._enough(len(self._waiting), others):
                break
            await self._clock.sleep(STEP)

    async def _answer(self, asked: Sequence[tuple[AskT, asyncio.Future[AnswerT]]]) -> None:
        answers: Sequence[AnswerT | UploadFault]
        try:
            answers = await self._call([wanted for wanted, _ in asked])
        except UploadFault as fault:
            answers = [fault] * len(asked)
        for (_, answered), answer in zip(asked, answers, strict=True):
            if answered.done():
                continue
            if isinstance(answer, UploadFault):
                answered.set_exception(answer)
            else:
                answered.set_result(answer)


class SmallFiles:
    """``call``: one call to the signing server, given up after so many seconds; ``make_sure``: that the uploads here are those of

    the user who is signed in; ``arriving``: how many more files are on their way here; ``left_to_send``: how many small ones
    are on their way to the store, or wait for that; ``ready``: how many of these are created and can be sent.
    """

    def __init__(
        self,
        call: Callable[[ApiRequest, float], Awaitable[HttpResponse]],
        call_seconds: float,
        make_sure: Callable[[], Awaitable[None]],
        arriving: Callable[[], int],
        left_to_send: Callable[[], int],
        ready: Callable[[], int],
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._call = call
        self._call_seconds = call_seconds
        self._make_sure = make_sure
        self._clock = clock
        self._ready = ready
        self._created_at = -NOT_LONG
        self._creating = Together(
            self._create,
            arriving,
            clock,
            spawn,
            lambda asking, _: asking >= calls.MOST_TOGETHER,
            self._linger_to_create,
        )
        self._completing = Together(
            self._complete, left_to_send, clock, spawn, _are_enough_done, lambda: LINGER
        )

    async def create(self, session: Session) -> tuple[CreatedUpload, float]:
        """The created upload, and when it was asked for. Raises UploadFault."""
        return await self._creating.ask(session)

    async def complete(self, server_upload_id: str, key: str, etag: str) -> ObjectReport:
        """What the server says of the object. Raises UploadFault."""
        return await self._completing.ask((server_upload_id, key, etag))

    def _linger_to_create(self) -> float:
        if self._ready() >= ENOUGH_READY:
            return LINGER_BEHIND
        return LINGER_ON if self._clock.now() - self._created_at < NOT_LONG else LINGER_TO_BEGIN

    async def _create(
        self, sessions: Sequence[Session]
    ) -> Sequence[tuple[CreatedUpload, float] | UploadFault]:
        asked_at = self._clock.now()
        response = await self._call(calls.prepare_create_whole(sessions), self._seconds(len(sessions)))
        self._created_at = self._clock.now()
        created = calls.parse_create_whole(response, len(sessions))
        asked = zip(sessions, created, strict=True)
        if any(isinstance(one, CreatedUpload) and one.is_anothers(who.facts.user_id) for who, one in asked):
            await self._make_sure()
            raise StallFault("it was somebody else who was signed in")
        return [one if isinstance(one, UploadFault) else (one, asked_at) for one in created]

    async def _complete(self, sent: Sequence[tuple[str, str, str]]) -> Sequence[ObjectReport | UploadFault]:
        response = await self._call(calls.prepare_complete_whole(sent), self._seconds(len(sent)))
        reports: Sequence[ObjectReport | UploadFault] = calls.parse_complete_whole(response, len(sent))
        if any(isinstance(report, ServiceFault) and report.status == NOT_FOUND for report in reports):
            await self._make_sure()
        return reports

    def _seconds(self, count: int) -> float:
        return self._call_seconds + SECONDS_EACH * count


def _are_enough_done(done: int, others: int) -> bool:
    return done >= ENOUGH_DONE or (done >= ENOUGH_AT_THE_END and others <= ENOUGH_AT_THE_END)
