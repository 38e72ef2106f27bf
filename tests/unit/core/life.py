"""One session in a test's hands: it is told events, and says what it wants done."""

from __future__ import annotations

import hashlib
import random

from upload_engine.core import effects as fx
from upload_engine.core import events as e
from upload_engine.core.checksums import multipart_etag
from upload_engine.core.errors import NetworkFault, ServiceFault, UploadFault
from upload_engine.core.facts import UploadFacts
from upload_engine.core.fingerprint import Fingerprint
from upload_engine.core.parts import ListedPart, Part
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session import Effects, Session
from upload_engine.core.states import Phase

ID = "u1"
PRINT = Fingerprint("a.bin", 25, 7, "sample")
ETAG = {number: hashlib.md5(bytes([number]), usedforsecurity=False).hexdigest() for number in (1, 2, 3)}
PART = {number: Part(ETAG[number], 5 if number == 3 else 10) for number in (1, 2, 3)}
OBJECT = multipart_etag(ETAG.values()) or ""
PROOF = e.ObjectReport(25, OBJECT, True)
SAVE, STOP, DELETE = fx.SaveSession(ID), fx.AbortRequests(ID), fx.DeleteSession(ID)
NETWORK, BROKEN, DENIED = NetworkFault(), ServiceFault(500), ServiceFault(403, "AccessDenied")
BUSY = ServiceFault(503, "SlowDown")
GONE = ServiceFault(404, "NoSuchUpload")


class Highest(random.Random):
    """The unluckiest jitter."""

    def random(self) -> float:
        return 1.0


class Life:
    """A session of three parts and the names of its attempts, so that a test reads like a story.

    ``asked`` is the attempt of the last request that the session wanted, ``parts`` that of each part on its way.
    """

    def __init__(
        self, *, has_file: bool = True, max_retries: int = 3, rng: random.Random | None = None
    ) -> None:
        facts = UploadFacts(ID, "p", "me", "", "a/b", PRINT, 1_000)
        self.policy = RetryPolicy(rng or random.Random(1), max_retries)
        self.session = Session(facts, 10, self.policy, has_file=has_file)
        self.now = 0.0
        self.asked = 0
        self.parts: dict[int, int] = {}

    @property
    def phase(self) -> str:
        return str(self.session.phase)

    @property
    def error_words(self) -> str:
        """All that the person is told."""
        error = self.session.error
        return f"{error.type}: {error.message} {error.recovery}" if error else ""

    def tell(self, event: e.Event) -> Effects:
        self.now += 1.0
        effects = self.session.handle(event, self.now)
        for effect in effects:
            if isinstance(effect, fx.Request):
                self.asked = effect.attempt
        return effects

    def kinds(self, event: e.Event) -> list[type[fx.Effect]]:
        return [type(effect) for effect in self.tell(event)]

    def created(self) -> e.UploadCreated:
        return e.UploadCreated(ID, self.asked, "server-1", "me/a.bin", "b", 10, "me")

    def begin(self) -> None:
        """Up to the first part."""
        self.tell(e.SlotGranted(ID))
        self.tell(self.created())

    def send(self, *numbers: int) -> None:
        for number in numbers:
            part = self.session.next_part(self.now)
            assert part.part_number == number
            self.parts[number] = part.attempt

    def landed(self, number: int) -> Effects:
        return self.tell(e.PartUploaded(ID, self.parts[number], number, ETAG[number]))

    def failed(self, number: int, fault: UploadFault) -> Effects:
        return self.tell(e.PartFailed(ID, self.parts[number], number, fault))

    def control_failed(self, fault: UploadFault) -> Effects:
        return self.tell(e.ControlFailed(ID, self.asked, fault))

    def listed(self, *numbers: int) -> Effects:
        """The store's list has just these parts."""
        return self.tell(e.PartsListed(ID, self.asked, listed(*numbers)))

    def checked(self, *differing: int) -> Effects:
        """The file is the same, but for the parts named."""
        compared = {number: "" for number, _ in self.session.transfer.unverified()}
        return self.tell(e.FileChecked(ID, self.asked, differing, compared))

    def fire(self) -> Effects:
        """The timer that was armed last."""
        return self.tell(e.TimerFired(ID, self.asked))

    def resume(self) -> None:
        """Up to the store's list."""
        self.tell(e.PauseRequested(ID))
        self.tell(e.ResumeRequested(ID))
        assert self.kinds(e.SlotGranted(ID)) == [fx.ListParts]

    def finalise(self) -> None:
        """Up to Complete under way."""
        self.finalise_unchecked()
        self.checked()

    def finalise_unchecked(self) -> None:
        """Up to the last look at the file."""
        self.begin()
        self.send(1, 2, 3)
        for number in (1, 2, 3):
            self.landed(number)
        assert self.phase == Phase.FINALISING


def listed(*numbers: int) -> tuple[ListedPart, ...]:
    return tuple(ListedPart(number, PART[number].etag, PART[number].size) for number in numbers)


def kinds(effects: Effects) -> list[type[fx.Effect]]:
    return [type(effect) for effect in effects]
