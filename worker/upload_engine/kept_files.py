"""Files that come back by themselves: kept when their upload begins or has to wait for the network, looked for when it

is restored, let go at its end.

How a file is kept is the FileKeeper's business; what becomes of an upload, the core's. Nothing here holds an upload
up: a file that could not be kept is chosen again after a restart, and a warning says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from upload_engine.core.errors import StorageFault
from upload_engine.core.session import Session
from upload_engine.core.states import ENDED, Phase
from upload_engine.interfaces import FileKeeper, FileSource

CHOOSE = "choose"


class KeptFiles:
    """What is kept of the engine's uploads. ``handles``: by upload id, those that a person has to be asked for.

    spawn: run a task of the engine; on_change: an upload's ``access`` is another one; warn: tell the pages.
    """

    def __init__(
        self,
        keeper: FileKeeper,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        on_change: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self.handles: dict[str, Any] = {}
        self._keeper = keeper
        self._spawn = spawn
        self._on_change = on_change
        self._warn = warn
        self._access: dict[str, str] = {}
        self._held: dict[str, FileSource | None] = {}  # kept, or waiting to be; None: kept, and not open
        self._kept: dict[str, FileSource] = {}  # that this engine has kept
        self._kept_as: dict[str, str] = {}  # "handle" or "copy"
        self._offline: set[str] = set()  # added while the server was out of reach, or before it was
        self._in_turn = asyncio.Lock()

    def copy_up_to(self, largest: int | None) -> None:
        """See ``FileKeeper.copy_up_to``."""
        self._keeper.copy_up_to(largest)

    def access(self, session: Session) -> str:
        """How the engine comes by the session's file: one of the protocol's ``FILE_ACCESS``."""
        if session.has_file:
            return self._kept_as.get(session.upload_id, "open")
        return self._access.get(session.upload_id, CHOOSE)

    def is_closed(self, upload_id: str) -> bool:
        """Whether the upload's file is kept, and has not been opened since the start."""
        return self._held.get(upload_id, CHOOSE) is None

    def keep(self, session: Session, file: FileSource, *, is_offline: bool = False) -> None:
        """Keep the upload's file, unless it is kept already. ``is_offline``: it waits for the network."""
        upload_id = session.upload_id
        is_news = is_offline and upload_id not in self._offline | self._kept_as.keys()
        if is_news:
            self._offline.add(upload_id)
        if is_news or self._held.get(upload_id) is not file:
            self._held[upload_id] = file
            self._spawn(self._keep(session, file))

    def forget(self, user_id: str, upload_id: str) -> None:
        """The upload has ended, and storage knows it no longer: until then a crash may bring it back for its file."""
        is_known = upload_id in self._kept_as or upload_id in self.handles
        may_be_kept = is_known or self._held.get(upload_id, True) is None
        self.put_aside(upload_id)
        if may_be_kept:
            self._spawn(self._forget(user_id, upload_id))

    def put_aside(self, upload_id: str) -> None:
        """The upload is another user's. What is kept for it stays where it is."""
        self._offline.discard(upload_id)
        for mapping in (self._held, self._kept, self._kept_as, self._access, self.handles):
            mapping.pop(upload_id, None)

    async def adopt(self, user_id: str) -> None:
        """What was kept while nobody was known is this user's. Raises StorageFault."""
        async with self._in_turn:
            await self._keeper.adopt(user_id)

    async def recall(
        self, owner: Callable[[], str | None], sessions: Mapping[str, Session], asked: str = ""
    ) -> dict[str, FileSource]:
        """The files that can be read now, for uploads that wait for theirs; what belongs to no upload is let go.

        ``owner``: whose uploads ``sessions`` are, None while that changes; ``asked``: the upload for whose file a person
        has just been asked. Raises StorageFault.
        """
        found: dict[str, FileSource] = {}
        user_id = owner()
        if user_id is None:
            return found  # a file whose record could not be read would be taken for one that nobody needs
        kept_files = await self._keeper.recall(user_id)
        if owner() != user_id:
            return found
        for upload_id, kept in kept_files.items():
            session = sessions.get(upload_id)
            if session is None or session.phase in ENDED:
                self._spawn(self._forget(user_id, upload_id))
                continue
            self._held.setdefault(upload_id, None)
            if session.phase is Phase.WAITING_FOR_FILE and self._access.get(upload_id) != "open":
                refused = upload_id == asked and kept.access == "ask"
                self._access[upload_id] = "denied" if refused else kept.access
                if kept.file is not None:
                    found[upload_id] = self._held[upload_id] = kept.file
                    self._kept_as[upload_id] = "copy" if kept.is_copy else "handle"
                if kept.handle is not None:
                    self.handles[upload_id] = kept.handle
                self._on_change(upload_id)
        if asked and asked not in kept_files:
            self.settle(asked)
        return found

    def settle(self, upload_id: str) -> None:
        """The file that was found has been looked at: the upload has it now, or a person has to choose another."""
        self._access[upload_id] = CHOOSE
        self._on_change(upload_id)

    async def _keep(self, session: Session, file: FileSource) -> None:
        upload_id = session.upload_id
        async with self._in_turn:
            if self._held.get(upload_id) is not file or self._kept.get(upload_id) is file:
                return  # it has ended in the meantime, or was kept on the way here
            try:
                how = await self._keeper.keep(
                    session.facts.user_id, upload_id, file, is_offline=upload_id in self._offline
                )
            except StorageFault as fault:
                self._warn(
                    f"A file could not be kept here ({fault.message}): choose it again after a restart."
                )
                return
            if how and session.phase in ENDED and upload_id not in self._held:
                with suppress(StorageFault):
                    await self._keeper.forget(session.facts.user_id, upload_id)
            elif how and self._held.get(upload_id) is file:
                self._kept[upload_id], self._kept_as[upload_id] = file, how
                self._on_change(upload_id)

    async def _forget(self, user_id: str, upload_id: str) -> None:
        async with self._in_turn:
            with suppress(StorageFault):  # the next start lets go of what belongs to no upload
                await self._keeper.forget(user_id, upload_id)
