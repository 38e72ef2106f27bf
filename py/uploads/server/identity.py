"""Who asks: a guest, known by a signed cookie, and whether the asking page may ask at all."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection

from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from uploads.server.problems import Problem

COOKIE = "uploads_guest"
_YEAR = 365 * 86_400


class Guests:
    """Gives out guest identities and knows them again."""

    def __init__(self, secret: str, *, secure: bool) -> None:
        self._secure = secure
        self._serializer = URLSafeSerializer(
            secret, salt="guest", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def known(self, connection: HTTPConnection) -> str | None:
        """The user id in the request's cookie, if it is one of ours."""
        try:
            user = self._serializer.loads(connection.cookies.get(COOKIE, ""))
        except BadData:
            return None
        return user if isinstance(user, str) else None

    def welcome(self, response: Response) -> str:
        """A new user id, whose cookie goes out with `response`."""
        user = f"guest-{secrets.token_hex(12)}"
        response.set_cookie(
            COOKIE,
            str(self._serializer.dumps(user)),
            max_age=_YEAR,
            httponly=True,
            samesite="lax",
            secure=self._secure,
            path="/",
        )
        return user


def check_origin(connection: HTTPConnection, allowed: Collection[str]) -> None:
    """Refuse a page of another site, as its browser names it. Raises `Problem` (403)."""
    origin = connection.headers.get("origin")
    if origin is None:
        if (
            connection.headers.get("sec-fetch-site") == "cross-site"
            and connection.headers.get("sec-fetch-mode") != "navigate"
        ):
            raise Problem(403, "OriginNotAllowed", "Pages of other sites may not call this.")
        return
    own = {f"{scheme}://{connection.headers.get('host', '')}" for scheme in ("http", "https")}
    if origin not in own and origin not in allowed:
        raise Problem(
            403, "OriginNotAllowed", "Pages of this origin may not call this (UPLOADS_ALLOWED_ORIGINS)."
        )
