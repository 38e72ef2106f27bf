"""Stand-ins for browsers that offer no storage: uploads work, but nothing survives the worker.

It may touch nothing but its own dictionaries.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from upload_engine.core.errors import StorageFault
from upload_engine.interfaces import FileSource, KeptFile, Record


class MemoryStore:
    """SessionStore without a disk. Hands out copies, so that no one changes a record behind its back."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], Record] = {}
        self._meta: dict[str, Any] = {}

    async def load(self, user_id: str) -> list[Record]:
        """See ``SessionStore.load``."""
        return [copy.deepcopy(record) for key, record in self._sessions.items() if key[0] == user_id]

    async def save(self, records: Sequence[Record]) -> None:
        """See ``SessionStore.save``."""
        try:
            written = {(record["userId"], record["uploadId"]): copy.deepcopy(record) for record in records}
        except KeyError as error:
            raise StorageFault(f"a record without {error.args[0]} cannot be kept") from None
        self._sessions.update(written)

    async def delete(self, keys: Sequence[tuple[str, str]]) -> None:
        """See ``SessionStore.delete``."""
        for key in keys:
            self._sessions.pop(key, None)

    async def adopt(self, user_id: str) -> None:
        """See ``SessionStore.adopt``."""
        for owner, upload_id in [key for key in self._sessions if not key[0]]:
            record = self._sessions.pop((owner, upload_id))
            self._sessions[user_id, upload_id] = record | {"userId": user_id}

    async def get_meta(self, key: str) -> Any:
        """See ``SessionStore.get_meta``."""
        return copy.deepcopy(self._meta.get(key))

    async def set_meta(self, key: str, value: Any) -> None:
        """See ``SessionStore.set_meta``."""
        self._meta[key] = copy.deepcopy(value)


class NoGuestKey:
    """GuestKey that keeps nothing: a guest who loses the cookie is a new guest."""

    async def user_id(self) -> str:
        """See ``GuestKey.user_id``."""
        return ""

    async def keep(self, user_id: str, key: bytes) -> None:
        """See ``GuestKey.keep``."""

    async def prove(self, challenge: str) -> str:  # noqa: ARG002 (the role's signature)
        """See ``GuestKey.prove``."""
        raise StorageFault("no guest's key is kept")


class NoFileKeeper:
    """FileKeeper that keeps nothing: what would be kept in memory dies with the uploads."""

    async def keep(
        self,
        user_id: str,  # noqa: ARG002
        upload_id: str,  # noqa: ARG002
        file: FileSource,  # noqa: ARG002
        *,
        is_offline: bool = False,  # noqa: ARG002
    ) -> Literal["handle", "copy", ""]:
        """See ``FileKeeper.keep``."""
        return ""

    def copy_up_to(self, largest: int | None) -> None:
        """See ``FileKeeper.copy_up_to``."""

    async def recall(self, user_id: str) -> Mapping[str, KeptFile]:  # noqa: ARG002
        """See ``FileKeeper.recall``."""
        return {}

    async def forget(self, user_id: str, upload_id: str) -> None:
        """See ``FileKeeper.forget``."""

    async def adopt(self, user_id: str) -> None:
        """See ``FileKeeper.adopt``."""
