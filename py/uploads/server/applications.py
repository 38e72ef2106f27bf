"""Tokens of applications: who is asking, as another server says it in a JWT (RFC 7519).

It is signed with a secret that we share (HS256), or with a private key whose public half is in a key set (`jwks`). The
two never mix: a token that names HS256 is checked with the secret alone, so that nobody signs with a public key as if it
were one. `sub` is the user's id, and `exp` must be there. Nobody becomes one of our guests by such a token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jwt

from uploads.server.jwks import ASYMMETRIC, KeySet
from uploads.server.problems import Problem

GUEST = "guest-"
"""What the ids of guests begin with."""
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+:|=-]{0,127}")
"""A step of a key: no slash, and never dots alone."""


class Applications:
    """Reads tokens. `audience` and `issuer` are compared exactly where they are set. A secret, a key set, or both."""

    def __init__(
        self,
        secret: str | None,
        audience: str | None = None,
        issuer: str | None = None,
        keys: KeySet | None = None,
    ) -> None:
        self._secret = secret
        self._audience = audience
        self._issuer = issuer
        self._keys = keys

    def user(self, token: str) -> str:
        """The user's id. Raises as `claims` does."""
        return str(self.claims(token)["sub"])

    def claims(self, token: str) -> Mapping[str, Any]:
        """What the token says, `sub` and `exp` among it.

        Raises `Problem`: 401 `TokenExpired`, or `BadToken` for any other that is not to be believed; 503 while the key
        set cannot be had.
        """
        try:
            key, algorithm = self._key(token)
            # When it was issued says nothing about how long it is good, and clocks differ.
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "sub"], "verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise Problem(401, "TokenExpired", "This token has expired: a new one is needed.") from None
        except (jwt.InvalidTokenError, jwt.PyJWKError):
            raise bad_token() from None
        user = str(claims["sub"])
        if not _USER.fullmatch(user) or user.lower().startswith(GUEST):
            raise Problem(401, "BadToken", "This token's sub is no user id that can be had here.")
        return claims

    def _key(self, token: str) -> tuple[Any, str]:
        """What to check the token with, and the one algorithm that goes with it."""
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm == "HS256" and self._secret is not None:
            return self._secret, algorithm
        if algorithm in ASYMMETRIC and self._keys is not None:
            key_id = header.get("kid")
            if (found := self._keys.find(key_id, algorithm)) is not None:
                return found, algorithm
        raise bad_token()


def bad_token() -> Problem:
    """For a token that nobody here gave out."""
    return Problem(401, "BadToken", "This token is not ours, or too old: load the page anew.")
