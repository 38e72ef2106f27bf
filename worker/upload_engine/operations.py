"""Carries out the core's requests: each effect becomes one event, its answer.

Expected failures are events, too; anything else that is raised here is a bug and ends the engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core import requests
from upload_engine.core.checksums import Checksums
from upload_engine.core.errors import FileChanged, ServiceFault, StallFault, UploadFault
from upload_engine.core.fingerprint import is_taken_whole
from upload_engine.core.limits import LITTLE
from upload_engine.core.session import Session
from upload_engine.files import Files, Hashing
from upload_engine.interfaces import (
    ApiRequest,
    Clock,
    FileSource,
    GuestKey,
    HttpResponse,
    PartBody,
    PartTransport,
    PutRequest,
    UploadSigner,
)
from upload_engine.part_urls import PartUrls
from upload_engine.sign_in import SignIn
from upload_engine.small_files import SmallFiles
from upload_engine.watch import Flight, Watch

T = TypeVar("T")

CALL_SECONDS = 60.0
"""A call to the signing server that takes longer has been lost on the way."""
LATE_SECONDS = 2.0
"""What was sent to the store and given up has arrived by then, or never will."""
COMPLETE_SECONDS = 900.0
"""Complete may take minutes: the store puts the parts together."""
FIRST_CALL_SECONDS = 3.0
"""How long the start waits to hear who is signed in; after that it is asked for in the background, with patience."""
PROBE_SECONDS = 15.0
"""How long a question that is asked in the background waits for its answer."""
CHECKSUM_REFUSALS = ("InvalidArgument", "InvalidRequest", "NotImplemented", "UnsupportedChecksum")
"""S3's codes for headers that a store does not know."""
FETCH_BELOW_SECONDS = 0.5
"""Where an upload moves so often, part by part, none needs progress of its own: ``fetch`` reports none, and costs less."""


@dataclass(frozen=True, slots=True)
class Transports:
    """The two ways to send a part; ``forced`` ("fetch", "xhr" or "auto") may take the choice away."""

    fetch: PartTransport
    xhr: PartTransport
    forced: str = "auto"

    def choose(self, size: int, step_seconds: float | None) -> PartTransport:
        """``xhr`` reports the bytes on the way; ``fetch`` does where nobody could see them move."""
        if self.forced == "auto":
            quick = step_seconds is not None and step_seconds < FETCH_BELOW_SECONDS
            return self.fetch if quick or size <= LITTLE else self.xhr
        return self.fetch if self.forced == "fetch" else self.xhr


class Operations:
    """What the engine can do. ``sessions`` and ``files`` are the engine's own, by upload id; read only here.

    ask_who: makes sure that they are those of the user who is signed in; False when the server does not say; on_signing: told of
    each upload whose URLs are asked for; written: returns once an upload's session is written down; arriving, small_left, small_ready, spawn: see ``SmallFiles``; checksums: whether
    those of parts are computed while they are sent.
    """

    def __init__(
        self,
        signer: UploadSigner,
        guest_key: GuestKey,
        transports: Transports,
        clock: Clock,
        sessions: Mapping[str, Session],
        files: Mapping[str, FileSource],
        ask_who: Callable[[], Awaitable[bool]],
        on_checksums_refused: Callable[[], None],
        on_signing: Callable[[str], None],
        written: Callable[[str], Awaitable[None]],
        arriving: Callable[[], int],
        small_left: Callable[[], int],
        small_ready: Callable[[], int],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        *,
        checksums: bool = True,
    ) -> None:
        self.transports = transports
        self._checksums = checksums
        self._signer = signer
        self._sign_in = SignIn(signer.call, guest_key)
        self._clock = clock
        self._sessions = sessions
        self._files = Files(files)
        self._ask_who = ask_who
        self._watch = Watch(clock, spawn)
        self._urls = PartUrls(sessions, self._call, clock, spawn, on_signing, on_checksums_refused)
        self._written = written
        self._small_files = SmallFiles(
            self._call, CALL_SECONDS, self._make_sure, arriving, small_left, small_ready, clock, spawn
        )

    def forget(self, upload_id: str) -> None:
        """The upload has ended."""
        self._urls.forget(upload_id)

    async def who(self, *, patiently: bool) -> requests.Identity:
        """The user who is signed in. Raises UploadFault."""
        return await self._within(PROBE_SECONDS if patiently else FIRST_CALL_SECONDS, self._sign_in.who())

    async def perform(self, effect: fx.Request, report: Callable[[e.Event], None]) -> e.Event:
        """Do what ``effect`` says and return its outcome; ``report`` takes the events on the way."""
        if isinstance(effect, fx.UploadPart):
            try:
                etag, crc64nvme = await self._put(effect, report)
                return e.PartUploaded(effect.upload_id, effect.attempt, effect.part_number, etag, crc64nvme)
            except UploadFault as fault:
                return e.PartFailed(effect.upload_id, effect.attempt, effect.part_number, fault)
        if isinstance(effect, fx.ArmTimer):
            await self._clock.sleep(effect.delay)
            return e.TimerFired(effect.upload_id, effect.attempt)
        if isinstance(effect, fx.ProbeNetwork):
            return e.NetworkProbed(effect.upload_id, effect.attempt, await self._is_reachable())
        try:
            return await self._control(effect, report)
        except UploadFault as fault:
            return e.ControlFailed(effect.upload_id, effect.attempt, fault)

    # Control requests.

    async def look(self, session: Session) -> e.ObjectReport | None:
        """What the server says of a completed upload's object; None: there is none. Raises UploadFault."""
        request = requests.prepare_status(session.server_upload_id, session.key)
        return requests.parse_status(await self._call(request))[1]

    async def _control(self, effect: fx.Request, report: Callable[[e.Event], None]) -> e.Event:
        upload_id, attempt = effect.upload_id, effect.attempt
        session = self._sessions[upload_id]
        server_upload_id, key = session.server_upload_id, session.key
        match effect:
            case fx.CreateUpload(whole=whole):
                create = self._small_files.create if whole else self._create
                return self._created(session, attempt, *await create(session))
            case fx.ListParts():
                response = await self._call(requests.prepare_list(server_upload_id, key))
                return e.PartsListed(upload_id, attempt, requests.parse_list(response))
            case fx.CheckFile(parts=parts):
                return await self._files.check(session, attempt, parts, report)
            case fx.HashFile(part_size=part_size, md5=md5):
                return await self._files.hash(session, attempt, part_size, report, md5=md5)
            case fx.CheckStatus():
                response = await self._call(requests.prepare_status(server_upload_id, key))
                return e.StatusChecked(upload_id, attempt, *requests.parse_status(response))
            case fx.CompleteUpload(parts=((_, part),)) if session.transfer.is_whole:
                found = await self._small_files.complete(server_upload_id, key, part.etag)
                return e.UploadCompleted(upload_id, attempt, found)
            case fx.CompleteUpload(parts=parts, checksum=checksum):
                request = requests.prepare_complete(server_upload_id, key, parts, checksum)
                response = await self._call(request, COMPLETE_SECONDS)
                return e.UploadCompleted(upload_id, attempt, requests.parse_complete(response))
            case fx.AbortUpload():
                requests.parse_abort(await self._call(requests.prepare_abort(server_upload_id, key)))
                if session.transfer.is_whole and session.transfer.was_sent:
                    # What was given up on its way may still have arrived.
                    await self._clock.sleep(LATE_SECONDS)
                    requests.parse_abort(await self._call(requests.prepare_abort(server_upload_id, key)))
                return e.UploadAborted(upload_id, attempt)
        raise TypeError(f"no way to perform {type(effect).__name__}")

    async def _create(self, session: Session) -> tuple[requests.CreatedUpload, float]:
        """The created upload, and when it was asked for."""
        facts, asked_at = session.facts, self._clock.now()
        request = requests.prepare_create(facts, session.transfer.part_size)
        created = requests.parse_create(await self._call(request))
        if created.is_anothers(facts.user_id):
            with suppress(UploadFault):
                await self._within(
                    CALL_SECONDS,
                    self._signer.call(requests.prepare_abort(created.server_upload_id, created.key)),
                )
            await self._make_sure()
            raise StallFault("it was somebody else who was signed in")
        return created, asked_at

    def _created(
        self, session: Session, attempt: int, created: requests.CreatedUpload, asked_at: float
    ) -> e.Event:
        self._urls.begin(session.upload_id, created.signed, asked_at)
        return e.UploadCreated(
            session.upload_id,
            attempt,
            created.server_upload_id,
            created.key,
            created.bucket,
            created.part_size,
            created.user_id,
            created.has_opaque_etags,
            created.is_whole,
            created.keeps_checksum and self._checksums,
        )

    async def _is_reachable(self) -> bool:
        """Any readable answer but a proxy's complaint will do."""
        try:
            response = await self._call(requests.prepare_probe(), PROBE_SECONDS)
        except UploadFault:
            return False
        return response.status == 200 and '"status"' in response.text

    async def _call(self, request: ApiRequest, seconds: float = CALL_SECONDS) -> HttpResponse:
        response = await self._within(seconds, self._signer.call(request))
        if response.status == 404:
            await self._make_sure()
        return response

    async def _make_sure(self) -> None:
        """The server does not know the upload. It would not if somebody else had signed in: then this task ends here.

        Raises StallFault when the server does not say who it is.
        """
        if not await self._ask_who():
            raise StallFault("the server could not be asked who is signed in")

    async def _within(self, seconds: float, work: Awaitable[T]) -> T:
        """``work``, given up after ``seconds`` on the engine's clock. Raises StallFault then."""
        doing, patience = asyncio.ensure_future(work), asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((doing, patience), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise StallFault("no answer came in time")
            return doing.result()
        finally:
            doing.cancel()
            patience.cancel()

    # Parts.

    async def _put(self, effect: fx.UploadPart, report: Callable[[e.Event], None]) -> tuple[str, str]:
        """Send one part; its ETag and its CRC-64/NVME. The URL is asked for last, so that it is fresh when the bytes go.

        The part's checksum is computed while it is sent, and compared with what the store tells of what has arrived.
        """
        file, transfer = self._files.of(effect.upload_id), self._sessions[effect.upload_id].transfer
        if transfer.is_whole:
            # An object of which nothing is written down would never be heard of again.
            await self._written(effect.upload_id)
        if transfer.is_whole and is_taken_whole(effect.size):
            whole = await file.whole()
            if whole.md5 != self._sessions[effect.upload_id].facts.fingerprint.sample:
                raise FileChanged("its content is different")
            return await self._send(effect, whole.body, Checksums(md5=whole.md5), report)
        body = await file.part(effect.offset, effect.size)
        if not self._checksums:
            return await self._send(effect, body, Checksums(), report)
        kept = transfer.keeps_checksum
        hashing = Hashing(lambda: file.checksums(body, md5=not kept, crc64nvme=kept))
        try:
            return await self._send(effect, body, hashing, report)
        finally:
            hashing.cancel()

    async def _send(
        self,
        effect: fx.UploadPart,
        body: PartBody,
        checksums: Checksums | Hashing,
        report: Callable[[e.Event], None],
    ) -> tuple[str, str]:
        url, headers, fields = await self._urls.take(effect.upload_id, effect.part_number)
        transfer = self._sessions[effect.upload_id].transfer
        flight = Flight(lambda: transfer.patience(effect.size))

        def on_progress(absolute: int) -> None:
            flight.sent = absolute
            report(e.PartProgressed(effect.upload_id, effect.attempt, effect.part_number, absolute))

        transport = self.transports.choose(effect.size, effect.step_seconds)
        md5 = checksums.md5 if isinstance(checksums, Checksums) else ""
        request = PutRequest(url, headers, body, fields, md5)
        response = await self._watch.over(flight, transport.put(request, on_progress))
        etag = self._parse_part(effect.upload_id, response, headers)
        arrived = requests.told_checksum(response) if transfer.keeps_checksum else ""
        if not transfer.keeps_checksum and not transfer.tells_bytes(etag):
            return etag, ""
        if isinstance(checksums, Checksums):
            sent_ones = checksums
        else:
            # The bytes are there: to read them once more takes no longer than a part may stand still.
            limit = transfer.patience(effect.size)
            sent_ones = await checksums.result(lambda reading: self._within(limit, reading))
        if (sent_ones.md5 and sent_ones.md5 != etag) or arrived not in ("", sent_ones.crc64nvme):
            raise ServiceFault(response.status, "BadDigest", "what arrived is not what was sent")
        return etag, sent_ones.crc64nvme

    def _parse_part(self, upload_id: str, response: HttpResponse, headers: Mapping[str, str]) -> str:
        """The ETag. A store that does not know the checksum headers it was sent is sent none from then on."""
        try:
            return requests.parse_part(response)
        except ServiceFault as fault:
            with_checksum = any("checksum" in name.lower() for name in headers)
            if not with_checksum or fault.code not in CHECKSUM_REFUSALS:
                raise
        self._urls.refuse_checksums(upload_id)
        raise ServiceFault(response.status, "ChecksumRefused", "the store does not take checksums")
