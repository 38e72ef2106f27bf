"""Our signatures are botocore's, to the letter, whatever is signed (ACCEPTANCE R1)."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from functools import cache
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import hypothesis
import pytest
from botocore.credentials import Credentials as Of
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st
from uploads.server.options import Options
from uploads.server.presigner import Presigner
from uploads.server.settings import Settings, load
from uploads.server.store import Credentials, Store, make_client

NOW = datetime(2026, 2, 28, 23, 59, 58, tzinfo=UTC)
PLACES = {
    "on a port": {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"},
    "below a path": {"AWS_ENDPOINT_URL_S3": "https://store.example/s3"},
    "AWS": {"AWS_REGION": "eu-central-1", "UPLOADS_STORE": "s3"},
    "AWS by path": {"UPLOADS_STORE": "s3", "UPLOADS_ADDRESSING": "path"},
    "a bucket of its own name": {
        "AWS_ENDPOINT_URL_S3": "https://s3.example",
        "UPLOADS_ADDRESSING": "virtual",
        "AWS_REGION": "auto",
    },
}


def settings_for(**environment: str) -> Settings:
    with mock.patch.dict("os.environ", environment, clear=True):
        return load(Options())


@cache
def botocores(place: str) -> tuple[Settings, Any, str]:
    """The settings of a place, botocore's client for it, and the address of an example there."""
    settings = settings_for(**PLACES[place])
    client: Any = make_client(settings, settings.endpoint, Credentials("AK", "SK"))
    params = {"Bucket": settings.bucket, "Key": "example"}
    return settings, client, client.generate_presigned_url("get_object", Params=params)


def url_of_botocore(client: Any, keys: ReadOnlyCredentials, expires: int, **params: Any) -> str:
    """Its clock stands still."""
    client._request_signer._credentials = Of(keys.access_key or "", keys.secret_key or "", keys.token)
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        url: str = client.generate_presigned_url("upload_part", Params=params, ExpiresIn=expires)
    return url


def alike(one: str, other: str) -> bool:
    """The same address and the same parameters, in whatever order they stand."""
    left, right = urlsplit(one), urlsplit(other)
    return left[:3] == right[:3] and sorted(parse_qsl(left.query)) == sorted(parse_qsl(right.query))


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("/~ +%&=?#é漢 "), min_size=1, max_size=60
)


@pytest.mark.parametrize("place", PLACES)
@hypothesis.settings(deadline=None, max_examples=60)
@given(
    key=TEXT.filter(lambda text: not text.startswith("/")),
    upload_id=TEXT,
    secret=st.text(string.printable.strip(), min_size=1, max_size=50),
    token=st.none() | st.text(string.ascii_letters + "+/=", min_size=1),
    lengths=st.dictionaries(
        st.integers(1, 10_000), st.none() | st.integers(0, 5 * 2**30), min_size=1, max_size=3
    ),
)
def test_every_url_is_botocores(
    place: str,
    key: str,
    upload_id: str,
    secret: str,
    token: str | None,
    lengths: dict[int, int | None],
) -> None:
    """R1."""
    settings, client, example = botocores(place)
    keys = ReadOnlyCredentials("AKEXAMPLE/+", secret, token)
    ours = Presigner(example, "example", settings.region, lambda: keys, lambda: NOW)
    signed = ours.sign_parts(key, upload_id, lengths, settings.url_expiry)
    for number, length in lengths.items():
        params: dict[str, Any] = {
            "Bucket": settings.bucket,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
        }
        if length is not None:
            params["ContentLength"] = length
        assert alike(signed[number], url_of_botocore(client, keys, settings.url_expiry, **params))


def test_keys_that_are_renewed_and_the_next_day_count_at_once() -> None:
    """R1: a role's keys live for an hour."""
    moments = [NOW, NOW, datetime(2026, 3, 1, tzinfo=UTC)]
    renewed = [ReadOnlyCredentials("A", "first", "t1"), *[ReadOnlyCredentials("B", "second", "t2")] * 2]
    signer = Presigner(
        "http://h/b/example", "example", "us-east-1", lambda: renewed.pop(0), lambda: moments.pop(0)
    )
    urls = [signer.sign_parts("k", "u", {1: 5}, 60)[1] for _ in range(3)]
    named = [dict(parse_qsl(urlsplit(url).query)) for url in urls]
    assert [one["X-Amz-Credential"].split("/")[:2] for one in named] == [
        ["A", "20260228"],
        ["B", "20260228"],
        ["B", "20260301"],
    ]
    assert len({one["X-Amz-Signature"] for one in named}) == 3
    fresh = Presigner(
        "http://h/b/example",
        "example",
        "us-east-1",
        lambda: ReadOnlyCredentials("B", "second", "t2"),
        lambda: NOW,
    )
    assert fresh.sign_parts("k", "u", {1: 5}, 60)[1] == urls[1], "nothing of the first keys is left"


def test_a_store_signs_by_it() -> None:
    settings = settings_for(AWS_ENDPOINT_URL_S3="http://127.0.0.1:9000")
    store = Store(settings, settings.endpoint, Credentials("AK", "SK"))
    (url,) = store.sign_parts("a b", "u", {7: 9}).values()
    assert url.startswith("http://127.0.0.1:9000/uploads/a%20b?X-Amz-Algorithm=")
    assert "partNumber=7" in url
