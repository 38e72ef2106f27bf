"""Signed URLs for parts, by the hundred: Signature Version 4 in a query, as botocore makes it, some twenty times as fast.

Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)". Where the bucket
is, botocore says once; the day's key and all that is the same for every part of an upload are computed once as well. Tests
hold every URL to botocore's own.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from urllib.parse import quote, urlsplit


class Keys(Protocol):
    """What botocore calls frozen credentials."""

    @property
    def access_key(self) -> str | None: ...
    @property
    def secret_key(self) -> str | None: ...
    @property
    def token(self) -> str | None: ...


class _DaysKey(NamedTuple):
    made_of: tuple[str, str, str]
    key: bytes


class Presigner:
    """For one bucket. `example_url`: botocore's own URL for GET of an object named `example_key`, which shows the address."""

    def __init__(
        self,
        example_url: str,
        example_key: str,
        region: str,
        keys: Callable[[], Keys],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        parts = urlsplit(example_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.netloc
        self._folder = parts.path.removesuffix(example_key)
        self._region = region
        self._keys = keys
        self._now = now
        self._days_key = _DaysKey(("", "", ""), b"")

    def sign_parts(
        self, key: str, s3_upload_id: str, lengths: Mapping[int, int | None], expires: int
    ) -> dict[int, str]:
        """URLs by part number, each good for PUT of exactly so many bytes (None: any), for so many seconds."""
        keys = self._keys()
        moment = self._now().strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self._region}/s3/aws4_request"
        path = self._folder + quote(key, safe="/~")
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{keys.access_key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(expires),
        }
        start = "&".join(f"{name}={_quoted(value)}" for name, value in query.items())
        token = f"&X-Amz-Security-Token={_quoted(keys.token)}" if keys.token else ""
        end = f"&uploadId={_quoted(s3_upload_id)}"
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n"
        days_key = self._key_of(keys.secret_key or "", moment[:8])
        found = {}
        for number, length in lengths.items():
            # Parameters are signed in the order of their names, and headers as well.
            if length is None:
                signed, headers = "host", f"host:{self._host}"
            else:
                signed, headers = "content-length;host", f"content-length:{length}\nhost:{self._host}"
            shown = f"{start}{token}&X-Amz-SignedHeaders={_quoted(signed)}"
            query_text = f"{shown}&partNumber={number}{end}"
            request = f"PUT\n{path}\n{query_text}\n{headers}\n\n{signed}\nUNSIGNED-PAYLOAD"
            digest = hashlib.sha256(request.encode()).hexdigest()
            signature = hmac.digest(days_key, (to_sign + digest).encode(), "sha256").hex()
            found[number] = f"{self._origin}{path}?{query_text}&X-Amz-Signature={signature}"
        return found

    def _key_of(self, secret_key: str, day: str) -> bytes:
        made_of = (secret_key, day, self._region)
        if self._days_key.made_of != made_of:
            key = f"AWS4{secret_key}".encode()
            for word in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, word.encode(), "sha256")
            self._days_key = _DaysKey(made_of, key)
        return self._days_key.key


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
