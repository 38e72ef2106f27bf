"""Tokens of applications: who is asking, as another server says it in a JWT (RFC 7519, HS256) whose secret we share.

`sub` is the user's id, and `exp` must be there. Nobody becomes one of our guests by such a token.
"""

from __future__ import annotations

import re

import jwt

from uploads.server.problems import Problem

GUEST = "guest-"
"""What the ids of guests begin with."""
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+:|=-]{0,127}")
"""A step of a key: no slash, and never dots alone."""


class Applications:
    """Reads tokens. `audience` and `issuer` are compared exactly where they are set."""

    def __init__(self, secret: str, audience: str | None = None, issuer: str | None = None) -> None:
        self._secret = secret
        self._audience = audience
        self._issuer = issuer

    def user(self, token: str) -> str:
        """The user's id. Raises `Problem` (401): `TokenExpired`, or `BadToken` for any other that is not to be believed."""
        try:
            # When it was issued says nothing about how long it is good, and clocks differ.
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "sub"], "verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise Problem(401, "TokenExpired", "This token has expired: a new one is needed.") from None
        except jwt.InvalidTokenError:
            raise bad_token() from None
        user = str(claims["sub"])
        if not _USER.fullmatch(user) or user.lower().startswith(GUEST):
            raise Problem(401, "BadToken", "This token's sub is no user id that can be had here.")
        return user


def bad_token() -> Problem:
    """For a token that nobody here gave out."""
    return Problem(401, "BadToken", "This token is not ours, or too old: load the page anew.")
