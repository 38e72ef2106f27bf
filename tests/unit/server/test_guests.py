"""Guests: known by a cookie, and taken back by a key when the cookie is lost (ACCEPTANCE D3, E2)."""

from __future__ import annotations

import base64
import hmac

import pytest
from starlette.requests import Request
from starlette.responses import Response
from uploads.server.identity import COOKIE, Guests
from uploads.server.problems import Problem

GUESTS = Guests("secret", secure=False)


def request(response: Response | None = None, token: str | None = None) -> Request:
    """A request with the cookie that came with ``response``, and a token."""
    cookie = response.headers["set-cookie"].split(";")[0] if response else ""
    headers = [(b"cookie", cookie.encode())]
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    return Request({"type": "http", "headers": headers})


def prove(user: str, challenge: str, guests: Guests = GUESTS) -> str:
    return hmac.digest(base64.b64decode(guests.key(user)), challenge.encode(), "sha256").hex()


def test_a_guest_is_known_by_the_cookie_and_only_by_a_genuine_one() -> None:
    response = Response()
    user = GUESTS.welcome(response)
    assert GUESTS.known(request(response)) == user
    assert GUESTS.is_new(request(response))
    assert GUESTS.known(request()) is None
    assert GUESTS.is_new(request())
    assert Guests("other", secure=False).known(request(response)) is None
    assert "HttpOnly" in response.headers["set-cookie"]
    assert response.headers["set-cookie"].startswith(COOKIE)


def test_a_guest_who_proves_the_key_gets_the_cookie_again() -> None:
    response, challenge = Response(), GUESTS.challenge()
    GUESTS.take_back("guest-1", challenge, prove("guest-1", challenge), response)
    assert GUESTS.known(request(response)) == "guest-1"


def test_a_token_wins_over_the_cookie_and_a_forged_one_is_refused() -> None:
    """E6."""
    response = Response()
    user, token = GUESTS.welcome(response), GUESTS.token()
    guest = GUESTS.known(request(response, token))
    assert guest == GUESTS.known(request(token=token)) != user
    assert not GUESTS.is_new(request(token=token))
    for forged in ("", user, Guests("other", secure=False).token()):
        with pytest.raises(Problem) as caught:
            GUESTS.known(request(response, forged))
        assert (caught.value.status, caught.value.code) == (401, "BadToken")


def refused(challenge: str, proof: str) -> tuple[int, str]:
    response = Response()
    with pytest.raises(Problem) as caught:
        GUESTS.take_back("guest-1", challenge, proof, response)
    assert "set-cookie" not in response.headers
    return caught.value.status, caught.value.code


@pytest.mark.parametrize("proof", ["", "é"])
def test_without_the_key_nobody_is_let_in(proof: str) -> None:
    assert refused(GUESTS.challenge(), proof) == (403, "WrongProof")


def test_a_challenge_that_is_not_ours_lets_nobody_in() -> None:
    assert refused("made up", prove("guest-1", "made up")) == (403, "BadChallenge")


def test_one_guests_key_is_no_others() -> None:
    challenge = GUESTS.challenge()
    for proof in (prove("guest-2", challenge), prove("guest-1", challenge, Guests("other", secure=False))):
        with pytest.raises(Problem):
            GUESTS.take_back("guest-1", challenge, proof, Response())


def test_guests_of_an_earlier_secret_are_known_and_come_back() -> None:
    """K4."""
    cookie, token = Response(), GUESTS.token()
    user = GUESTS.welcome(cookie)
    today = Guests("a newer one", secure=False, before=["older", "secret"])
    assert today.known(request(cookie)) == user
    assert str(today.known(request(token=token))).startswith("guest-")
    response, challenge = Response(), today.challenge()
    today.take_back(user, challenge, prove(user, challenge), response)
    assert Guests("a newer one", secure=False).known(request(response)) == user, "with a cookie of today's"
    with pytest.raises(Problem, match="WrongProof"):
        Guests("a newer one", secure=False).take_back(user, challenge, prove(user, challenge), response)


def test_where_guests_are_not_allowed_no_cookie_and_no_token_counts() -> None:
    """K2."""
    cookie, token = Response(), GUESTS.token()
    GUESTS.welcome(cookie)
    nobody = Guests("secret", secure=False, allowed=False)
    assert nobody.known(request(cookie)) is None
    with pytest.raises(Problem, match="BadToken"):
        nobody.known(request(token=token))
    with pytest.raises(Problem, match="SignInNeeded"):
        nobody.welcome(Response())
