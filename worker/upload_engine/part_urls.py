"""The presigned URLs of all uploads: asked for in batches, before they are needed, and each used once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from upload_engine.core import requests
from upload_engine.core.errors import ServiceFault, UploadFault
from upload_engine.core.session import Session
from upload_engine.core.signatures import AHEAD, UrlBook
from upload_engine.interfaces import ApiRequest, Clock, HttpResponse


class PartUrl(NamedTuple):
    """Where a part goes, and what goes with it: headers, or a form's fields (see ``PutRequest``)."""

    url: str
    headers: Mapping[str, str]
    fields: Mapping[str, str] | None


class PartUrls:
    """``sessions``: the engine's own, by upload id; ``call``: one call to the signing server; ``on_signing`` is told of each upload

    whose URLs are asked for, ``on_checksums_refused``, once, that the store takes no checksums.
    """

    def __init__(
        self,
        sessions: Mapping[str, Session],
        call: Callable[[ApiRequest], Awaitable[HttpResponse]],
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        on_signing: Callable[[str], None],
        on_checksums_refused: Callable[[], None],
    ) -> None:
        self._sessions = sessions
        self._call = call
        self._clock = clock
        self._spawn = spawn
        self._on_signing = on_signing
        self._on_checksums_refused = on_checksums_refused
        self._books: dict[str, UrlBook] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._checksums = True

    def begin(self, upload_id: str, signed: requests.SignedParts, asked_at: float) -> None:
        """An upload was created, and these came along."""
        book = self._books[upload_id] = UrlBook()
        book.add(signed, asked_at)

    def forget(self, upload_id: str) -> None:
        """The upload has ended."""
        self._books.pop(upload_id, None)
        self._asking.pop(upload_id, None)

    def refuse_checksums(self, upload_id: str) -> None:
        """The store does not know the headers that it was sent: none are asked for from now on."""
        self._books[upload_id].clear()
        if self._checksums:
            self._checksums = False
            self._on_checksums_refused()

    async def take(self, upload_id: str, part_number: int) -> PartUrl:
        """A fresh one. Raises UploadFault."""
        book = self._books.setdefault(upload_id, UrlBook())
        asking = self._asking.setdefault(upload_id, asyncio.Lock())
        async with asking:
            url = book.take(part_number, self._clock.now())
            if url is None:
                await self._ask(upload_id, part_number, book)
                url = book.take(part_number, self._clock.now())
            if url is None:
                raise ServiceFault(502, "NotSigned", "the server did not sign the part")
            found = PartUrl(url, book.headers, book.fields)
        self._look_ahead(upload_id, part_number + AHEAD, book, asking)
        return found

    async def _ask(self, upload_id: str, part_number: int, book: UrlBook) -> None:
        """For this part and for its neighbours."""
        session, asked_at = self._sessions[upload_id], self._clock.now()
        wanted = book.wanted(part_number, session.transfer.unsent(), asked_at)
        request = requests.prepare_sign(
            session.server_upload_id, session.key, wanted, checksums=self._checksums
        )
        self._on_signing(upload_id)
        book.add(requests.parse_sign(await self._call(request)), asked_at)

    def _look_ahead(self, upload_id: str, part_number: int, book: UrlBook, asking: asyncio.Lock) -> None:
        """Ask for the next ones in good time: no part waits for the signing server."""
        transfer = self._sessions[upload_id].transfer
        is_to_come = part_number <= transfer.total_parts and transfer.state_of(part_number) == "w"
        if not is_to_come or asking.locked() or not book.is_short_of(part_number, self._clock.now()):
            return

        async def ask() -> None:
            async with asking:
                if upload_id in self._sessions and book is self._books.get(upload_id):
                    with suppress(UploadFault):  # whoever needs it asks again
                        await self._ask(upload_id, part_number, book)

        self._spawn(ask())
