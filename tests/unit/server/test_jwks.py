"""Tokens signed with a private key: believed by the public key of the set, and by nothing else (ACCEPTANCE K1)."""

from __future__ import annotations

import base64
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from uploads.server.applications import Applications
from uploads.server.jwks import KeySet, algorithms_of
from uploads.server.problems import Problem

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
OTHER = rsa.generate_private_key(65537, 2048)
SECRET = "a secret of the application, 32 long"


def as_jwk(private: Any, **more: Any) -> dict[str, Any]:
    kind: Any = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    found = next((value for name, value in kind.items() if isinstance(private, name)), OKPAlgorithm)
    jwk: dict[str, Any] = json.loads(found.to_jwk(private.public_key()))
    return jwk | {"use": "sig"} | more


KEYS = [as_jwk(RSA, kid="rsa"), as_jwk(EC, kid="ec"), as_jwk(ED, kid="ed")]


def token(private: Any, algorithm: str, kid: str | None, **claims: Any) -> str:
    told = {"sub": "alice", "exp": time.time() + 60} | claims
    return jwt.encode(told, private, algorithm, headers={} if kid is None else {"kid": kid})


class Elsewhere:
    """The server with the keys; ``keys`` is None while it is down."""

    def __init__(self, keys: list[dict[str, Any]] | None) -> None:
        self.keys = keys
        self.asked = 0
        self.now = 1000.0

    def fetch(self, url: str) -> list[dict[str, Any]]:
        self.asked += 1
        if self.keys is None:
            raise OSError("down")
        return self.keys

    def applications(self, secret: str | None = None, **more: Any) -> Applications:
        return Applications(secret, keys=KeySet("https://keys", self.fetch, lambda: self.now), **more)


def refused(applications: Applications, text: str) -> str:
    with pytest.raises(Problem) as caught:
        applications.user(text)
    return caught.value.code


@pytest.mark.parametrize(
    ("private", "algorithm", "kid"),
    [(RSA, "RS256", "rsa"), (RSA, "PS256", "rsa"), (EC, "ES256", "ec"), (ED, "EdDSA", "ed")],
)
def test_a_token_is_believed_by_the_key_that_it_names(private: Any, algorithm: str, kid: str) -> None:
    applications = Elsewhere(KEYS).applications()
    assert applications.user(token(private, algorithm, kid)) == "alice"
    assert refused(applications, token(private, algorithm, "another")) == "BadToken"
    assert refused(applications, token(private, algorithm, kid, exp=1)) == "TokenExpired"


def test_a_key_is_not_believed_for_what_it_did_not_sign() -> None:
    applications = Elsewhere(KEYS).applications(audience="uploads", issuer="https://app")
    good = {"aud": "uploads", "iss": "https://app"}
    assert applications.user(token(RSA, "RS256", "rsa", **good)) == "alice"
    assert refused(applications, token(OTHER, "RS256", "rsa", **good)) == "BadToken"
    assert refused(applications, token(RSA, "RS256", "ec", **good)) == "BadToken"
    assert refused(applications, token(RSA, "RS256", "rsa")) == "BadToken"
    assert refused(applications, token(RSA, "RS256", "rsa", aud="others", iss="https://app")) == "BadToken"
    assert refused(applications, token(RSA, "RS256", "rsa", aud="uploads", iss="https://app/")) == "BadToken"


def test_a_public_key_is_no_secret_and_a_secret_no_public_key() -> None:
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    text = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part({'sub': 'alice', 'exp': time.time() + 60})}"
    mark = base64.urlsafe_b64encode(hmac.digest(public, text.encode(), "sha256")).rstrip(b"=").decode()
    forged = f"{text}.{mark}"
    assert refused(Elsewhere(KEYS).applications(), forged) == "BadToken"
    assert refused(Elsewhere(KEYS).applications(SECRET), forged) == "BadToken"
    both = Elsewhere([*KEYS, {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}]).applications(SECRET)
    assert both.user(token(SECRET, "HS256", None)) == both.user(token(EC, "ES256", "ec")) == "alice"
    assert refused(both, token("secret".ljust(32), "HS256", "oct")) == "BadToken"
    assert (
        refused(both, f"{part({'alg': 'none'})}.{part({'sub': 'alice', 'exp': time.time() + 60})}.")
        == "BadToken"
    )


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        ({"kty": "RSA", "alg": "RS256"}, ("RS256",)),
        ({"kty": "RSA", "use": "enc"}, ()),
        ({"kty": "RSA", "alg": "HS256"}, ()),
        ({"kty": "EC", "crv": "P-256"}, ("ES256",)),
        ({"kty": "EC", "crv": "secp256k1"}, ()),
        ({"kty": "oct"}, ()),
        ({}, ()),
    ],
)
def test_what_a_key_can_be_used_for(key: dict[str, Any], algorithms: tuple[str, ...]) -> None:
    assert algorithms_of(key) == algorithms


def test_made_up_names_of_keys_do_not_hammer_the_other_server() -> None:
    elsewhere = Elsewhere(KEYS)
    applications = elsewhere.applications()
    for number in range(50):
        refused(applications, token(RSA, "RS256", f"made up {number}"))
    assert elsewhere.asked == 1
    elsewhere.now += 11
    refused(applications, token(RSA, "RS256", "made up"))
    assert elsewhere.asked == 2


def test_keys_are_rotated_withdrawn_and_outlast_an_outage() -> None:
    elsewhere = Elsewhere(KEYS[:1])
    applications = elsewhere.applications()
    assert applications.user(token(RSA, "RS256", "rsa")) == "alice"
    elsewhere.now += 11
    elsewhere.keys = KEYS[1:]
    assert applications.user(token(EC, "ES256", "ec")) == "alice", "a new key is looked for at once"
    assert refused(applications, token(RSA, "RS256", "rsa")) == "BadToken", "a withdrawn one counts no longer"
    elsewhere.keys = None
    elsewhere.now += 3000
    assert applications.user(token(EC, "ES256", "ec")) == "alice", "an outage is survived"
    elsewhere.now += 1000
    assert refused(applications, token(EC, "ES256", "ec")) == "KeysUnavailable", "for an hour"
    elsewhere.keys = KEYS
    elsewhere.now += 11
    assert applications.user(token(EC, "ES256", "ec")) == "alice"


def test_a_token_without_a_name_needs_the_only_key_there_is() -> None:
    assert Elsewhere(KEYS).applications().user(token(EC, "ES256", None)) == "alice"
    two = Elsewhere([*KEYS, as_jwk(OTHER, kid="other")]).applications()
    assert refused(two, token(RSA, "RS256", None)) == "BadToken"


@contextmanager
def served(body: bytes) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}/keys"
        host.shutdown()


def test_the_set_is_fetched_from_its_address() -> None:
    with served(json.dumps({"keys": KEYS}).encode()) as url:
        assert Applications(None, keys=KeySet(url)).user(token(RSA, "RS256", "rsa")) == "alice"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"keys": 7}', b'{"keys": [7, {"kty": "RSA"}]}'])
def test_what_is_no_set_is_no_key(body: bytes) -> None:
    with served(body) as url:
        assert refused(Applications(None, keys=KeySet(url)), token(RSA, "RS256", "rsa")) in {
            "KeysUnavailable",
            "BadToken",
        }
