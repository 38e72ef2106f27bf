"""Where objects are fetched from: a network in front of the store, by addresses that it can check (ACCEPTANCE Q3)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from uploads.server.delivery import Delivery
from uploads.server.errors import UserError
from uploads.server.settings import Settings

KEY = "uploads/guest-1/p/é b+c%d/x~y.bin"
PATH = "uploads/guest-1/p/%C3%A9%20b%2Bc%25d/x~y.bin"
PRIVATE = rsa.generate_private_key(65537, 2048)


class Bucket:
    def sign_get(self, key: str) -> str:
        return f"https://store/{key}?signed"


def delivery(**given: Any) -> Delivery:
    store: Any = Bucket()
    return Delivery(Settings(store="s3", url_expiry=600, **given), store)


def pem(folder: Path, key: Any = PRIVATE) -> Path:
    path = folder / "key.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


def test_without_a_network_it_is_the_store() -> None:
    assert delivery().public_url(KEY, 0) is None
    assert delivery().url(KEY, 0) == f"https://store/{KEY}?signed"


def test_a_plain_address_stays() -> None:
    found = delivery(cdn_url="https://cdn.example/files/")
    assert found.public_url(KEY, 0) == (f"https://cdn.example/files/{PATH}", None)
    assert found.url(KEY, 0) == f"https://cdn.example/files/{PATH}"


def test_cloudfront_can_check_whom_and_how_long(tmp_path: Path) -> None:
    found = delivery(
        cdn_url="https://d1.cloudfront.net", cloudfront_key_id="K1", cloudfront_private_key=pem(tmp_path)
    )
    public = found.public_url(KEY, 1000.9)
    assert public is not None
    url, seconds = public
    assert seconds == 600
    parts = urlsplit(url)
    query = {name: value[0] for name, value in parse_qs(parts.query).items()}
    assert (query["Expires"], query["Key-Pair-Id"]) == ("1600", "K1")
    plain = f"{parts.scheme}://{parts.netloc}{parts.path}"
    assert plain == f"https://d1.cloudfront.net/{PATH}"
    policy = {
        "Statement": [{"Resource": plain, "Condition": {"DateLessThan": {"AWS:EpochTime": 1600}}}]
    }  # what CloudFront puts together from the address
    mark = base64.b64decode(query["Signature"].translate(str.maketrans("-_~", "+=/")))
    told = json.dumps(policy, separators=(",", ":")).encode()
    public_key = PRIVATE.public_key()
    public_key.verify(mark, told, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - CloudFront's own
    with pytest.raises(InvalidSignature):
        public_key.verify(mark, told.replace(b"1600", b"1601"), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303


def test_a_key_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    given = {"cdn_url": "https://d1.cloudfront.net", "cloudfront_key_id": "K1"}
    for path, words in (
        (tmp_path / "none.pem", "cannot be read"),
        (pem(tmp_path, ec.generate_private_key(ec.SECP256R1())), "no RSA private key"),
        (Path(__file__), "no RSA private key"),
    ):
        with pytest.raises(UserError, match=f"UPLOADS_CLOUDFRONT_PRIVATE_KEY.*{words}"):
            delivery(**given, cloudfront_private_key=path)
