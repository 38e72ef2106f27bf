"""Messages that must not be lost: kept in the bucket until they are delivered, whoever delivers them.

What is to be delivered is written before Complete is answered, so that neither a crash nor the end of this process loses
it: at least once it is delivered. One that is not taken is tried again, less and less often, for days. May talk to the store.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from uploads.server.latest import Latest
from uploads.server.store import Found, Store

log = logging.getLogger("uploads.outbox")

_FIRST, _LONGEST = 1.0, 6 * 3600.0  # seconds between two tries, at the least and at the most
GIVE_UP = 3 * 86_400.0
"""Seconds after completion."""
_REMEMBERED = 10_000  # messages that were delivered: Complete may be asked for twice
_LOOK = 30.0  # seconds between two looks for what another process has left behind


@dataclass
class Message:
    """What is to be delivered. `data` is about the upload; times are seconds since the epoch; `what` tells whose it is."""

    id: str
    data: dict[str, Any]
    completed: float
    tries: int = 0
    due: float = 0.0
    type: str = "upload.completed"
    what: str = ""


def about(
    bucket: str, user: str, key: str, s3_upload_id: str, project_id: str, found: Found, now: float
) -> Message:
    """The message that an upload is complete."""
    told = hashlib.sha256(f"{bucket}/{key}/{s3_upload_id}".encode()).hexdigest()[:32]
    name = unquote(found.disposition.partition("filename*=UTF-8''")[2]) or key.rpartition("/")[2]
    data = {
        "user": user,
        "bucket": bucket,
        "key": key,
        "filename": name,
        "projectId": project_id,
        "contentType": found.content_type,
        "size": found.size,
        "etag": found.etag,
    }
    return Message(f"msg_{told}", data, now)


def pause(tries: int, dice: random.Random, retry_after: str | None = None) -> float:
    """Seconds before the next try: four times as long each time, and a fifth more or less."""
    wait = min(_FIRST * 4.0 ** min(tries, 20), _LONGEST) * dice.uniform(0.8, 1.2)
    if retry_after is not None and retry_after.isdigit():
        wait = max(wait, min(float(retry_after), _LONGEST))
    return wait


class Outbox:
    """Messages that are not taken yet, as objects of the bucket below `{prefix}/.{name}/`."""

    def __init__(self, store: Store, prefix: str, name: str) -> None:
        self._store = store
        self._folder = f"{prefix}/.{name}/"

    def put(self, message: Message) -> None:
        """Keep a message, or what has become of it. Raises botocore's errors."""
        self._store.write(f"{self._folder}{message.id}", json.dumps(asdict(message)).encode())

    def remove(self, message: Message) -> None:
        """It is taken. Raises botocore's errors."""
        self._store.delete(f"{self._folder}{message.id}")

    def left_behind(self, before: float) -> Iterator[Message]:
        """Those that nobody has touched since `before`. Raises botocore's errors."""
        for key in self._store.keys_untouched_since(self._folder, before):
            try:
                yield Message(**json.loads(self._store.read_head(key, 65_536)))
            except (ValueError, TypeError, ClientError):  # damaged, or gone meanwhile
                log.warning("a message in the outbox cannot be read")


@dataclass(frozen=True)
class Outcome:
    """What came of a try. `is_final`: it is not tried again, done or not; `reason` is for the log."""

    is_done: bool
    is_final: bool = False
    reason: str = ""
    retry_after: str | None = None


class Courier:
    """Delivers what is in an outbox, by `deliver`, from threads of its own."""

    def __init__(
        self,
        name: str,
        outbox: Outbox,
        deliver: Callable[[Message], Outcome],
        *,
        threads: int = 1,
        others: float = 120.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`others`: seconds after which what another process has begun counts as left behind: more than a try takes."""
        self._name = name
        self._outbox = outbox
        self._deliver = deliver
        self._others = others
        self._clock = clock
        self._dice = random.Random()  # noqa: S311 - a pause is no secret
        self._lock = threading.Condition()
        self._waiting: dict[str, Message] = {}
        self._under_way: set[str] = set()
        self._done = Latest[str, None](_REMEMBERED)
        self._looked = 0.0
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Begin, with what an earlier process has left behind."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End soon; what is not delivered stays in the outbox."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()

    def send(self, message: Message) -> None:
        """Have it delivered, unless it was, lately. Returns when it is kept. Raises botocore's errors."""
        if message.id in self._done:
            return
        self._outbox.put(message)
        with self._lock:
            self._waiting[message.id] = message
            self._lock.notify()

    def _run(self) -> None:
        while not self._stopping:
            try:
                message = self._next()
                if message is not None:
                    try:
                        self._try(message)
                    finally:
                        with self._lock:
                            self._under_way.discard(message.id)
            except (ClientError, BotoCoreError) as error:
                log.warning("the outbox cannot be used (%s)", type(error).__name__)
                time.sleep(1)

    def _next(self) -> Message | None:
        """One that is due, and is this thread's now; `None` after a while without any, or after a look."""
        with self._lock:
            now = self._clock()
            idle = [message for message in self._waiting.values() if message.id not in self._under_way]
            due = min(idle, key=lambda message: message.due, default=None)
            if due is not None and due.due <= now:
                self._under_way.add(due.id)
                return due
            if now - self._looked < _LOOK:
                soonest = due.due if due is not None else now + _LOOK
                self._lock.wait(max(0.05, min(soonest - now, _LOOK)))
                return None
            before = now - self._others if self._looked else now
            self._looked = now
        for message in self._outbox.left_behind(before):
            with self._lock:
                self._waiting.setdefault(message.id, message)
        return None

    def _try(self, message: Message) -> None:
        outcome = self._deliver(message)
        now = self._clock()
        message.tries += 1
        if outcome.is_done or outcome.is_final or now - message.completed > GIVE_UP:
            if not outcome.is_done:
                log.error(
                    "%s: message %s is given up: %s, %s tries",
                    self._name,
                    message.id,
                    outcome.reason,
                    message.tries,
                )
            self._outbox.remove(message)
            with self._lock:
                self._waiting.pop(message.id, None)
                self._done[message.id] = None
            return
        log.warning(
            "%s: message %s is not taken (%s), try %s",
            self._name,
            message.id,
            outcome.reason,
            message.tries,
        )
        message.due = now + pause(message.tries - 1, self._dice, outcome.retry_after)
        self._outbox.put(message)
