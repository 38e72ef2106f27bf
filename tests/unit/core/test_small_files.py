"""Calls about many small files, and which of those are created ahead of need."""

import json
from typing import Any

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core import small_files as calls
from upload_engine.core.checksums import is_made_of, parts_told_by, tells_parts
from upload_engine.core.concurrency import HANDED_AHEAD, Window
from upload_engine.core.errors import NetworkFault, ServiceFault
from upload_engine.core.http import HttpResponse
from upload_engine.core.limits import KIB, LITTLE, MIB, READ_AT_ONCE
from upload_engine.core.parts import ListedPart
from upload_engine.core.queue import AHEAD, BYTES_AHEAD, TOO_FEW_AHEAD, UploadQueue
from upload_engine.core.requests import CreatedUpload, parse_open_uploads, parse_part
from upload_engine.core.session import Effects, Session
from upload_engine.core.states import Phase

from tests.unit.core.test_queue import parts, queue, session

A, B = "a" * 32, "b" * 32
FORM = {
    "key": "k",
    "uploadId": "u",
    "bucket": "b",
    "method": "POST",
    "url": "https://store/b",
    "fields": {"policy": "p"},
    "headers": {},
    "expires": 900,
    "etagsAreChecksums": True,
}
PUT = {**FORM, "method": "PUT", "fields": {}, "headers": {"Content-Type": "a/b"}, "etagsAreChecksums": False}
REFUSED = {"status": 429, "code": "TooMuch", "message": "No.", "retryable": False, "retryAfter": 7}
REPORT = {"size": 5, "etag": f'"{A}"', "proof": True}


def answer(**body: Any) -> HttpResponse:
    return HttpResponse(200, {}, json.dumps(body))


def test_each_file_of_many_has_an_answer_of_its_own() -> None:
    form, put, refused = calls.parse_create_whole(answer(userId="me", uploads=[FORM, PUT, REFUSED]), 3)
    assert isinstance(form, CreatedUpload)
    assert isinstance(put, CreatedUpload)
    assert (form.signed.fields, form.signed.headers) == ({"policy": "p"}, {})
    assert (put.signed.fields, put.signed.headers) == (None, {"Content-Type": "a/b"})
    assert (form.is_whole, form.has_opaque_etags, put.has_opaque_etags) == (True, False, True)
    assert form.user_id == "me"
    assert isinstance(refused, ServiceFault)
    assert (refused.status, refused.code, refused.message) == (429, "TooMuch", "No.")
    assert (refused.retry_after, refused.is_final) == (7.0, True)
    report, failed = calls.parse_complete_whole(
        answer(uploads=[REPORT, {"status": 409, "code": "ProofFailed", "retryable": True}]), 2
    )
    assert (report.size, report.etag, report.proof) == (5, A, True)  # type: ignore[union-attr]
    assert isinstance(failed, ServiceFault)
    assert (failed.is_final, failed.retry_after) == (False, None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"uploads": []},
        {"uploads": [FORM, FORM]},
        {"uploads": [{}]},
        {"uploads": [{**FORM, "fields": None}]},
        {"uploads": [{"code": "X"}]},
        {"uploads": "x"},
    ],
)
def test_an_answer_of_another_kind_is_a_fault(body: dict[str, Any]) -> None:
    for parse in (calls.parse_create_whole, calls.parse_complete_whole):
        with pytest.raises(ServiceFault, match="did not come from"):
            parse(answer(**body), 1)
    with pytest.raises(ServiceFault):
        calls.parse_create_whole(HttpResponse(503, {}, "busy"), 1)


def test_what_is_asked_of_many() -> None:
    one = session("a.txt", 5)
    other = session("b.txt", 6)
    other.facts = type(other.facts)(
        **{name: getattr(other.facts, name) for name in other.facts.__slots__} | {"s3_key": "mine"}
    )
    request = calls.prepare_create_whole([one, other])
    assert (request.method, request.path) == ("POST", "/s3/objects")
    plain = {"filename": "a.txt", "type": "a/b", "size": 5, "projectId": "p"}
    assert request.json == {"files": [plain, plain | {"filename": "b.txt", "size": 6, "key": "mine"}]}
    request = calls.prepare_complete_whole([("u", "k", A)])
    assert request.path == "/s3/objects/complete"
    assert request.json == {"uploads": [{"uploadId": "u", "key": "k", "etag": A}]}


def test_who_says_what_goes_whole() -> None:
    known = {"userId": "me", "uploads": []}
    assert parse_open_uploads(answer(**known)).small_files == 0
    assert parse_open_uploads(answer(**known, smallFiles=None)).small_files == 0
    assert parse_open_uploads(answer(**known, smallFiles={"maxSize": 9})).small_files == 9


def test_the_etag_of_a_form_may_be_in_its_answer() -> None:
    """Amazon S3 API Reference, "POST Object": the answer to 201 is XML."""
    text = f"<PostResponse><Key>k</Key><ETag>&quot;{A}&quot;</ETag></PostResponse>"
    assert parse_part(HttpResponse(201, {}, text)) == A


@pytest.mark.parametrize(
    ("etag", "part_etags", "is_made"),
    [
        (A, [A], True),
        (A, [B], False),
        (A, [A, A], False),
        ("d41d8cd98f00b204e9800998ecf8427e-1", [A], False),
    ],
)
def test_an_object_of_one_part_may_be_that_part(etag: str, part_etags: list[str], is_made: bool) -> None:
    assert is_made_of(etag, part_etags) is is_made


def test_what_an_objects_etag_tells() -> None:
    assert [tells_parts(etag) for etag in (A, f"{A}-3", "kms", f"{A}-")] == [True, True, False, False]
    assert (parts_told_by(A), parts_told_by(f"{A}-12")) == (1, 12)


# Which of them are created, and sent.


def small_queue(
    count: int, size: int = 10 * KIB, *, small_size: int = 8 * MIB
) -> tuple[UploadQueue, Effects]:
    uploads = queue()
    uploads.send_whole(small_size)
    effects: Effects = []
    for number in range(count):
        effects += uploads.add(small(f"{number}", size), 0.0)
    return uploads, effects


def small(name: str, size: int) -> Session:
    found = session(name, size)
    found.transfer.part_size = 8 * MIB
    return found


def create_all(uploads: UploadQueue, effects: Effects) -> Effects:
    found: Effects = []
    for effect in effects:
        if isinstance(effect, fx.CreateUpload):
            created = e.UploadCreated(effect.upload_id, effect.attempt, "s", "k", "b", 0, "me", is_whole=True)
            found += uploads.handle(created, 0.0)
    return found


def landed(uploads: UploadQueue, effects: Effects, now: float) -> Effects:
    found: Effects = []
    for effect in effects:
        if isinstance(effect, fx.UploadPart):
            found += uploads.handle(e.PartUploaded(effect.upload_id, effect.attempt, 1, A), now)
    return found


def test_some_are_created_ahead_of_need_and_more_when_few_are_left() -> None:
    uploads, effects = small_queue(1000)
    assert len(effects) == TOO_FEW_AHEAD + 1, "one by one, as they come"
    assert all(isinstance(effect, fx.CreateUpload) and effect.whole for effect in effects)
    sent = create_all(uploads, effects)
    assert len(parts(sent)) == 5 + HANDED_AHEAD
    created: list[int] = []
    while sent:
        sent = landed(uploads, sent, 1.0)
        more: Effects = [effect for effect in sent if isinstance(effect, fx.CreateUpload)]
        created += [len(more)] if more else []
        sent += create_all(uploads, more)
    assert created[0] == AHEAD - TOO_FEW_AHEAD
    assert sum(created) == 1000 - TOO_FEW_AHEAD - 1
    assert {one.phase for one in uploads.sessions.values()} == {Phase.FINALISING}
    assert uploads.small_left == 0


def test_what_is_created_ahead_is_sent_before_it_expires() -> None:
    _, effects = small_queue(100, 8 * MIB)
    assert len(effects) == BYTES_AHEAD / (8 * MIB)


def test_larger_ones_are_no_small_files() -> None:
    _, effects = small_queue(10, 8 * MIB, small_size=8 * MIB - 1)
    assert [effect for effect in effects if isinstance(effect, fx.CreateUpload)] == [
        fx.CreateUpload(str(number), 1) for number in range(3)
    ]


def test_what_was_begun_otherwise_goes_on_otherwise() -> None:
    """It is restored with its upload: the store may have its part."""
    uploads = queue()
    known = small("a", 10)
    known.server_upload_id = "s"
    uploads.send_whole(MIB)
    assert uploads.add(known, 0.0) == [fx.ListParts("a", 1)]


def test_what_waits_is_sorted_anew_when_the_server_says_otherwise() -> None:
    uploads = UploadQueue(queue()._limits, Window(5), queue()._pacer)
    for number in range(9):
        uploads.add(small(f"{number}", 10), 0.0)
    uploads.send_whole(MIB)
    effects = uploads.limit(uploads._limits, None, 0.0)
    assert [effect.upload_id for effect in effects] == ["3", "4", "5", "6", "7", "8"]
    assert uploads.sessions["0"].is_small is False, "it was begun in parts"


def test_a_few_more_little_ones_are_handed_to_the_browser() -> None:
    """Fault 11. The sixth connection is never idle; larger ones would only share the line."""
    window = Window(5)

    def allowed(size: int, goodput: float = 0.0) -> int:
        return window.allows(size, goodput, is_small_file=True)

    assert allowed(LITTLE) == 5 + HANDED_AHEAD, "from the first on"
    assert allowed(READ_AT_ONCE) == 5, "nothing is known of the line"
    assert allowed(READ_AT_ONCE, 10.0 * READ_AT_ONCE) == 5 + HANDED_AHEAD, "five are gone in half a second"
    assert allowed(READ_AT_ONCE, 9.9 * READ_AT_ONCE) == 5
    assert allowed(READ_AT_ONCE + 1) == window.allows(LITTLE, 0.0) == window.size == 3
    assert allowed(LITTLE, LITTLE / 30.0) == 1, "on a slow line one after the other"
    window.trouble(0.0, 1.0)
    assert allowed(LITTLE) == window.size == 1
    while window.size < 5:
        window.landed(0.0)
    assert allowed(LITTLE) == 5 + HANDED_AHEAD, "and it comes back"
    narrow = Window(2)
    assert narrow.allows(LITTLE, 0.0, is_small_file=True) == 2, "whoever wants so few gets no more"


def test_small_files_together_count_as_one_upload() -> None:
    uploads = queue()
    uploads.send_whole(MIB)
    for name in ("large", "larger"):
        uploads.add(session(name, 100), 0.0)
    effects = []
    for name in ("large", "larger"):
        attempt = uploads.sessions[name].control
        assert attempt
        effects += uploads.handle(e.UploadCreated(name, attempt, "s", "k", "b", 10, "me"), 0.0)
    assert len(parts(effects)) == 3
    more = uploads.add(small("a", 10), 0.0) + uploads.add(small("b", 10), 0.0)
    assert parts(create_all(uploads, more)) == [], "the window is full"
    first = next(effect for effect in effects if isinstance(effect, fx.UploadPart))
    sent = uploads.handle(e.PartUploaded(first.upload_id, first.attempt, first.part_number, A), 1.0)
    assert parts(sent)[0][0] == "a", "it has the fewest under way"


def test_the_speed_of_others_is_the_first_guess() -> None:
    """So that a small file knows whether anybody could see it move."""
    uploads, effects = small_queue(40, MIB)
    sent = create_all(uploads, effects)
    assert {effect.step_seconds for effect in sent if isinstance(effect, fx.UploadPart)} == {None}
    for now in (1.0, 2.0, 3.0):
        sent = landed(uploads, sent, now)
    guesses = [effect.step_seconds for effect in sent if isinstance(effect, fx.UploadPart)]
    assert guesses
    assert all(guess is not None and 0.1 < guess < 10 for guess in guesses), guesses


def test_what_went_in_one_piece_is_not_read_again() -> None:
    """It cannot be a mix of two versions."""
    uploads, effects = small_queue(1, 8 * MIB)
    effects = landed(uploads, create_all(uploads, effects), 1.0)
    assert isinstance(effects[-1], fx.CompleteUpload)


def test_one_whose_answer_was_lost_is_looked_at() -> None:
    """Fault 2: what the list alone knows has to be compared with the file."""
    uploads, effects = small_queue(1)
    (put,) = [one for one in create_all(uploads, effects) if isinstance(one, fx.UploadPart)]
    looked = uploads.handle(e.PartFailed("0", put.attempt, 1, NetworkFault()), 1.0)
    assert isinstance(looked[-1], fx.ListParts)
    listed = e.PartsListed("0", looked[-1].attempt, (ListedPart(1, A, 10 * KIB),))
    assert isinstance(uploads.handle(listed, 2.0)[-1], fx.CheckFile)


def test_to_people_it_waits_until_it_is_sent() -> None:
    uploads, effects = small_queue(9)
    one, last = uploads.sessions["0"], uploads.sessions["8"]
    assert one.waits_for_its_turn
    create_all(uploads, effects)
    assert (one.phase, last.phase) == (Phase.UPLOADING, Phase.UPLOADING)
    assert (one.waits_for_its_turn, last.waits_for_its_turn) == (False, True)


def test_moving_one_puts_it_elsewhere_among_those_that_wait() -> None:
    uploads, _ = small_queue(TOO_FEW_AHEAD + 4)
    last = str(TOO_FEW_AHEAD + 3)
    uploads.move(last, "0")
    granted = [
        effect.upload_id
        for effect in uploads.handle(e.CancelRequested("1"), 0.0)
        if isinstance(effect, fx.CreateUpload)
    ]
    assert granted == [last, str(TOO_FEW_AHEAD + 1), str(TOO_FEW_AHEAD + 2)]
