"""Tells the operator's own server of every upload that is complete: a signed POST, tried until it is taken.

The signature and the headers are those of Standard Webhooks (its specification, version 1.0.0). What is to be told is
written into the bucket before Complete is answered, below `{prefix}/.outbox/`, so that neither a crash nor the end of
this process loses it: at least once it is told. `webhook-id` is the same for the same upload, whoever tells it and how
often. May talk to the store, and to the one address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from uploads.server.store import Found, Store

log = logging.getLogger("uploads.webhook")

_TIMEOUT = 10.0  # seconds for one try
_FIRST, _LONGEST = 1.0, 6 * 3600.0  # seconds between two tries, at the least and at the most
_GIVE_UP = 3 * 86_400.0  # seconds after completion
_OTHERS = 120.0  # seconds after which another process looks after what one has left behind
_LOOK = 30.0  # seconds between two looks for that


@dataclass
class Message:
    """What is to be told. `data` is the body's; times are seconds since the epoch."""

    id: str
    data: dict[str, Any]
    completed: float
    tries: int = 0
    due: float = 0.0

    @property
    def body(self) -> bytes:
        """The JSON that is sent: the same for every try."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.completed))
        return json.dumps({"type": "upload.completed", "timestamp": stamp, "data": self.data}).encode()


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


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of the HMAC-SHA256. A secret that begins with `whsec_` is base64 after that."""
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            key = secret.encode()
    text = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, text, 'sha256')).decode()}"


def pause(tries: int, dice: random.Random, retry_after: str | None = None) -> float:
    """Seconds before the next try: four times as long each time, and a fifth more or less."""
    wait = min(_FIRST * 4.0 ** min(tries, 20), _LONGEST) * dice.uniform(0.8, 1.2)
    if retry_after is not None and retry_after.isdigit():
        wait = max(wait, min(float(retry_after), _LONGEST))
    return wait


class Outbox:
    """Messages that are not taken yet, as objects of the bucket."""

    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._folder = f"{prefix}/.outbox/"

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


class Webhook:
    """Tells `url`, from a thread of its own. `secret` signs."""

    def __init__(self, url: str, secret: str, outbox: Outbox, clock: Callable[[], float] = time.time) -> None:
        self._url = url
        self._secret = secret
        self._outbox = outbox
        self._clock = clock
        self._dice = random.Random()  # noqa: S311 - a pause is no secret
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._lock = threading.Condition()
        self._waiting: dict[str, Message] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier process has left behind."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; what is not told stays in the outbox."""
        with self._lock:
            self._stopping = True
            self._lock.notify()

    def tell(self, message: Message) -> None:
        """Have it told. Returns when it is kept. Raises botocore's errors."""
        self._outbox.put(message)
        with self._lock:
            self._waiting[message.id] = message
            self._lock.notify()

    def _run(self) -> None:
        looked = 0.0
        while True:
            with self._lock:
                if self._stopping:
                    return
                now = self._clock()
                due = [message for message in self._waiting.values() if message.due <= now]
                if not due and now - looked < _LOOK:
                    soonest = min((message.due for message in self._waiting.values()), default=now + _LOOK)
                    self._lock.wait(max(0.05, min(soonest - now, _LOOK)))
                    continue
            try:
                for message in due:
                    self._try(message)
                if now - looked >= _LOOK:
                    self._take_up(now - _OTHERS if looked else now)
                    looked = now
            except (ClientError, BotoCoreError) as error:
                log.warning("the outbox cannot be used (%s)", type(error).__name__)
                time.sleep(1)

    def _take_up(self, before: float) -> None:
        for message in self._outbox.left_behind(before):
            with self._lock:
                self._waiting.setdefault(message.id, message)

    def _try(self, message: Message) -> None:
        body, now = message.body, self._clock()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": signature(self._secret, message.id, int(now), body),
        }
        retry_after = None
        try:
            answer = self._http.request("POST", self._url, body=body, headers=headers, redirect=False)
            status, retry_after = answer.status, answer.headers.get("Retry-After")
        except urllib3.exceptions.HTTPError:
            status = 0
        message.tries += 1
        done = 200 <= status < 300
        if done or status == 410 or now - message.completed > _GIVE_UP:
            if not done:
                log.error(
                    "message %s is not told any more: status %s, %s tries", message.id, status, message.tries
                )
            self._outbox.remove(message)
            with self._lock:
                self._waiting.pop(message.id, None)
            return
        log.warning("message %s is not taken (status %s), try %s", message.id, status, message.tries)
        message.due = now + pause(message.tries - 1, self._dice, retry_after)
        self._outbox.put(message)
