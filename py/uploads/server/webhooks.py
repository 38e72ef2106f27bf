"""Tells the operator's own server of every upload that is complete: a signed POST, tried until it is taken.

The signature and the headers are those of Standard Webhooks (its specification, version 1.0.0). `webhook-id` is the same
for the same upload, whoever tells it and how often. May talk to the one address.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Callable

import urllib3

from uploads.server.outbox import Courier, Message, Outbox, Outcome

_TIMEOUT = 10.0  # seconds for one try


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


def body_of(message: Message) -> bytes:
    """The JSON that is sent: the same for every try."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(message.completed))
    return json.dumps({"type": message.type, "timestamp": stamp, "data": message.data}).encode()


class Webhook(Courier):
    """Tells `url`. `secret` signs."""

    def __init__(self, url: str, secret: str, outbox: Outbox, clock: Callable[[], float] = time.time) -> None:
        super().__init__("webhook", outbox, self._post, clock=clock)
        self._url = url
        self._secret = secret
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)

    def _post(self, message: Message) -> Outcome:
        body, now = body_of(message), int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(self._secret, message.id, now, body),
        }
        try:
            answer = self._http.request("POST", self._url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError:
            return Outcome(is_done=False, reason="status 0")
        return Outcome(
            is_done=200 <= answer.status < 300,
            is_final=answer.status == 410,
            reason=f"status {answer.status}",
            retry_after=answer.headers.get("Retry-After"),
        )
