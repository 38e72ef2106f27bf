"""Row by row what goes wrong between a real Chromium and a store, and what must then be true (ACCEPTANCE D4, D5).

The store is the fake one, since no real one lies on demand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from upload_engine.core.sending import MAX_SIGNED_ANEW

from tests.browser.scene import PART, PARTS, Scene
from tests.browser.uploads_page import LIMIT, MIB
from tests.fakes import faults
from tests.fakes.fault_server import Fault, Rule, Turn
from tests.fakes.http_wire import Response
from tests.fakes.s3_bucket import AMAZON, ENCRYPTED, SEAWEEDFS
from tests.fakes.s3_xml import error_body
from tests.harness.marks import mostly_long

pytestmark = pytest.mark.browser

COMPLETE = "CompleteMultipartUpload"
CREATE = "CreateMultipartUpload"


def put(fault: Fault, part_number: int | None = 2, **when: Any) -> Rule:
    """At the first try at part 2, unless told otherwise."""
    when.setdefault("times", 1)
    return Rule(fault, part_number=part_number, **when)


def call(fault: Fault, operation: str, **when: Any) -> Rule:
    """At the signing server's first call of this operation."""
    when.setdefault("times", 1)
    return Rule(fault, operation, **when)


def api(fault: Fault, path: str, **when: Any) -> Rule:
    """At the page's first call of the signing server with this in its path."""
    when.setdefault("times", 1)
    return Rule(fault, "Unknown", key=path, **when)


def instead(status: int, code: str) -> Fault:
    """The store does what it was asked, and says something else."""

    def change(response: Response) -> None:
        response.status, response.body = status, error_body(code)

    return faults.edit(change)


def lose_part() -> Fault:
    """The store answers for a part and does not keep it."""

    async def lose_part(turn: Turn) -> Response:
        turn.request.tamper["part_number"] = 9999
        return await turn.serve()

    return lose_part


ROWS: dict[str, Callable[[], list[Rule]]] = {
    "1 reset within a part": lambda: [put(faults.cut(3 * MIB))],
    "1 reset within a part, again and again": lambda: [put(faults.cut(3 * MIB), times=12)],
    "1 reset of a preflight": lambda: [call(faults.cut(), "Preflight", times=6)],
    "2 answer lost": lambda: [put(faults.lose_answer())],
    "2 answers lost, again and again": lambda: [put(faults.lose_answer(), times=12)],
    "8 a portal's page, readable": lambda: [put(faults.show_page(200, cors=True), None, times=2)],
    "8 a portal's page": lambda: [put(faults.show_page(200), None, times=6)],
    "15 500": lambda: [put(faults.say(500, "InternalError"), None, times=3)],
    "15 502": lambda: [put(faults.say(502, body=b""), None, times=3)],
    "15 502 of a proxy": lambda: [put(faults.show_page(502, cors=True), None, times=3)],
    "15 504 of a proxy": lambda: [put(faults.show_page(504, cors=True), None, times=12)],
    "15 500 to Create": lambda: [call(faults.say(500, "InternalError"), CREATE, times=2)],
    "15 500 to Complete": lambda: [call(faults.say(500, "InternalError"), COMPLETE, times=2)],
    "16 503 to Create": lambda: [call(faults.say(503, "SlowDown"), CREATE, times=2)],
    "16 503 to Complete": lambda: [call(faults.say(503, "SlowDown"), COMPLETE, times=2)],
    "18 503 without CORS": lambda: [put(faults.say(503, "SlowDown", cors=False), None, times=3)],
    "18 a preflight is refused": lambda: [
        call(faults.say(503, "SlowDown", cors=False), "Preflight", times=2)
    ],
    "19 RequestTimeout": lambda: [put(faults.say(400, "RequestTimeout"), None, times=2)],
    "21 Complete: 200 with an error": lambda: [call(faults.say(200, "InternalError"), COMPLETE)],
    "22 Complete: no answer": lambda: [call(faults.lose_answer(), COMPLETE)],
    "23 Complete: half an answer": lambda: [call(faults.cut_answer(60), COMPLETE)],
    "23 Complete: white space": lambda: [call(faults.blank(), COMPLETE)],
    "25 NoSuchUpload after success": lambda: [call(instead(404, "NoSuchUpload"), COMPLETE)],
    "29 PreconditionFailed after success": lambda: [call(instead(412, "PreconditionFailed"), COMPLETE)],
    "38 expired in the queue": lambda: [
        put(faults.say(403, "AccessDenied"), number) for number in range(1, PARTS + 1)
    ],
    "39 expired under way": lambda: [put(faults.expire(), number) for number in range(1, PARTS + 1)],
    "40 ExpiredToken": lambda: [put(faults.say(400, "ExpiredToken"), None, times=2)],
    "45 skewed, the page's URL": lambda: [put(faults.say(403, "RequestTimeTooSkewed"), None, times=2)],
    "45 skewed, the server's call": lambda: [call(faults.say(403, "RequestTimeTooSkewed"), CREATE, times=2)],
}


USUAL = {
    "1 reset within a part",
    "2 answers lost, again and again",
    "8 a portal's page",
    "15 500 to Create",
    "15 504 of a proxy",
    "16 503 to Complete",
    "18 503 without CORS",
    "19 RequestTimeout",
    "21 Complete: 200 with an error",
    "22 Complete: no answer",
    "25 NoSuchUpload after success",
    "29 PreconditionFailed after success",
    "39 expired under way",
    "45 skewed, the page's URL",
}
"""One of a kind."""


@pytest.mark.parametrize("row", mostly_long(ROWS, USUAL))
def test_it_goes_on_by_itself(scene: Scene, tmp_path: Path, row: str) -> None:
    """Faults 1, 2, 8, 15, 16, 18, 19, 21, 22, 23, 25, 29, 38, 39, 40, 45: what struck is tried again, and nothing else."""
    scene.prove(scene.begin(tmp_path, *ROWS[row]()))


API_ROWS: dict[str, Callable[[], Rule]] = {
    "8 a portal's page to Create": lambda: api(faults.show_page(200), "multipart"),
    "8 a portal's page to Complete": lambda: api(faults.show_page(200), "/complete"),
    "22 Complete: no answer": lambda: api(faults.lose_answer(), "/complete"),
    "23 Complete: half an answer": lambda: api(faults.cut_answer(20), "/complete"),
    "23 Complete: white space": lambda: api(faults.blank(), "/complete"),
    "42 Create: 500": lambda: api(faults.say(500, body=b""), "multipart", times=2),
    "42 Complete: 502": lambda: api(faults.show_page(502), "/complete", times=2),
    "42 slow": lambda: api(faults.delay(1), "multipart", times=3),
}


@pytest.mark.parametrize(
    "row", mostly_long(API_ROWS, {"8 a portal's page to Create", "22 Complete: no answer", "42 Create: 500"})
)
def test_it_goes_on_when_the_signing_server_fails(scene: Scene, tmp_path: Path, row: str) -> None:
    """Faults 8, 22, 23, 42."""
    scene.prove(scene.begin(tmp_path, front=[API_ROWS[row]()]))


def test_an_answer_to_create_that_is_lost(scene: Scene, tmp_path: Path) -> None:
    """Fault 31: an orphan is left to the bucket's lifecycle rule."""
    scene.prove(scene.begin(tmp_path, front=[api(faults.lose_answer(), "multipart")]), orphans=1)


def test_retry_after_is_obeyed(scene: Scene, tmp_path: Path) -> None:
    """Fault 17."""
    file = scene.begin(tmp_path, put(faults.say(429, "TooManyRequests", headers={"Retry-After": "2"})))
    scene.prove(file)
    first, second = (one for one in scene.puts(file) if one.part_number == 2)
    assert second.began - first.began >= 2


STOPS: dict[str, tuple[Callable[[], Rule], str]] = {
    "9 413 of a proxy": (
        lambda: put(faults.show_page(413, cors=True), times=None),
        "between here and the store",
    ),
    "9 403 of a proxy": (
        lambda: put(faults.show_page(403, cors=True), times=None),
        "between here and the store",
    ),
    "20 ETag not exposed": (lambda: put(faults.hide_etag(), None, times=None), "ExposeHeaders"),
    "37 301": (lambda: put(faults.say(301, "PermanentRedirect"), times=None), "another region"),
    "37 307": (lambda: put(faults.say(307, "TemporaryRedirect"), times=None), "another region"),
    "37 301 to Create": (
        lambda: call(faults.say(301, "PermanentRedirect"), CREATE, times=None),
        "another region",
    ),
    "46 quota": (lambda: put(faults.say(403, "QuotaExceeded"), times=None), "store is full"),
    "46 AccessDenied": (lambda: put(faults.say(403, "AccessDenied"), times=None), "refuses access"),
}


@pytest.mark.parametrize("row", mostly_long(STOPS, {"46 AccessDenied"}))
def test_it_stops_and_says_why_and_what_is_stored_is_kept(scene: Scene, tmp_path: Path, row: str) -> None:
    """Faults 9, 20, 37, 46: a person has to see to it; then Retry goes on where it stopped."""
    make, words = STOPS[row]
    rule = make()
    file = scene.begin(tmp_path, rule)
    scene.uploads.until(file.name, "failed", "completed")
    assert scene.uploads.state(file.name)[0] == "failed"
    assert words in scene.complaint(file)
    assert len(scene.puts(file)) <= (1 + MAX_SIGNED_ANEW) * PARTS, "it does not go on knocking"
    scene.store.rules.clear()
    again = [1, 2, 3] if "ETag" in row else []
    scene.uploads.press(file.name, "Retry")
    scene.uploads.until(file.name, "uploading", "completed")
    scene.prove(file, resent=again)


def test_an_upload_that_was_aborted_starts_over(scene: Scene, tmp_path: Path) -> None:
    """Fault 26."""

    async def abort(turn: Turn) -> Response:
        scene.line.server.content.uploads.clear()
        return await turn.serve()

    file = scene.begin(tmp_path, put(abort, 3))
    scene.uploads.until(file.name, "completed", "failed")
    scene.prove(file, resent=[1, 2])
    assert len(scene.store.log(CREATE, file.name)) == 2


def test_somebody_elses_object_is_never_taken_for_ours(scene: Scene, tmp_path: Path) -> None:
    """Fault 27: NoSuchUpload, and a foreign object at the key."""
    content = scene.line.server.content
    there: list[str] = []

    async def replace(turn: Turn) -> Response:
        content.uploads.clear()
        content.put(turn.operation.key, b"foreign", {}, 0)
        there.append(turn.operation.key)
        return await turn.serve()

    file = scene.begin(tmp_path, call(replace, COMPLETE))
    scene.prove(file, resent=[1, 2, 3])
    assert content.objects[there[0]].bytes() == b"foreign"


def test_a_conflict_is_a_reason_to_begin_anew(scene: Scene, tmp_path: Path) -> None:
    """Fault 30."""
    conflict = call(faults.say(409, "ConditionalRequestConflict"), COMPLETE)
    scene.prove(scene.begin(tmp_path, conflict), resent=[1, 2, 3])


@pytest.mark.parametrize("dialect", ["keeps every copy", "encrypts", "spells headers its own way"])
def test_a_store_that_is_not_amazons(scene: Scene, tmp_path: Path, dialect: str) -> None:
    """Faults 2, 71; I2: proof does not hang on what stores do each in its own way."""
    rules = [put(faults.lose_answer(), times=12)]
    content = scene.line.server.content
    content.dialect = {"keeps every copy": SEAWEEDFS, "encrypts": ENCRYPTED}.get(dialect, AMAZON)
    if dialect == "keeps every copy":
        rules.append(put(faults.overwrite(b"o" * PART), 1))
    if dialect == "spells headers its own way":
        rules.append(Rule(faults.edit(spell), "HeadObject"))
    scene.prove(scene.begin(tmp_path, *rules))


def spell(response: Response) -> None:
    """As many servers write header names, whose case means nothing."""
    response.headers = {name.title(): value for name, value in response.headers.items()}


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_to_elsewhere_is_named(scene: Scene, tmp_path: Path, status: int) -> None:
    """Fault 37, where the answer names a place: the browser follows, and may not go there."""
    code = "PermanentRedirect" if status == 301 else "TemporaryRedirect"
    away = faults.say(status, code, headers={"Location": f"http://127.0.0.1:9/{status}"})
    rules = [put(away, None, times=None), call(away, "ListParts", times=None)]
    file = scene.begin(tmp_path, *rules)
    scene.uploads.row(file.name).get_by_text("another region").wait_for(timeout=30_000)
    scene.store.rules.clear()
    if scene.uploads.state(file.name)[0] == "failed":
        scene.uploads.press(file.name, "Retry")
        scene.uploads.until(file.name, "uploading", "completed")
    scene.prove(file)


LISTS: dict[str, tuple[Callable[[], list[Rule]], list[int]]] = {
    "28 InvalidPart": (lambda: [call(faults.say(400, "InvalidPart"), COMPLETE)], []),
    "28 a part was not kept": (lambda: [put(lose_part())], [2]),
    "33 ListParts lacks a part": (
        lambda: [
            call(faults.say(400, "InvalidPart"), COMPLETE),
            call(faults.forget_part(2), "ListParts"),
        ],
        [2],
    ),
    "34 ListParts: another size": (
        lambda: [
            call(faults.say(400, "InvalidPart"), COMPLETE),
            call(faults.misreport_part(2, "Size", "7"), "ListParts"),
        ],
        [2],
    ),
    "34 ListParts: another ETag": (
        lambda: [
            call(faults.say(400, "InvalidPart"), COMPLETE),
            call(faults.misreport_part(2, "ETag", f'"{"0" * 32}"'), "ListParts"),
        ],
        [2],
    ),
}


@pytest.mark.parametrize("row", mostly_long(LISTS, {"28 a part was not kept", "34 ListParts: another ETag"}))
def test_the_list_of_parts_decides(scene: Scene, tmp_path: Path, row: str) -> None:
    """Faults 28, 33, 34."""
    make, resent = LISTS[row]
    scene.prove(scene.begin(tmp_path, *make()), resent=resent)


def test_a_list_of_several_pages_is_read_to_its_end(scene: Scene, tmp_path: Path) -> None:
    """Fault 32: pages of one part each; a part that was on a later page is not sent again."""
    scene.line.server.content.dialect = replace(AMAZON, list_page=1)
    scene.prove(scene.begin(tmp_path, call(faults.say(400, "InvalidPart"), COMPLETE)))
    assert len(scene.store.log("ListParts")) >= PARTS


def test_a_list_that_outlives_the_completion_does_not_decide(scene: Scene, tmp_path: Path) -> None:
    """Fault 35: Complete was done and nobody heard of it; the parts are listed as if it had not been."""
    scene.line.server.content.dialect = replace(AMAZON, lists_after_completion=True)
    file = scene.begin(tmp_path, front=[api(faults.lose_answer(), "/complete", times=None)])
    scene.uploads.until(file.name, "finalising")
    while not scene.store.log(COMPLETE, file.name):
        scene.uploads.page.wait_for_timeout(20)
    scene.uploads.reload()
    scene.front.rules.clear()
    scene.prove(file)
    assert scene.store.log("ListParts", file.name)
    assert len(scene.puts(file)) == PARTS


def test_a_store_that_refuses_checksums_is_sent_none(scene: Scene, tmp_path: Path) -> None:
    """Fault 36: dropped for this store, and said."""
    scene.leave()  # an engine that has learned nothing yet

    def with_checksum(response: Response) -> None:
        created = json.loads(response.body)
        created["headers"] = {"x-amz-checksum-crc32": "AAAAAA=="}
        response.body = json.dumps(created).encode()
        response.drop("content-length")

    refuse = put(faults.say(400, "InvalidArgument"), None, attempts=range(1, 2), times=None)
    file = scene.begin(tmp_path, refuse, front=[api(faults.edit(with_checksum), "multipart")])
    scene.prove(file)
    told = scene.uploads.page.locator("#warnings")
    told.get_by_text("does not take checksum headers").wait_for(timeout=LIMIT)
    scene.leave()  # nor one that knows


def test_finalising_is_shown_while_the_store_assembles(scene: Scene, tmp_path: Path) -> None:
    """Fault 24, a shorter one."""
    file = scene.begin(tmp_path, call(faults.delay(3), COMPLETE))
    scene.uploads.until(file.name, "finalising")
    scene.prove(file)
    assert len(scene.store.log(COMPLETE, file.name)) == 1


DATA: dict[str, tuple[Callable[[], Rule], list[int]]] = {
    "69 a bit flips": (lambda: put(faults.flip(4_000_000)), []),
    "70 stored under the wrong number": (lambda: put(faults.misplace(3)), [2, 3]),
    "71 overwritten by a late duplicate": (lambda: put(faults.overwrite(b"o" * PART)), []),
    "72 assembled too short": (lambda: call(faults.assemble_short(), COMPLETE), [1, 2, 3]),
}


@pytest.mark.parametrize("row", mostly_long(DATA, {"69 a bit flips", "70 stored under the wrong number"}))
def test_wrong_bytes_are_never_taken_for_the_file(scene: Scene, tmp_path: Path, row: str) -> None:
    """Faults 69, 70, 71, 72: whatever the store has answered, it goes on until the object is the file."""
    make, resent = DATA[row]
    scene.prove(scene.begin(tmp_path, make()), resent=resent)


def test_signed_out_it_waits_and_goes_on_in_the_same_session(scene: Scene, tmp_path: Path) -> None:
    """Fault 41."""
    file = scene.begin(tmp_path, front=[api(faults.say(401, body=b"{}"), "/complete")])
    scene.uploads.until(file.name, "waiting-for-sign-in")
    scene.uploads.press(file.name, "Resume")
    scene.prove(file)
