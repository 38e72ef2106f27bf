"""What a person has set for their own uploads: kept with the user, applied at once, and told to all pages.

The site's settings are what counts for whatever a person has not set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from uploads import protocol as p

from upload_engine.core.queue import QueueLimits
from upload_engine.dispatcher import Dispatcher
from upload_engine.interfaces import SessionStore

KEPT_AS = "settings:"
"""With the user's id behind it, the name under which the store keeps them."""


class Adjustments:
    """``config`` is the site's, and stays as it is; ``effective`` is what new uploads begin with.

    user_id: whose uploads these are; "" while nobody is known.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        dispatcher: Dispatcher,
        store: SessionStore,
        user_id: Callable[[], str],
    ) -> None:
        self.effective = dict(config)
        self._site = {name: config[name] for name in p.ADJUSTABLE}
        self._dispatcher = dispatcher
        self._store = store
        self._user_id = user_id
        self._set: dict[str, Any] = {}

    def message(self) -> dict[str, Any]:
        """What pages are told."""
        return {"type": p.SETTINGS, "settings": self._set, "site": self._site}

    async def change(self, settings: Mapping[str, Any]) -> None:
        """A person has set all that is in ``settings``, and nothing else."""
        self._apply({name: value for name, value in settings.items() if value != self._site[name]})
        with self._dispatcher.storage():
            await self._store.set_meta(KEPT_AS + self._user_id(), p.to_wire_settings(self._set))

    async def recall(self) -> None:
        """Take up what the user had set, at the start or when it is another one.

        What was set while nobody was known is the first user's, like the files that were added then.
        """
        with self._dispatcher.storage():  # where that fails, what is set stays
            user_id = self._user_id()
            kept = await self._store.get_meta(KEPT_AS + user_id)
            if user_id and (set_by_nobody := await self._store.get_meta(KEPT_AS)):
                kept = set_by_nobody
                await self._store.set_meta(KEPT_AS + user_id, kept)
                await self._store.set_meta(KEPT_AS, None)
            try:
                self._apply(p.from_wire_settings(kept or {}))
            except p.ProtocolError:  # of another version of this site
                self._apply({})

    def _apply(self, settings: dict[str, Any]) -> None:
        if settings != self._set:
            self._set = settings
            self.effective |= self._site | settings
            limits = QueueLimits(
                self.effective["max_concurrent_uploads"], self.effective["max_concurrent_chunks"]
            )
            self._dispatcher.limit(limits, self.effective["bandwidth_limit"])
            self._dispatcher.kept.copy_up_to(self.effective["keep_copy"])
        self._dispatcher.outbox.send(self.message())
