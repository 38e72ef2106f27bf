"""Uploads that only the server remembers."""

from __future__ import annotations

import random

import pytest
from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.limits import MIB
from upload_engine.core.parts import ListedPart
from upload_engine.core.records import from_record, to_record
from upload_engine.core.recovery import recover
from upload_engine.core.requests import OpenUpload
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session import Session
from upload_engine.core.states import Phase

UPLOAD = OpenUpload("server-1", "uploads/me/p/0/My_film_1_.bin", "My_film_1_.bin", "p", 5_000)
FILE = Fingerprint("My film (1).bin", 25 * MIB, 7, "sample")
POLICY = RetryPolicy(random.Random(1))


def recovered() -> Session:
    session = recover(UPLOAD, "me", POLICY)
    assert session.restore(Phase.WAITING_FOR_FILE) == []
    return session


def test_it_waits_for_a_file_of_its_name() -> None:
    """Fault 55."""
    session = recovered()
    assert session.phase is Phase.WAITING_FOR_FILE
    assert (session.facts.user_id, session.facts.project_id, session.key) == ("me", "p", UPLOAD.key)
    assert session.facts.started_at == session.last_activity == 5_000
    assert session.progress(0.0).percent == 0
    assert session.facts.content_type == "application/octet-stream"
    assert session.facts.s3_key == ""
    assert session.facts.fingerprint == Fingerprint("My_film_1_.bin", 0, 0, "")
    assert session.server_upload_id == "server-1"
    assert not session.has_file
    assert session.upload_id.startswith("recovered-")
    assert len(session.upload_id) == len("recovered-") + 24
    assert session.handle(e.FileGiven(session.upload_id, Fingerprint("other.bin", 1, 1, "s")), 0.0) == []
    assert session.error is not None
    assert "it is called" in session.error.message
    assert recover(UPLOAD, "me", POLICY).upload_id == session.upload_id, "it is the same one every time"


def test_what_is_stored_is_compared_with_the_file_before_a_new_byte_goes() -> None:
    """Fault 59."""
    session, name = recovered(), ""
    name = session.upload_id
    assert session.handle(e.FileGiven(name, FILE), 0.0) == [fx.SaveSession(name)]
    (ask,) = session.handle(e.SlotGranted(name), 0.0)
    assert isinstance(ask, fx.ListParts)
    etag = "0" * 32
    rows = (ListedPart(2, etag, 10 * MIB), ListedPart(3, etag, 5 * MIB))
    _, check = session.handle(e.PartsListed(name, ask.attempt, rows), 0.0)
    assert isinstance(check, fx.CheckFile)
    assert [number for number, _ in check.parts] == [2, 3]
    assert session.transfer.part_size == 10 * MIB
    session.handle(e.FileChecked(name, check.attempt, (3,), {2: "", 3: ""}), 0.0)
    assert session.transfer.unsent() == [1, 3]


@pytest.mark.parametrize("rows", [(), (ListedPart(1, "e", 6 * MIB), ListedPart(2, "e", 7 * MIB))])
def test_without_parts_that_make_sense_the_file_is_cut_as_usual(rows: tuple[ListedPart, ...]) -> None:
    session = recovered()
    name = session.upload_id
    session.handle(e.FileGiven(name, FILE), 0.0)
    (ask,) = session.handle(e.SlotGranted(name), 0.0)
    assert isinstance(ask, fx.ListParts)
    _, check = session.handle(e.PartsListed(name, ask.attempt, rows), 0.0)
    assert isinstance(check, fx.CheckFile)
    session.handle(e.FileChecked(name, check.attempt, (), {}), 0.0)
    assert session.transfer.part_size == 8 * MIB
    assert session.transfer.unsent() == [1, 2, 3, 4]


def test_a_file_that_cannot_be_read_is_not_adopted() -> None:
    """Fault 60."""
    session = recovered()
    unreadable = Fingerprint("My film (1).bin", 25 * MIB, 7, "")
    assert session.handle(e.FileGiven(session.upload_id, unreadable), 0.0) == []
    assert session.phase is Phase.WAITING_FOR_FILE
    assert session.error is not None
    assert "can no longer be read" in session.error.message


def test_a_crash_before_the_first_list_forgets_no_doubt() -> None:
    session = recovered()
    assert to_record(session)["chunkSize"] == 0
    session.handle(e.FileGiven(session.upload_id, FILE), 0.0)
    again, phase = from_record(to_record(session), POLICY)
    again.restore(phase)
    again.handle(e.FileGiven(again.upload_id, FILE), 0.0)
    (ask,) = again.handle(e.SlotGranted(again.upload_id), 0.0)
    assert isinstance(ask, fx.ListParts)
    assert again.transfer.part_size == 8 * MIB
    again.handle(e.PartsListed(again.upload_id, ask.attempt, (ListedPart(1, "e", 10 * MIB),)), 0.0)
    assert again.transfer.part_size == 10 * MIB
    assert to_record(again)["chunkSize"] == 10 * MIB


def test_the_size_of_parts_is_never_doubted_twice() -> None:
    """Fault 70: a part under a wrong number must not move the cuts of an upload of ours."""
    session = recovered()
    session.is_cut_known = True
    session.handle(e.FileGiven(session.upload_id, FILE), 0.0)
    session.is_cut_known = True
    (ask,) = session.handle(e.SlotGranted(session.upload_id), 0.0)
    assert isinstance(ask, fx.ListParts)
    session.handle(e.PartsListed(session.upload_id, ask.attempt, (ListedPart(1, "e", 10 * MIB),)), 0.0)
    assert session.transfer.part_size == 8 * MIB


def test_it_is_remembered_from_then_on() -> None:
    session = recovered()
    session.handle(e.FileGiven(session.upload_id, FILE), 0.0)
    again, _ = from_record(to_record(session), POLICY)
    assert again.facts == session.facts
    assert again.facts.fingerprint == FILE


def test_it_can_be_cancelled_unseen() -> None:
    session = recovered()
    effects = session.handle(e.CancelRequested(session.upload_id), 0.0)
    assert [type(effect) for effect in effects] == [fx.AbortRequests, fx.SaveSession, fx.AbortUpload]
