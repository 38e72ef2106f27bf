"""What was true, kept apart from what the engine believes, and the invariants I1-I8 that follow from it.

The world and the pages report here; a broken invariant raises ``Violation`` on the spot, so that the story ends where
it went wrong, and is remembered in case nobody lets it through.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from upload_engine.core.errors import FileFault, NetworkFault
from upload_engine.core.records import parts_of
from upload_engine.core.retry import RetryBudget
from upload_engine.interfaces import ApiRequest, HttpResponse

from tests.simulation.bucket import Multipart, Piece, etag_of
from tests.simulation.signing import ME, SECRET, count_uploads, is_about_many

if TYPE_CHECKING:
    from tests.simulation.browser import Disk
    from tests.simulation.strikes import Sending
    from tests.simulation.world import World

JUST_NOW = 1.0
"""Seconds, besides the interval of the outbox: Create's answer on its way to the engine, and on to the database."""
LONG = 10.0
"""Seconds: a request that is given up after that may have been given up for being stuck."""
URL_MARGIN = 30.0
SIGN_ANEW = ("AccessDenied", "ExpiredToken", "RequestTimeTooSkewed")


class Violation(AssertionError):
    """An invariant does not hold."""


class Oracle:
    """``files``: what each upload, by its id, is to become; ``given``: all files that a page was given; ``orphans``: S3 uploads that nobody can know of;

    ``cancelled``: the names of the files whose upload a person has cancelled; ``interval``: the outbox's, in seconds;
    ``is_known_who``: this life of the browser has heard whose it is, and so which records it may show.
    """

    def __init__(self, world: World) -> None:
        self.violations: list[str] = []
        self.files: dict[str, Disk] = {}
        self.given: list[Disk] = []
        self.orphans: set[str] = set()
        self.cancelled: set[str] = set()
        self.finished_keys: set[str] = set()
        self.interval = 0.1
        self.is_known_who = False
        self.chargeable = 0
        self.charged = 0
        self._world = world
        self._acknowledged: dict[tuple[str, int], Piece] = {}
        self._doubted: set[tuple[str, int]] = set()
        self._edited: set[tuple[str, int]] = set()
        self._in_flight: Counter[tuple[str, int]] = Counter()
        self._struck_in_flight: set[tuple[str, int]] = set()
        self._proved: set[str] = set()
        self._owners: dict[str, str] = {}
        self._recorded: dict[str, Mapping[int, str]] = {}
        self._told_at: dict[str, float] = {}
        self._completing: set[str] = set()
        self._conflicted: set[str] = set()
        self._waiting_urls: dict[tuple[str, int], float] = {}

    def violation(self, what: str) -> None:
        self.violations.append(what)
        self._world.tell(f"!!! {what}")
        raise Violation(what)

    def check(self, holds: object, what: str) -> None:
        if not holds:
            self.violation(what)

    # Faults and charges.

    @contextmanager
    def counting_faults(self, what: str, uploads: int = 1) -> Iterator[None]:
        """A fault is counted once for all it may cost each of so many uploads in retries."""
        world, since = self._world, self._world.loop.time()
        world.tell(f"--> {what}")
        try:
            yield
        except NetworkFault as fault:
            self.chargeable += uploads if what != "probe" else 0
            world.tell(f"<-- {what}: {fault.message}")
            raise
        except asyncio.CancelledError:
            self.chargeable += uploads if what != "probe" and world.loop.time() - since > LONG else 0
            world.tell(f"<-- {what}: given up")
            raise

    def charge(self) -> None:
        """The engine charges one retry."""
        self.charged += 1
        self._world.tell(f"    charged ({self.charged} of {self.chargeable})")
        self.check(not self._world.has_been_down, "a retry is charged while the line is down")
        self.check(self.charged <= self.chargeable, "a retry is charged that no fault has caused")

    # Parts.

    @contextmanager
    def sending_part(self, sending: Sending) -> Iterator[None]:
        """From its first byte to its answer, or to its end without one."""
        place = (sending.upload.name, sending.number)
        self._put_begins(sending, place)
        self._in_flight[place] += 1
        if self._world.is_down:
            self._struck_in_flight.add(place)
        try:
            yield
        finally:
            self._in_flight[place] -= 1

    def edited(self, disk: Disk, at: int, length: int) -> None:
        """A part of which these bytes are may be sent once more: it was hashed before, and read for the line after that."""
        for upload in self._world.bucket.uploads.values():
            if upload.file == disk.name:
                numbers = range(at // upload.part_size + 1, (at + length - 1) // upload.part_size + 2)
                self._edited.update((upload.name, number) for number in numbers)
        self.chargeable += length

    def line_struck(self) -> None:
        """A part that is in flight when the line fails may be sent once more, whatever has become of it."""
        self._struck_in_flight |= (+self._in_flight).keys()

    def _put_begins(self, sending: Sending, place: tuple[str, int]) -> None:
        """Invariant I3: what the store has acknowledged, and has still, is not sent again."""
        self._waiting_urls.pop(place, None)
        was_struck = place in self._struck_in_flight
        self._struck_in_flight.discard(place)
        try:
            sending.meant = sending.body.content.read()
        except FileFault:
            return
        before = self._acknowledged.get(place)
        if (
            sending.meant != before
            or was_struck
            or place in self._doubted
            or place in self._edited
            or sending.upload.only_copy(sending.number) != before
        ):
            return
        again = f"I3: part {sending.number} of {sending.upload.file} is sent again for nothing"
        self.check(not sending.upload.takes_parts, again)

    def put_answered(self, sending: Sending, response: HttpResponse) -> None:
        self._world.tell(
            f"<-- PUT {sending.upload.file} {sending.number}: {response.status} {response.text[:60]}"
        )
        place, piece = (sending.upload.name, sending.number), sending.piece
        is_kept = piece and piece == sending.meant and sending.upload.only_copy(sending.number) == piece
        if piece and is_kept and response.headers.get("etag") == f'"{etag_of(piece)}"':
            self._acknowledged[place] = piece
            self._doubted.discard(place)
            return
        if not (response.status == 403 or any(code in response.text for code in SIGN_ANEW)):
            self.chargeable += 1

    def harmed(self, upload: Multipart, *numbers: int) -> None:
        """The store has something else there than it acknowledged."""
        self._doubted.update((upload.name, number) for number in numbers)

    def doubted(self, request: ApiRequest, number: int) -> None:
        """A list says something else of this part than is true."""
        self._doubted.add((self._upload(request).name, number))

    # Calls.

    def _uploads(self, request: ApiRequest) -> list[Multipart]:
        """What a call that completes is about."""
        if not is_about_many(request):
            return [self._upload(request)]
        return [self._world.bucket.uploads[row["uploadId"]] for row in request.json["uploads"]]

    def _upload(self, request: ApiRequest) -> Multipart:
        return self._world.server.read(unquote(request.path.partition("?")[0].split("/")[3]))[0]

    def abort_asked(self, request: ApiRequest) -> None:
        """Only a cancel ends an upload, or takes away an object that is the file as it is now."""
        upload = self._upload(request)
        if upload.file in self.cancelled or upload.name in self._conflicted:
            return
        if upload.name not in self._recorded:
            return  # Create's answer told of another user than the one who has chosen the file
        self.check(not upload.is_open, f"the upload of {upload.file} is aborted, and nobody has cancelled it")
        found = self._world.bucket.objects.get(upload.key)
        mine = found is not None and found.token == upload.token
        self.check(
            not (mine and self._is_file(upload)), f"the object of {upload.file} is removed, and it was whole"
        )

    def _is_file(self, upload: Multipart) -> bool:
        found = self._world.bucket.objects[upload.key]
        return any(disk.name == upload.file and disk.is_now(found.pieces) for disk in self.given)

    def complete_asked(self, request: ApiRequest) -> None:
        self._completing.update(upload.file for upload in self._uploads(request))

    def conflict(self, request: ApiRequest) -> None:
        """The store wants a fresh upload in this one's place."""
        self._conflicted.update(upload.name for upload in self._uploads(request))

    def is_completing(self, file: str) -> bool:
        """Whether Complete has been asked for."""
        return file in self._completing

    def call_answered(self, kind: str, request: ApiRequest, response: HttpResponse, took: float) -> None:
        """``took``: seconds from the question to the answer."""
        world = self._world
        world.tell(f"<-- {kind}: {response.status} {response.text[:90]!r}")
        try:
            body: Any = json.loads(response.text)
        except ValueError:
            body = None
        if response.status != 200 or body is None:
            if response.status != 401 and kind != "probe":
                self.chargeable += count_uploads(request)
            if response.status == 404 and kind == "list" and self._upload(request).ended == "completed":
                world.hit("state: NoSuchUpload after success")
            return
        if kind == "create":
            for row in body["uploads"] if is_about_many(request) else [body]:
                if "uploadId" not in row:
                    continue  # refused
                self._told_at[row["uploadId"]] = self._awake()
                if body["userId"] != ME:
                    self.orphans.add(row["uploadId"])
                self._signed(row["uploadId"], row.get("urls", ["1"]))
        elif kind == "sign":
            self._signed(self._upload(request).name, body["presignedUrls"])
            if took > world.url_lifetime - URL_MARGIN:  # too late to be of use
                self.chargeable += len(body["presignedUrls"])
        elif kind == "who":
            self.is_known_who = "userId" in body
            if body.get("userId") != ME:  # what has just been created is put aside before it is written down
                self.orphans |= self._told_at.keys() - self._recorded.keys()
        elif kind in ("complete", "status"):
            rows = body["uploads"] if is_about_many(request) else [body]
            for upload, row in zip(self._uploads(request), rows, strict=True):
                self._report(upload, row)
        elif kind == "list":
            self._listed(self._upload(request), body)

    def _signed(self, name: str, numbers: Iterable[str]) -> None:
        now, lifetime = self._world.now(), self._world.url_lifetime
        for number in map(int, numbers):
            signed_at = self._waiting_urls.get((name, number))
            if signed_at is not None and now > signed_at + lifetime - URL_MARGIN:
                self._world.hit("state: a signed URL expired in the queue")
            self._waiting_urls[name, number] = now

    def _report(self, upload: Multipart, body: dict[str, Any]) -> None:
        """Whether this answer proves that the object is there, whole and this upload's."""
        found = self._world.bucket.objects.get(upload.key)
        told = (body.get("proof"), body.get("size"))
        checksum = (body.get("checksum") or {}).get("value", "")
        etag = str(body.get("etag")).strip('"')
        is_right = found is not None and (etag == found.etag or (checksum and checksum == found.checksum))
        is_its_own = found is not None and found.token == upload.token and is_right
        if told == (True, upload.size) and (is_its_own or self._was_replaced(upload)):
            self._proved.add(upload.name)
        elif body.get("state") is None:
            self.chargeable += 1

    def _was_replaced(self, upload: Multipart) -> bool:
        """While the answer was on its way, the same file was completed once more at the key that the person has chosen."""
        found = self._world.bucket.objects.get(upload.key)
        others = [
            other
            for other in self._world.bucket.uploads.values()
            if other is not upload and (other.key, other.file) == (upload.key, upload.file)
        ]
        return found is not None and any(found.token == other.token for other in others)

    def _listed(self, upload: Multipart, rows: list[dict[str, Any]]) -> None:
        if upload.ended == "completed":
            self._world.hit("state: ListParts answers after completion")
        if len({row["PartNumber"] for row in rows}) < len(rows):
            self._world.hit("state: a part listed twice")

    # What is written and shown.

    def written(self, record: Mapping[str, Any]) -> None:
        """A session is written down: invariant I7, and whose S3 upload is whose."""
        self.heard(repr(record))
        if record["serverUploadId"]:
            name = record["serverUploadId"].partition("~")[0]
            self._owners[name] = record["uploadId"]
            self._recorded[name] = {number: part.etag for number, part in parts_of(record).items()}

    def heard(self, text: str) -> None:
        """Invariant I7, for whatever leaves the engine."""
        if SECRET in text:
            self.violation(f"I7: a secret is told: {text[:300]}")

    def shown(self, session: Mapping[str, Any]) -> None:
        """A page is shown an upload's state: invariants I1, I2, I5."""
        key, file = session["s3_key"], session["file_name"]
        uploads = [upload for upload in self._world.bucket.uploads.values() if key and upload.key == key]
        if session["status"] == "completed":
            self.check(
                any(upload.name in self._proved for upload in uploads), f"I2: {file} is done, without proof"
            )
            found = self._world.bucket.objects.get(key)
            self.check(found, f"I1: {file} is done, and there is no object")
            known = self.files.get(session["upload_id"])
            disks = [known] if known else [disk for disk in self.given if disk.name == file]
            whole = found is not None and any(disk.is_whole(found.pieces) for disk in disks)
            self.check(whole, f"I1: the object of {file} is not the file: {found}")
            self.finished_keys.add(key)
        elif session["status"] == "cancelled":
            for upload in uploads:
                if upload.name not in self._told_at or self._owner(upload, session) != session["upload_id"]:
                    continue
                self.check(not upload.is_open, f"I5: {file} is cancelled, and its upload is open")
                found = self._world.bucket.objects.get(key)
                mine = found is not None and found.token == upload.token
                self.check(not mine, f"{file} is said to be cancelled, and its object is there")

    def _owner(self, upload: Multipart, session: Mapping[str, Any]) -> str:
        """Whose an S3 upload is. At a key that the app chose there may be several, and only records tell them apart."""
        return self._owners.get(upload.name, session["upload_id"] if "/p/" in upload.key else "")

    def written_before_told(self, session: Mapping[str, Any], record: Mapping[str, Any] | None) -> None:
        """No page sees a part that a crash could make the engine forget."""
        if session["status"] in ("completed", "cancelled") or not session["parts_uploaded"]:
            return
        written = len(parts_of(record)) if record else 0
        self.check(
            written >= session["parts_uploaded"], f"{session['file_name']}: told before it was written down"
        )

    def _awake(self) -> float:
        """Seconds that the browser has been running."""
        return self._world.loop.time() - self._world.loop.jumped

    # Ends.

    def life_ended(self, recorded: set[str], *, forgetful: bool) -> None:
        """A browser has died. ``recorded``: the S3 uploads its storage knows; ``forgetful``: storage was out of order."""
        now = self._awake()
        self._struck_in_flight.clear()
        for (
            name,
            number,
        ), piece in self._acknowledged.items():  # sent anew, and only the older one was written down
            if self._recorded.get(name, {}).get(number, etag_of(piece)) != etag_of(piece):
                self._doubted.add((name, number))
        for name, upload in self._world.bucket.uploads.items():
            if name in recorded or upload.ended in ("aborted", "expired"):
                continue
            told_at = self._told_at.get(name)
            if (
                forgetful
                or told_at is None
                or now - told_at < self.interval + JUST_NOW
                or name in self._conflicted
            ):
                self.orphans.add(name)
            else:
                what = f"the upload {name} of {upload.file} was created and not written down"
                self.check(name in self.orphans or not upload.is_open, what)

    def forget(self, name: str) -> None:
        """A record was damaged: nobody can know of its upload."""
        self.orphans.add(name)

    def the_end(self, recorded: set[str]) -> None:
        """Invariants I1, I4 and I5, when all is over. ``recorded``: what a next life of the browser would still find."""
        self.check(not self.violations, "; ".join(self.violations))
        world = self._world
        left = [
            f"{upload.file} ({upload.name})"
            for upload in world.open_uploads()
            if self._is_known(upload) and upload.name not in recorded
        ]
        self.check(not left, f"I5: left open: {', '.join(left)}")
        for key, found in world.bucket.objects.items():
            upload = next(upload for upload in world.bucket.uploads.values() if upload.token == found.token)
            known = key in self.finished_keys or upload.name in self.orphans | recorded
            self.check(known, f"I4: an object of {upload.file} is there that nobody was told of")

    def _is_known(self, upload: Multipart) -> bool:
        return upload.name in self._told_at and upload.name not in self._conflicted


class WatchedBudget(RetryBudget):
    """The engine's budget of retries, seen by the oracle."""

    def __init__(self, oracle: Oracle) -> None:
        super().__init__()
        self._oracle = oracle

    def charge(self) -> bool:
        self._oracle.charge()
        return super().charge()
