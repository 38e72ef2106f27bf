"""Users of applications: known by a JWT, and never one of our guests (ACCEPTANCE E7)."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from starlette.requests import Request
from starlette.responses import Response
from uploads.server.applications import Applications
from uploads.server.identity import Guests
from uploads.server.problems import Problem

SECRET = "a secret of the application, 32 long"
APPLICATIONS = Applications(SECRET)


def token(key: str = SECRET, algorithm: str | None = "HS256", **claims: Any) -> str:
    """A token of ``alice``'s that is good for a minute, but for the claims named; one that is None is left out."""
    told = {"sub": "alice", "exp": time.time() + 60} | claims
    return jwt.encode(
        {name: value for name, value in told.items() if value is not None}, key, algorithm=algorithm
    )


def refused(text: str, applications: Applications = APPLICATIONS) -> str:
    with pytest.raises(Problem) as caught:
        applications.user(text)
    assert caught.value.status == 401
    return caught.value.code


@pytest.mark.parametrize("user", ["alice", "auth0|5f7c", "a.b+c@example.com", "7", "x" * 128])
def test_sub_is_the_user(user: str) -> None:
    assert APPLICATIONS.user(token(sub=user)) == user


def test_an_expired_token_is_told_from_one_that_is_not_to_be_believed() -> None:
    assert refused(token(exp=time.time() - 1)) == "TokenExpired"
    assert refused(token(key="another secret of some other app, 32")) == "BadToken"
    assert refused(token(key="another secret of some other app, 32", exp=time.time() - 1)) == "BadToken"
    assert refused(token(key="", algorithm="none")) == "BadToken"
    assert refused(token(key=SECRET * 2, algorithm="HS512")) == "BadToken"
    assert refused(token(nbf=time.time() + 60)) == "BadToken"
    assert refused("") == refused("a.b.c") == "BadToken"


@pytest.mark.parametrize("missing", ["sub", "exp"])
def test_sub_and_exp_must_be_there(missing: str) -> None:
    assert refused(token(**dict[str, Any]({missing: None}))) == "BadToken"


@pytest.mark.parametrize(
    "user", ["", "guest-0011", "Guest-0011", "..", ".", "a/b", "../b", "a b", "a\\b", "é", "x" * 129, 7]
)
def test_nobody_becomes_a_guest_or_a_step_out_of_the_users_place(user: Any) -> None:
    assert refused(token(sub=user)) == "BadToken"


def test_audience_and_issuer_are_compared_where_they_are_set() -> None:
    strict = Applications(SECRET, "uploads", "https://app.example")
    assert strict.user(token(aud=["uploads", "mail"], iss="https://app.example")) == "alice"
    assert refused(token(aud="mail", iss="https://app.example"), strict) == "BadToken"
    assert refused(token(aud="uploads", iss="https://other.example"), strict) == "BadToken"
    assert refused(token(), strict) == "BadToken"
    assert refused(token(aud="mail")) == "BadToken", "it is meant for somebody else"


def request(text: str, cookie: str = "") -> Request:
    headers = [(b"authorization", f"Bearer {text}".encode()), (b"cookie", cookie.encode())]
    return Request({"type": "http", "headers": headers})


def test_guests_come_with_their_tokens_beside_them() -> None:
    guests = Guests("secret", secure=False, applications=APPLICATIONS)
    response = Response()
    guests.welcome(response)
    cookie = response.headers["set-cookie"].split(";")[0]
    assert guests.known(request(token(), cookie)) == "alice", "a token wins over the cookie"
    assert not guests.is_new(request(token(), cookie))
    assert str(guests.known(request(guests.token()))).startswith("guest-")
    with pytest.raises(Problem) as caught:
        guests.known(request(token(exp=1), cookie))
    assert caught.value.code == "TokenExpired", "nobody becomes somebody else unawares"


def test_without_a_secret_no_such_token_counts() -> None:
    with pytest.raises(Problem) as caught:
        Guests("secret", secure=False).known(request(token()))
    assert caught.value.code == "BadToken"
