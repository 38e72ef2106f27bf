"""What is asked of the signing server, and what is made of the answers, good and bad."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from upload_engine.core import requests
from upload_engine.core.errors import ServiceFault
from upload_engine.core.events import ObjectReport
from upload_engine.core.http import ApiRequest, HttpResponse
from upload_engine.core.parts import ListedPart, Part
from upload_engine.core.requests import Identity, OpenUpload

from tests.harness.facts import facts_of


def answer(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    text = body if isinstance(body, str) else json.dumps(body)
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)


def fault(parse: Callable[[HttpResponse], object], response: HttpResponse) -> ServiceFault:
    with pytest.raises(ServiceFault) as raised:
        parse(response)
    return raised.value


def test_create() -> None:
    request = requests.prepare_create(facts_of("ä.bin", 7), 5)
    body = {"filename": "ä.bin", "type": "a/b", "size": 7, "partSize": 5, "projectId": "p"}
    assert request == ApiRequest("POST", "/s3/multipart", body)
    told = facts_of("x", 7, s3_key="k", content_encoding="gzip")
    more = {"key": "k", "metadata": {"rows": "3"}, "encoding": "gzip"}
    assert more.items() <= requests.prepare_create(replace(told, metadata={"rows": "3"}), 5).json.items()
    created = requests.parse_create(
        answer(
            {
                "key": "k",
                "uploadId": "u",
                "bucket": "b",
                "userId": "me",
                "partSize": 8388608,
                "urls": {"1": "http://s/1"},
                "headers": {"x-a": "1"},
                "expires": 900,
            }
        )
    )
    assert (created.key, created.server_upload_id, created.bucket) == ("k", "u", "b")
    assert (created.user_id, created.part_size) == ("me", 8388608)
    assert created.signed == requests.SignedParts({1: "http://s/1"}, {"x-a": "1"}, 900.0)
    assert "http" not in repr(created), "signed URLs do not reach logs"


def test_create_by_a_plain_companion() -> None:
    opaque = requests.parse_create(answer({"key": "k", "uploadId": "u", "etagsAreChecksums": False}))
    assert opaque.has_opaque_etags
    created = requests.parse_create(answer({"key": "k", "uploadId": "u"}))
    assert not created.has_opaque_etags
    assert (created.part_size, created.user_id, created.signed.urls) == (0, "", {})


def test_paths_are_quoted() -> None:
    request = requests.prepare_sign("a/b+c", "k é&x", [1, 2])
    assert request.path == "/s3/multipart/a%2Fb%2Bc/batch?key=k%20%C3%A9%26x&partNumbers=1,2"
    bare = requests.prepare_sign("u", "k", [1], checksums=False)
    assert bare.path == "/s3/multipart/u/batch?key=k&partNumbers=1&checksums=none"
    assert requests.prepare_list("u", "k").path == "/s3/multipart/u?key=k"
    assert requests.prepare_status("u", "k").path == "/s3/multipart/u/status?key=k"
    assert requests.prepare_abort("u", "k") == ApiRequest("DELETE", "/s3/multipart/u?key=k")
    assert requests.prepare_open_uploads().path == "/s3/uploads"
    assert requests.prepare_probe().path == "/healthz"
    assert requests.object_path("a/b c") == "/s3/object?key=a%2Fb%20c"


def test_sign_list_complete_status_abort() -> None:
    signed = requests.parse_sign(answer({"presignedUrls": {"2": "u2"}, "headers": None, "expires": 60}))
    assert (signed.urls, signed.headers, signed.expires_in) == ({2: "u2"}, {}, 60.0)
    listed = requests.parse_list(answer([{"PartNumber": 1, "ETag": '"AB"', "Size": 5, "LastModified": "x"}]))
    assert listed == (ListedPart(1, "ab", 5),)
    complete = requests.prepare_complete("u", "k", [(1, Part("e", 5))])
    assert complete == ApiRequest(
        "POST", "/s3/multipart/u/complete?key=k", {"parts": [{"PartNumber": 1, "ETag": "e"}]}
    )
    report = {"size": 5, "etag": '"E-1"', "proof": True}
    assert requests.parse_complete(answer(report)) == ObjectReport(5, "e-1", True)
    opaque = requests.parse_complete(answer({**report, "etagIsChecksum": False}))
    assert opaque == ObjectReport(5, "e-1", True, is_opaque=True)
    unseen = requests.parse_complete(answer({**report, "proof": False, "isSeen": False}))
    assert unseen == ObjectReport(5, "e-1", False, is_seen=False)
    assert requests.parse_status(answer({"state": "completed", **report})) == (
        "completed",
        ObjectReport(5, "e-1", True),
    )
    assert requests.parse_status(answer({"state": "missing", "size": None})) == ("missing", None)
    requests.parse_abort(answer({}))
    requests.parse_abort(answer({"code": "NoSuchUpload"}, 404))
    assert fault(requests.parse_abort, answer({"code": "StoreDown"}, 503)).status == 503
    assert requests.parse_open_uploads(answer({"userId": "me", "uploads": []})) == Identity("me", False)
    assert requests.parse_open_uploads(answer({"userId": "me", "isNewGuest": True})) == Identity("me", True)
    dated = requests.parse_open_uploads(answer({"userId": "me", "serverTime": 1_700}))
    assert dated == Identity("me", False, server_time=1_700)


def test_the_servers_open_uploads() -> None:
    """Fault 55; another server (Companion) may tell less of them."""
    row = {"uploadId": "u", "key": "k/n", "filename": "n", "startedAt": "1970-01-01T00:00:01+00:00"}
    upload = OpenUpload("u", "k/n", "n", "", 1000)
    body = {"userId": "me", "uploads": [row, {**row, "projectId": "p"}]}
    found = requests.parse_open_uploads(answer(body)).open_uploads
    assert found == (upload, replace(upload, project_id="p"))
    assert "u" not in repr(upload).split("OpenUpload")[1].split("=")[0]
    for damage in ({"startedAt": "yesterday"}, {"key": None, "startedAt": None}):
        broken = answer({"userId": "me", "uploads": [{**row, **damage}]})
        assert fault(requests.parse_open_uploads, broken).code == "NotFromTheStore"


def test_the_way_back_of_a_guest() -> None:
    assert requests.prepare_guest_key() == ApiRequest("POST", "/s3/guest/key")
    assert requests.parse_guest_key(answer({"userId": "me", "key": "a2V5"})) == ("me", b"key")
    assert requests.prepare_guest_challenge() == ApiRequest("GET", "/s3/guest/challenge")
    assert requests.parse_guest_challenge(answer({"challenge": "c"})) == "c"
    back = {"userId": "me", "challenge": "c", "proof": "p"}
    assert requests.prepare_guest_return("me", "c", "p") == ApiRequest("POST", "/s3/guest/return", back)
    requests.parse_guest_return(answer({"userId": "me"}))
    assert fault(requests.parse_guest_return, answer({"code": "WrongProof"}, 403)).code == "WrongProof"


@pytest.mark.parametrize(
    ("parse", "body"),
    [
        (requests.parse_create, "<html>Sign in to Wi-Fi</html>"),
        (requests.parse_create, "[]"),
        (requests.parse_create, "{}"),
        (requests.parse_create, '{"key": "k", "uploadId": "u", "urls": [1]}'),
        (requests.parse_create, '{"key": "k", "uploadId": "u", "partSize": 1}'),
        (requests.parse_sign, "{}"),
        (requests.parse_list, '{"a": 1}'),
        (requests.parse_list, "7"),
        (requests.parse_complete, ""),
        (requests.parse_complete, '{"size": "x", "etag": "e", "proof": true}'),
        (requests.parse_status, '{"state": "dreaming"}'),
        (requests.parse_open_uploads, "null"),
        (requests.parse_guest_key, '{"userId": "me", "key": "?"}'),
    ],
)
def test_a_200_that_is_not_the_servers_is_no_success(
    parse: Callable[[HttpResponse], object], body: str
) -> None:
    """Faults 8, 21, 23."""
    assert fault(parse, answer(body)).code == "NotFromTheStore"


def test_an_error_of_the_signing_server_keeps_its_code_and_words() -> None:
    """Fault 17."""
    error = fault(
        requests.parse_create,
        answer({"error": "no", "message": "too many", "code": "SlowDown"}, 429, retry_after="7"),
    )
    assert (error.status, error.code, error.message, error.retry_after) == (429, "SlowDown", "too many", 7.0)
    bare = fault(requests.parse_create, answer("<html>", 502))
    assert (bare.status, bare.code, bare.message, bare.retry_after) == (502, "", "HTTP 502", None)


def test_the_etag_of_a_part() -> None:
    assert requests.parse_part(answer("", 200, etag='"AbC"')) == "abc"


def test_a_hidden_etag_is_named_and_a_page_in_between_is_not_taken_for_the_store() -> None:
    """Faults 8, 20."""
    assert "ExposeHeaders" in fault(requests.parse_part, answer("")).message
    assert fault(requests.parse_part, answer("<html>hello</html>")).code == "NotFromTheStore"


def test_urls_of_a_server_that_does_not_say_how_long_they_live() -> None:
    assert requests.parse_sign(answer({"presignedUrls": {"1": "u"}})).expires_in == 300
    assert requests.parse_sign(answer({"presignedUrls": {"1": "u"}, "expires": 20})).expires_in == 20


@pytest.mark.parametrize(("body", "is_final"), [("false", True), ("true", False), ("null", False)])
def test_the_server_may_say_that_trying_again_is_of_no_use(body: str, is_final: bool) -> None:
    text = f'{{"code": "NoCredentials", "retryable": {body}}}'
    assert fault(requests.parse_list, answer(text, 502)).is_final is is_final


def test_an_error_of_the_server_names_the_line_in_its_log() -> None:
    text = '{"code": "InternalError", "requestId": "r1"}'
    assert fault(requests.parse_list, answer(text, 500)).request_id == "r1"


def test_errors_of_the_store() -> None:
    """Fault 9."""
    xml = "<?xml version='1.0'?><Error><Code>SlowDown</Code><RequestId>r1</RequestId></Error>"
    error = fault(requests.parse_part, answer(xml, 503, retry_after="Wed, 21 Oct 2026"))
    assert (error.code, error.request_id, error.retry_after) == ("SlowDown", "r1", None)
    assert fault(requests.parse_part, answer("<html>", 502)).code == "NotFromTheStore"
    proxy = fault(requests.parse_part, answer("<html>", 413, x_amz_request_id="r2"))
    assert (proxy.code, proxy.request_id) == ("RefusedOnTheWay", "r2")
    assert fault(requests.parse_part, answer("", 403)).code == ""


def test_the_checksum_of_the_whole_is_told_and_read() -> None:
    """Fault 69."""
    told = {"type": "CRC64NVME", "value": "rosUhgp5mIg="}
    request = requests.prepare_complete("u", "k", [(1, Part("e", 5))], "rosUhgp5mIg=")
    assert request.json == {"parts": [{"PartNumber": 1, "ETag": "e"}], "checksum": told}
    report = {"size": 5, "etag": '"E-1"', "proof": True}
    assert requests.parse_complete(answer(report | {"checksum": told})).checksum == told["value"]
    for other in (None, {"type": "md5-of-md5s", "value": "e-1"}):
        assert requests.parse_complete(answer(report | {"checksum": other})).checksum == ""
    damaged = answer(report | {"checksum": {"type": "CRC64NVME", "value": "AAAA"}})
    assert fault(requests.parse_complete, damaged).code == "NotFromTheStore"
    created = {"key": "k", "uploadId": "u", "checksumAlgorithm": "CRC64NVME"}
    assert requests.parse_create(answer(created)).keeps_checksum
    assert not requests.parse_create(answer(created | {"checksumAlgorithm": "CRC32"})).keeps_checksum
    arrived = HttpResponse(200, {"x-amz-checksum-crc64nvme": " rosUhgp5mIg= "}, "")
    assert requests.told_checksum(arrived) == "rosUhgp5mIg="
    assert requests.told_checksum(HttpResponse(200, {}, "")) == ""
