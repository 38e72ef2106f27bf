"""What is done with a file when it has arrived: the example, and functions that fail (ACCEPTANCE Q7, Q8)."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.harness.server import ROOT, ServerProcess
from tests.harness.waiting import wait_for
from tests.stores.test_events import Watching, bearer_of, watching
from tests.stores.test_identity import JWT_SECRET, complete, upload, visitor

pytestmark = pytest.mark.stores

OWN = '''
"""Hooks of an operator: what they do is written down beside them."""

import os
import pathlib
import time

NOTES = pathlib.Path(__file__).with_name("notes.txt")


def note(upload):
    with NOTES.open("a") as file:
        file.write(f"{upload.filename} {upload.size} {upload.user}\\n")


def fail_twice(upload):
    note(upload)
    if len(NOTES.read_text().splitlines()) < 3:
        raise RuntimeError("a secret that belongs to nobody's log")
    with upload.open() as path:
        return {"text": path.read_text(), "suffix": path.suffix}


def take_long(upload):
    note(upload)
    if len(NOTES.read_text().splitlines()) == 1:
        time.sleep(3600)


def return_nonsense(upload):
    note(upload)
    return object()
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own_hooks.py").write_text(OWN)
    return tmp_path


@pytest.fixture
def hooked(folder: Path) -> Iterator[Callable[[str], ServerProcess]]:
    servers = []

    def start(hooks: str) -> ServerProcess:
        server = ServerProcess(
            folder / "data",
            UPLOADS_JWT_SECRET=JWT_SECRET,
            UPLOADS_HOOKS=hooks,
            PYTHONPATH=os.pathsep.join([str(folder), str(ROOT / "examples" / "hooks")]),
        )
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.discard()


def notes(folder: Path) -> list[str]:
    path = folder / "notes.txt"
    return path.read_text().splitlines() if path.exists() else []


def kept(server: ServerProcess) -> list[str]:
    found = server.s3.list_objects_v2(Bucket=server.bucket, Prefix="uploads/.hooks/").get("Contents", [])
    return [one["Key"] for one in found]


def picture() -> bytes:
    body = io.BytesIO()
    Image.linear_gradient("L").resize((1000, 500)).save(body, "PNG")
    return body.getvalue()


def test_a_thumbnail_is_made_of_pictures_alone(hooked: Callable[[str], ServerProcess]) -> None:
    """Q7: the example, as it stands; whoever watches is told where it is."""
    server = hooked("image/*=thumbnail:make_thumbnail")
    with visitor(server.url, "ann") as ann, watching(server, bearer=bearer_of("ann")) as connection:
        page = Watching(connection)
        page.until_type("snapshot")
        assert complete(ann, upload(ann, b"no picture", "words.txt")).status_code == 200
        created = ann.post(
            "/s3/multipart", json={"filename": "é.png", "type": "image/png", "size": len(picture())}
        )
        place = created.json()
        sent = httpx.put(place["urls"]["1"], content=picture())
        assert complete(ann, place | {"etag": sent.headers["etag"]}).status_code == 200
        done = page.until(lambda event: event["type"] == "processed")
        assert (done["key"], done["hook"], done["user"]) == (place["key"], "thumbnail:make_thumbnail", "ann")
        key = done["result"]["thumbnail"]
        assert (done["result"]["width"], done["result"]["height"]) == (1000, 500)
        small = Image.open(io.BytesIO(server.object_bytes(key)))
        assert (small.format, small.size) == ("JPEG", (320, 160))
        assert ann.get("/s3/object", params={"key": key}).status_code == 302, "it is theirs"
    wait_for(lambda: kept(server) == [])
    assert sum(event["type"] == "processed" for event in page.told) == 1, "words are no picture"


def test_a_hook_that_fails_is_tried_again_and_its_words_stay_with_it(
    hooked: Callable[[str], ServerProcess], folder: Path
) -> None:
    """Q8."""
    server = hooked(".txt=own_hooks:fail_twice")
    with visitor(server.url, "ann") as ann, watching(server, bearer=bearer_of("ann")) as connection:
        page = Watching(connection)
        page.until_type("snapshot")
        complete(ann, upload(ann, b"some words", "words.txt"))
        done = page.until(lambda event: event["type"] == "processed")
    assert done["result"] == {"text": "some words", "suffix": ".txt"}
    assert notes(folder) == ["words.txt 10 ann"] * 3
    wait_for(lambda: kept(server) == [])
    assert "own_hooks:fail_twice failed" in server.log
    assert "nobody's log" not in server.log


@pytest.mark.long
def test_a_hook_that_died_with_its_server_is_called_again(
    hooked: Callable[[str], ServerProcess], folder: Path
) -> None:
    """Q8."""
    server = hooked("text/plain=own_hooks:take_long")
    with visitor(server.url, "ann") as ann:
        complete(ann, upload(ann))
    wait_for(lambda: len(notes(folder)) == 1)
    assert len(kept(server)) == 1
    server.kill()
    server.start()
    wait_for(lambda: len(notes(folder)) == 2)
    wait_for(lambda: kept(server) == [])


def test_what_makes_no_sense_is_given_up_after_five_tries_at_the_most(
    hooked: Callable[[str], ServerProcess], folder: Path
) -> None:
    """Q8: what is returned has to be JSON; the upload itself is none the worse for it."""
    server = hooked("text/plain=own_hooks:return_nonsense")
    with visitor(server.url, "ann") as ann:
        created = upload(ann)
        assert complete(ann, created).status_code == 200
        wait_for(lambda: len(notes(folder)) >= 2)
        assert ann.get("/s3/object", params={"key": created["key"]}).status_code == 302
    waiting = json.loads(server.object_bytes(kept(server)[0]))
    assert waiting["tries"] >= 1
    assert waiting["what"] == "own_hooks:return_nonsense"


@pytest.mark.parametrize(
    ("hooks", "complaint"),
    [
        ("image/*", "'image/*' is no type=package.module:function"),
        ("image/*=thumbnail:make_painting", "there is no make_painting in thumbnail"),
        ("image/*=nowhere:nothing", "nowhere cannot be imported"),
    ],
)
def test_wrong_hooks_are_told_at_the_start(
    hooked: Callable[[str], ServerProcess], hooks: str, complaint: str
) -> None:
    with pytest.raises(AssertionError, match="UPLOADS_HOOKS") as caught:
        hooked(hooks)
    assert complaint in str(caught.value)
