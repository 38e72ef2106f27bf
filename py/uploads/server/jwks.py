"""The public keys with which another server signs its users' tokens: a JSON Web Key Set (RFC 7517), by its URL.

The set is fetched when it is needed first, when it is old, and when a token names a key that is not in it; never more
often than every few seconds, however many tokens with made-up names come. While it cannot be fetched the last one
counts for an hour. May fetch the one URL.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt

from uploads.server.problems import Problem

log = logging.getLogger("uploads.server")

_FRESH = 300.0  # seconds after which the set is fetched anew: a key that was withdrawn is believed no longer
_STALE = 3600.0  # seconds for which an old set counts while there is no new one
_PAUSE = 10.0  # seconds between two fetches
_TIMEOUT = 5.0  # seconds
_ALGORITHMS = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""What a kind of key can sign (RFC 7518, section 3.1; RFC 8037). Keys of other kinds, shared secrets among them, are left out."""
ASYMMETRIC = frozenset(name for names in _ALGORITHMS.values() for name in names)


def algorithms_of(key: dict[str, Any]) -> tuple[str, ...]:
    """The algorithms that a key of the set may be used with; none for one that signs no tokens."""
    if key.get("use", "sig") != "sig":
        return ()
    kind = str(key.get("kty"))
    possible = _ALGORITHMS.get((kind, None if kind == "RSA" else key.get("crv")), ())
    named = key.get("alg")
    return possible if named is None else tuple(name for name in possible if name == named)


def fetch(url: str) -> list[dict[str, Any]]:
    """The set's keys as they are. Raises `jwt.PyJWKClientError` and whatever is no JSON."""
    answer = jwt.PyJWKClient(url, cache_keys=False, cache_jwk_set=False, timeout=_TIMEOUT).fetch_data()
    return [key for key in answer["keys"] if isinstance(key, dict)]


class KeySet:
    """The keys at `url`. `fetching` gets them; `clock` is in seconds and only goes up. May be asked from any thread."""

    def __init__(
        self,
        url: str,
        fetching: Callable[[str], list[dict[str, Any]]] = fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._fetching = fetching
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: list[dict[str, Any]] = []
        self._fetched: float | None = None
        self._asked: float | None = None

    def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of this name that can be used with `algorithm`; without a name, the only one that can.

        Raises `Problem` (503) while no set can be had.
        """
        with self._lock:
            if self._fetched is None or self._clock() - self._fetched > _FRESH:
                self._refresh()
            found = self._look(key_id, algorithm)
            if found is None:
                self._refresh()
                found = self._look(key_id, algorithm)
            if self._fetched is None or self._clock() - self._fetched > _STALE:
                raise Problem(
                    503,
                    "KeysUnavailable",
                    "Who you are cannot be checked at the moment.",
                    retryable=True,
                    retry_after=int(_PAUSE),
                )
        return found

    def _look(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [
            key for key in self._keys if algorithm in algorithms_of(key) and key_id in (None, key.get("kid"))
        ]
        if not fitting or (key_id is None and len(fitting) > 1):
            return None
        try:
            return jwt.PyJWK(fitting[0], algorithm)
        except jwt.PyJWKError:
            return None

    def _refresh(self) -> None:
        now = self._clock()
        if self._asked is not None and now - self._asked < _PAUSE:
            return
        self._asked = now
        try:
            self._keys = self._fetching(self._url)
        except (jwt.PyJWTError, OSError, ValueError, TypeError, KeyError) as error:
            log.warning("the keys at UPLOADS_JWKS_URL cannot be fetched (%s)", type(error).__name__)
            return
        self._fetched = now
