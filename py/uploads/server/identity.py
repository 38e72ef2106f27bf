"""Who asks: a guest, known by a signed cookie or token, and whether the asking page may ask at all.

A browser that is killed forgets the cookies of its last half minute. So a guest is also given a key, which the page
keeps where it can use but never read it; with it the guest comes back. Nothing of this is stored here: the key is
derived from the secret.

A page that can have no cookie (in a sandboxed frame its origin is opaque, "null") is a guest by a bearer token, which
comes with the page itself and lives as long as it. Every sandboxed frame of every site has the origin "null": it is
let in by a token alone, never by a cookie, and only whom `frame-ancestors` lets frame our page can have it get one.

Whoever has an account elsewhere comes with a token of that application (`applications`), and is no guest.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from uploads.server.applications import GUEST, Applications, bad_token
from uploads.server.permission import User
from uploads.server.problems import Problem

COOKIE = "uploads_guest"
OPAQUE = "null"  # what a browser calls the origin of a sandboxed frame
_YEAR = 365 * 86_400
_NEW = 600  # seconds for which a guest counts as new: nobody has got used to the identity yet
_REMEMBERED = 4096  # cookies, and names of hosts, that need not be read again
_LONGEST = 255  # characters of ours, and of a name of a host (RFC 1035)
_CHALLENGE = 60  # seconds within which a challenge has to be answered


class Guests:
    """Gives out guest identities and knows them again; knows the users of applications, if there are any, as well."""

    def __init__(
        self,
        secret: str,
        *,
        secure: bool,
        applications: Applications | None = None,
        before: Sequence[str] = (),
        allowed: bool = True,
    ) -> None:
        """`before`: earlier secrets, whose guests are still known. Without `allowed` nobody is a guest."""
        self._applications = applications
        self._secure = secure
        self._secrets = (secret, *before)
        self.allowed = allowed

        def serializer(salt: str) -> URLSafeTimedSerializer:
            signing = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
            return URLSafeTimedSerializer([*before, secret], salt=salt, signer_kwargs=signing)

        self._cookies = serializer("guest")
        self._guest_of = lru_cache(_REMEMBERED)(
            self._load_cookie
        )  # each of a page's calls brings the same one
        self._tokens = serializer("guest token")
        self._challenges = serializer("guest challenge")

    def known(self, connection: HTTPConnection) -> str | None:
        """The id of `who`."""
        user = self.who(connection)
        return None if user is None else user.id

    def who(self, connection: HTTPConnection) -> User | None:
        """The user of the request's token, else of its cookie, if that is one of ours.

        Raises `Problem` (401) for a token that is not, or no more: whoever has one is not to become somebody else unawares.
        """
        if (token := _bearer(connection)) is None:
            guest = self._read(connection, None)
            return None if guest is None else User(guest, is_guest=True)
        if self.allowed:
            with suppress(BadData):
                return User(str(self._tokens.loads(token, max_age=_YEAR)), is_guest=True)
        if self._applications is None:
            raise bad_token()
        claims = self._applications.claims(token)
        return User(str(claims["sub"]), is_guest=False, claims=claims)

    def may_wait(self, connection: HTTPConnection) -> bool:
        """Whether `who` may have to ask another server."""
        return self._applications is not None and _bearer(connection) is not None

    def is_new(self, connection: HTTPConnection) -> bool:
        """Whether the request's guest has had no cookie at all until a moment ago. Guests by token never count."""
        if _bearer(connection) is not None:
            return False
        return self.known(connection) is None or self._read(connection, _NEW) is not None

    def _read(self, connection: HTTPConnection, max_age: int | None) -> str | None:
        if not self.allowed:
            return None
        cookie = connection.cookies.get(COOKIE, "")
        is_kept = max_age is None and len(cookie) <= _LONGEST  # nobody fills our memory with nonsense
        return self._guest_of(cookie) if is_kept else self._load_cookie(cookie, max_age)

    def _load_cookie(self, cookie: str, max_age: int | None = None) -> str | None:
        try:
            user = self._cookies.loads(cookie, max_age=max_age)
        except BadData:
            return None
        return user if isinstance(user, str) else None

    def welcome(self, response: Response) -> str:
        """A new user id, whose cookie goes out with `response`. Raises `Problem` (401) where nobody is a guest."""
        if not self.allowed:
            raise Problem(401, "SignInNeeded", "You have to sign in to upload here.")
        user = _new_user()
        self._give_cookie(user, response)
        return user

    def token(self) -> str:
        """A bearer token that makes whoever has it a new guest, for a page without cookies."""
        return str(self._tokens.dumps(_new_user()))

    def _give_cookie(self, user: str, response: Response) -> None:
        response.set_cookie(
            COOKIE,
            str(self._cookies.dumps(user)),
            max_age=_YEAR,
            httponly=True,
            samesite="lax",
            secure=self._secure,
            path="/",
        )

    def key(self, user: str) -> str:
        """The key with which this guest comes back, in base64."""
        return base64.b64encode(self._keys(user)[0]).decode()

    def _keys(self, user: str) -> list[bytes]:
        text = f"guest key {user}".encode()
        return [hmac.digest(secret.encode(), text, "sha256") for secret in self._secrets]

    def challenge(self) -> str:
        """Something new to prove the key with."""
        return str(self._challenges.dumps(secrets.token_hex(8)))

    def take_back(self, user: str, challenge: str, proof: str, response: Response) -> None:
        """Give a guest who proves the key the cookie again. Raises `Problem` (403)."""
        if not self.allowed:
            raise Problem(403, "NoGuests", "Nobody is a guest here.")
        try:
            self._challenges.loads(challenge, max_age=_CHALLENGE)
        except BadData:
            raise Problem(403, "BadChallenge", "This challenge is not ours, or too old.") from None
        proofs = [hmac.digest(key, challenge.encode(), "sha256").hex() for key in self._keys(user)]
        if not any(hmac.compare_digest(expected.encode(), proof.encode()) for expected in proofs):
            raise Problem(403, "WrongProof", "This is not the key of this guest.")
        self._give_cookie(user, response)


def _new_user() -> str:
    return f"{GUEST}{secrets.token_hex(12)}"


@lru_cache(_REMEMBERED)
def _host_of(header: str) -> str | None:
    """The name in a `Host` header, without its port and without brackets."""
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:  # half a pair of brackets
        return None


def _bearer(connection: HTTPConnection) -> str | None:
    """The request's bearer token (RFC 6750), if it has one; of a WebSocket also among its subprotocols."""
    if connection.scope["type"] == "websocket":
        for word in connection.headers.get("sec-websocket-protocol", "").split(","):
            if word.strip().startswith("bearer."):
                return word.strip().removeprefix("bearer.")
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def check_origin(
    connection: HTTPConnection, allowed: Collection[str], hosts: Collection[str] | None = None
) -> None:
    """Refuse a page of another site, as its browser names it, and an opaque one without a token.

    `hosts`: all names by which this server may be called, where they are known. A name of somebody else's that leads to
    loopback makes his page one of our origin (DNS rebinding). Raises `Problem` (403).
    """
    if hosts is not None and _host_of(connection.headers.get("host", "")[:_LONGEST]) not in hosts:
        raise Problem(
            403, "HostNotAllowed", "This server is not called so (UPLOADS_ALLOWED_ORIGINS names its origins)."
        )
    origin = connection.headers.get("origin")
    if origin is None:
        if (
            connection.headers.get("sec-fetch-site") == "cross-site"
            and connection.headers.get("sec-fetch-mode") != "navigate"
        ):
            raise Problem(403, "OriginNotAllowed", "Pages of other sites may not call this.")
        return
    if origin == OPAQUE and _bearer(connection) is not None:
        return
    own = {f"{scheme}://{connection.headers.get('host', '')}" for scheme in ("http", "https")}
    if origin not in own and origin not in allowed:
        raise Problem(
            403, "OriginNotAllowed", "Pages of this origin may not call this (UPLOADS_ALLOWED_ORIGINS)."
        )
