"""How uploads stand, as it changes: told to whoever watches, a person's own pages or a back office.

The store is asked, not the processes: every couple of seconds while somebody watches, and at once when this process has
changed something. So it is the same whichever replica is asked, and also of uploads whose browser is gone. What begins
and ends at another replica between two looks is not seen. May talk to the store.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from uploads.server import keys
from uploads.server.latest import Latest
from uploads.server.store import Found, Store

log = logging.getLogger("uploads.live")

INTERVAL = 2.0
"""Seconds between two looks while nothing is known to have changed."""
_SPACING = 0.2
"""Seconds between two looks at the least."""
MOST_UPLOADS = 1000
"""So many open uploads are looked for, and of so many each look counts the parts: those that changed least recently."""
_MOST_COUNTED = 50
_QUEUE = 1000
_REMEMBERED = 10_000

Event = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """One upload. Sizes in bytes; `size` is None where another process has created it, or nobody told."""

    id: str
    user: str
    key: str
    filename: str
    project_id: str
    started_at: str
    size: int | None = None
    stored: int = 0
    parts: int = 0

    def told(self) -> Event:
        """As watchers are told of it."""
        values = asdict(self)
        return values | {"projectId": values.pop("project_id"), "startedAt": values.pop("started_at")}


class TooSlow(Exception):
    """A watcher does not take what it is told."""


@dataclass(eq=False)
class Watcher:
    """One connection. `queue`: what it is still to be told; an event of None is the end, since it is too slow."""

    queue: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    is_new: bool = True

    def tell(self, event: Event) -> None:
        """Queue an event; a watcher that has missed one is ended."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)

    async def next(self) -> Event:
        """The next event. Raises `TooSlow`."""
        event = await self.queue.get()
        if event is None:
            raise TooSlow
        return event


@dataclass(eq=False)
class _View:
    """All that is below one prefix, and who watches it."""

    prefix: str
    watchers: set[Watcher] = field(default_factory=set)
    known: dict[str, Standing] = field(default_factory=dict)
    vanished: set[str] = field(default_factory=set)
    counted: OrderedDict[str, None] = field(default_factory=OrderedDict)
    is_hurried: asyncio.Event = field(default_factory=asyncio.Event)
    is_reachable: bool = True
    task: asyncio.Task[None] | None = None

    def tell(self, event: Event) -> None:
        for watcher in self.watchers:
            watcher.tell(event)


class Live:
    """What is watched in this process."""

    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix
        self._views: dict[str, _View] = {}
        self._sizes = Latest[str, int | None](_REMEMBERED)
        self._ended = Latest[str, str](_REMEMBERED)
        self._loop: asyncio.AbstractEventLoop | None = None

    # What this process does itself; called from any thread.

    def created(self, key: str, s3_upload_id: str, size: int | None) -> None:
        """An upload has begun here."""
        self._sizes[_id(key, s3_upload_id)] = size
        self._hurry(key)

    def completed(self, key: str, s3_upload_id: str, found: Found) -> None:
        """An upload has become an object here."""
        self._end(key, s3_upload_id, _object(found))

    def aborted(self, key: str, s3_upload_id: str) -> None:
        """An upload has been given up here."""
        self._end(key, s3_upload_id, None)

    def processed(self, user: str, key: str, hook: str, result: object) -> None:
        """A processing hook is done with an object."""
        event = {"type": "processed", "user": user, "key": key, "hook": hook, "result": result}
        self._in_loop(lambda: self._tell(key, event))

    def _hurry(self, key: str) -> None:
        def hurry() -> None:
            for view in self._views_of(key):
                view.is_hurried.set()

        self._in_loop(hurry)

    def _end(self, key: str, s3_upload_id: str, made: Mapping[str, Any] | None) -> None:
        self._in_loop(lambda: self._tell_end(self._standing(key, s3_upload_id, ""), made))

    def _tell_end(self, standing: Standing, made: Mapping[str, Any] | None) -> None:
        """Tell of an end, once; that it has become an object is the last word, whatever was thought before."""
        ends = "aborted" if made is None else "completed"
        if self._ended.get(standing.id) in (ends, "completed"):
            return
        self._ended[standing.id] = ends
        for view in self._views_of(standing.key):
            known = view.known.pop(standing.id, standing)
            view.vanished.discard(standing.id)
            view.tell(_end_of(known, made))

    def _in_loop(self, call: Any) -> None:
        loop = self._loop
        if loop is not None and self._views:
            with suppress(RuntimeError):  # it has just been closed
                loop.call_soon_threadsafe(call)

    # Who watches.

    @asynccontextmanager
    async def watch(self, user: str | None) -> AsyncIterator[Watcher]:
        """Watch the uploads of a user, or everybody's (None)."""
        self._loop = asyncio.get_running_loop()
        prefix = self._prefix_of(user)
        view = self._views.setdefault(prefix, _View(prefix))
        watcher = Watcher()
        view.watchers.add(watcher)
        view.is_hurried.set()
        if view.task is None:
            view.task = asyncio.create_task(self._look_again_and_again(view))
        try:
            yield watcher
        finally:
            view.watchers.discard(watcher)
            if not view.watchers and self._views.get(prefix) is view:
                del self._views[prefix]
                view.task.cancel()

    def count(self, user: str | None) -> int:
        """How many watch that."""
        prefix = self._prefix_of(user)
        return len(self._views[prefix].watchers) if prefix in self._views else 0

    def _prefix_of(self, user: str | None) -> str:
        return f"{self._prefix}/" if user is None else keys.user_prefix(self._prefix, user)

    # Looking.

    async def _look_again_and_again(self, view: _View) -> None:
        while True:
            view.is_hurried.clear()
            try:
                found = await asyncio.to_thread(self._look, view)
                await self._compare(view, found)
                view.is_reachable = True
            except Exception as error:  # whatever the store says, who watches is told that nothing is known
                if view.is_reachable:
                    log.warning("the store cannot be looked at (%s)", type(error).__name__)
                    view.tell({"type": "unavailable"})
                view.is_reachable = False
            await asyncio.sleep(_SPACING)
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL - _SPACING):
                    await view.is_hurried.wait()

    def _look(self, view: _View) -> dict[str, Standing]:
        found: dict[str, Standing] = {}
        ids: dict[str, str] = {}
        for key, s3_upload_id, started in islice(self._store.list_uploads(view.prefix), MOST_UPLOADS):
            if key.startswith(f"{self._prefix}/."):
                continue  # the server's own
            standing = self._standing(key, s3_upload_id, started.isoformat())
            before = view.known.get(standing.id, standing)
            found[standing.id] = replace(standing, stored=before.stored, parts=before.parts)
            ids[standing.id] = s3_upload_id
        for upload_id in list(view.counted):
            if upload_id not in found:
                del view.counted[upload_id]
        for upload_id in found:
            view.counted.setdefault(upload_id)
        for upload_id in list(view.counted)[:_MOST_COUNTED]:
            view.counted.move_to_end(upload_id)
            standing = found[upload_id]
            try:
                listed = self._store.list_parts(standing.key, ids[upload_id])
            except ClientError:
                continue  # it has ended since
            sizes = {part["PartNumber"]: part["Size"] for part in listed}
            found[upload_id] = replace(standing, stored=sum(sizes.values()), parts=len(sizes))
        return found

    async def _compare(self, view: _View, found: dict[str, Standing]) -> None:
        for upload_id in [upload_id for upload_id in found if upload_id in self._ended]:
            del found[upload_id]
        for standing in [one for upload_id, one in view.known.items() if upload_id not in found]:
            made = await asyncio.to_thread(self._store.head, standing.key)
            if made is not None and _is_older(made, standing):
                made = None  # what stood at a key that somebody chose
            if made is None and standing.id not in view.vanished and standing.id not in self._ended:
                view.vanished.add(standing.id)  # it may be put together right now: the next look decides
                found[standing.id] = standing
                continue
            self._tell_end(standing, _object(made) if made else None)
        view.vanished &= set(found)
        for upload_id, standing in found.items():
            if upload_id in self._ended:
                continue
            before = view.known.get(upload_id)
            if before != standing:
                kind = "created" if before is None else "progress"
                self._tell_old(view, {"type": kind, "upload": standing.told()})
        view.known = {upload_id: one for upload_id, one in found.items() if upload_id not in self._ended}
        for watcher in view.watchers:
            if watcher.is_new:
                watcher.is_new = False
                watcher.tell({"type": "snapshot", "uploads": [one.told() for one in view.known.values()]})

    def _tell_old(self, view: _View, event: Event) -> None:
        """Whoever has just come is told all at once."""
        for watcher in view.watchers:
            if not watcher.is_new:
                watcher.tell(event)

    def _tell(self, key: str, event: Event) -> None:
        for view in self._views_of(key):
            view.tell(event)

    def _views_of(self, key: str) -> list[_View]:
        return [view for prefix, view in self._views.items() if key.startswith(prefix)]

    def _standing(self, key: str, s3_upload_id: str, started: str) -> Standing:
        upload_id = _id(key, s3_upload_id)
        user = key.removeprefix(f"{self._prefix}/").partition("/")[0]
        return Standing(
            upload_id,
            user,
            key,
            key.rpartition("/")[2],
            keys.project_of(self._prefix, user, key),
            started,
            self._sizes.get(upload_id),
        )


def _is_older(found: Found, standing: Standing) -> bool:
    """Whether the object was there before the upload began, by the store's own clock (whole seconds)."""
    if found.modified is None or not standing.started_at:
        return False
    return found.modified < datetime.fromisoformat(standing.started_at) - timedelta(seconds=1)


def _end_of(standing: Standing, made: Mapping[str, Any] | None) -> Event:
    if made is None:
        return {"type": "aborted", "upload": standing.told()}
    size = made["size"]
    return {"type": "completed", "upload": {**standing.told(), "size": size, "stored": size}, **made}


def _object(found: Found) -> dict[str, Any]:
    return {"size": found.size, "etag": found.etag, "contentType": found.content_type}


def _id(key: str, s3_upload_id: str) -> str:
    """What names an upload to watchers: nothing can be done with it."""
    return hashlib.sha256(f"{key}/{s3_upload_id}".encode()).hexdigest()[:32]
