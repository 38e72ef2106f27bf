"""What is done with a file when it has arrived, by its type: functions of the operator's own, named by `UPLOADS_HOOKS`.

    UPLOADS_HOOKS=image/*=thumbnail:make_thumbnail,.mp4=video:probe

    def make_thumbnail(upload: Arrived) -> object: ...

Each is called in a thread after Complete is answered, at least once, again when it raises (after 1, 4, 16 … seconds, five
times in all), and again by another process when this one dies. What it returns (JSON, a few kilobytes) is told to whoever
watches (`/events`, "processed") and to the webhook ("upload.processed"). May talk to the store and run the functions.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from uploads.server import file_rules
from uploads.server.errors import UserError, place_of
from uploads.server.live import Live
from uploads.server.outbox import Courier, Message, Outbox, Outcome
from uploads.server.permission import load_function
from uploads.server.store import Store

log = logging.getLogger("uploads.hooks")

SETTING = "UPLOADS_HOOKS"
MOST_TRIES = 5
MOST_RESULT = 16_384
"""Bytes of JSON that a hook may return."""
_THREADS = 2
_LONGEST = 3600.0  # seconds that one may take before another process takes it for dead
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Arrived:
    """An upload that is complete: what a hook is given."""

    user: str
    bucket: str
    key: str
    filename: str
    project_id: str
    content_type: str
    size: int
    etag: str
    _store: Store

    @contextmanager
    def open(self) -> Iterator[Path]:
        """The file as a temporary one on this machine's disk, under its own suffix, while the block lasts."""
        with tempfile.TemporaryDirectory(prefix="upload-hook-") as folder:
            path = Path(folder) / f"file{Path(self.filename).suffix[:16]}"
            with path.open("wb") as file:
                for chunk in self._store.read(self.key, _CHUNK):
                    file.write(chunk)
            yield path

    def put(self, name: str, body: bytes, content_type: str) -> str:
        """Store something that was made of it, beside it; its key. The same name again replaces it."""
        if not name or "/" in name or len(name.encode()) > 100:
            raise ValueError("a name has 1 to 100 bytes and no slash")
        key = f"{self.key}.{name}"
        self._store.write(key, body, content_type)
        return key


Hook = Callable[[Arrived], object]


def _parse(entries: Sequence[str]) -> list[tuple[str, str]]:
    """`pattern=module:function` as pairs. Raises `UserError`."""
    found = []
    for entry in entries:
        pattern, equals, name = entry.partition("=")
        if not equals or not pattern.strip() or ":" not in name:
            raise UserError(f"{SETTING}: {entry!r} is no type=package.module:function.")
        found.append((pattern.strip(), name.strip()))
    return found


class Hooks(Courier):
    """Calls the hooks. `tell`: hands a message to the webhook, where there is one."""

    def __init__(
        self,
        entries: Sequence[str],
        store: Store,
        prefix: str,
        live: Live,
        tell: Callable[[Message], None] | None = None,
    ) -> None:
        """Raises `UserError` for an entry that makes no sense, and for a function that is not there."""
        super().__init__(
            "hook", Outbox(store, prefix, "hooks"), self._call, threads=_THREADS, others=_LONGEST
        )
        self._store = store
        self._live = live
        self._tell = tell
        self._hooks: dict[str, tuple[str, Hook]] = {
            name: (pattern, load_function(SETTING, name)) for pattern, name in _parse(entries)
        }

    def arrived(self, message: Message) -> None:
        """An upload is complete: keep for each hook that wants it what is to be done. Raises botocore's errors."""
        data = message.data
        for name, (pattern, _) in self._hooks.items():
            if file_rules.is_allowed(data["contentType"], data["filename"], [pattern]):
                safe = "".join(letter if letter.isalnum() else "-" for letter in name)
                self.send(replace(message, id=f"{message.id}-{safe}", what=name))

    def _call(self, message: Message) -> Outcome:
        if message.what not in self._hooks:
            return Outcome(is_done=False, is_final=True, reason=f"{message.what} is no hook any more")
        data = message.data
        arrived = Arrived(
            data["user"],
            data["bucket"],
            data["key"],
            data["filename"],
            data["projectId"],
            data["contentType"],
            data["size"],
            data["etag"],
            self._store,
        )
        try:
            result = _checked(self._hooks[message.what][1](arrived))
        except Exception as error:  # it is somebody else's code, whose text may hold anything
            is_last = message.tries + 1 >= MOST_TRIES
            return Outcome(
                is_done=False, is_final=is_last, reason=f"{message.what} failed: {place_of(error)}"
            )
        self._live.processed(data["user"], data["key"], message.what, result)
        if self._tell:
            done: Mapping[str, Any] = {**data, "hook": message.what, "result": result}
            self._tell(replace(message, data=dict(done), type="upload.processed", tries=0, due=0.0, what=""))
        return Outcome(is_done=True)


def _checked(result: object) -> object:
    """What a hook returned. Raises `TypeError` or `ValueError` for what is no JSON, or too much."""
    text = json.dumps(result)
    if len(text) > MOST_RESULT:
        raise ValueError("the result is too long")
    return json.loads(text)
