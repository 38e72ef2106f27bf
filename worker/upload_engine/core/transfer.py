"""The parts of one upload: which are stored, on the way, in doubt, resting before another try, or not yet sent."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from upload_engine.core.checksums import is_made_of, is_md5
from upload_engine.core.crc64 import combine_all, from_base64, to_base64
from upload_engine.core.parts import ListedPart, Part, count_parts, part_range, trusted_parts
from upload_engine.core.progress import Progress, SpeedMeter, measure
from upload_engine.core.retry import MIN_PATIENCE, patience
from upload_engine.core.stored import StoredParts

HEDGE_SECONDS = 5.0
"""How often the last parts on the way are looked at."""
HEDGE_LOOKS = 3
"""A part that has not moved for so many looks in a row, and longer than its buffers take to drain, is sent once more.

Looks are counted, not seconds: a machine that slept for an hour has missed one.
"""

NONE: frozenset[int] = frozenset()
"""For all of them: ten thousand empty sets take two megabytes."""


class Flight:
    """A part on its way. ``attempts``: its tries that are under way and the bytes each has handed to the network."""

    __slots__ = ("attempts", "hedged", "idle_looks", "seen", "started_at")

    def __init__(self, attempt: int, started_at: float) -> None:
        self.attempts = {attempt: 0}
        self.started_at = started_at
        self.seen = 0
        self.idle_looks = 0
        self.hedged = False

    @property
    def sent(self) -> int:
        return max(self.attempts.values())


@dataclass(frozen=True, slots=True)
class Sending:
    """A part that is about to be sent; see ``effects.UploadPart``."""

    part_number: int
    offset: int
    size: int
    step_seconds: float | None


class Transfer:
    """Sizes are bytes. A part number is in exactly one place: stored, in flight, in doubt, unsent, or resting elsewhere.

    ``has_opaque_etags``: the store's ETags are no checksums, whatever they look like; ``keeps_checksum``: it keeps the CRC-64/NVME
    of the whole object; ``is_whole``: its one part is stored as the
    object itself; ``in_doubt`` holds the parts that had no answer, until the server
    has looked.
    """

    __slots__ = (
        "_meter",
        "_sendings",
        "_shown_bytes",
        "_signed_anew",
        "_stuck",
        "_tries",
        "_unheard",
        "_unsent",
        "_usual_speed",
        "_verified",
        "file_size",
        "has_opaque_etags",
        "in_doubt",
        "in_flight",
        "is_whole",
        "keeps_checksum",
        "part_size",
        "stored",
    )

    def __init__(self, file_size: int, part_size: int) -> None:
        self.file_size = file_size
        self.part_size = part_size
        self.has_opaque_etags = False
        self.keeps_checksum = False
        self.is_whole = False
        self.stored = StoredParts()
        self.in_flight: dict[int, Flight] = {}
        self.in_doubt: frozenset[int] = (
            frozenset()
        )  # a set takes half as much as all the rest of an upload that waits
        self._unsent: list[int] = []
        self._stuck: int | None = None
        self._unheard = NONE
        self._verified: set[int] = set()
        self._tries: dict[int, int] = {}
        self._sendings: dict[int, int] = {}
        self._signed_anew: dict[int, int] = {}
        self._meter = SpeedMeter()
        self._usual_speed = 0.0
        self._shown_bytes = 0

    @property
    def total_parts(self) -> int:
        return count_parts(self.file_size, self.part_size)

    @property
    def complete(self) -> bool:
        """Every part is stored."""
        return len(self.stored) == self.total_parts

    @property
    def requests(self) -> int:
        """How many are under way; a part that is stuck may have two."""
        return sum(len(flight.attempts) for flight in self.in_flight.values())

    @property
    def largest_part(self) -> int:
        return min(self.part_size, self.file_size)

    @property
    def was_sent(self) -> bool:
        """A request for a part of it was begun, in this life."""
        return bool(self._sendings)

    def unsent(self) -> list[int]:
        """The part numbers that wait for a request, lowest first."""
        return sorted(self._unsent)

    def has_next(self) -> bool:
        """There is a part to start: one that was not sent yet, or one that is stuck."""
        return bool(self._unsent) or self._stuck is not None

    def makes(self, etag: str) -> bool:
        """Whether an object with this ETag is the stored parts, as far as ETags tell."""
        if not self.complete or self.has_opaque_etags:
            return True
        part_etags = [part.etag for part in self.stored.values()]
        return not all(map(is_md5, part_etags)) or is_made_of(etag, part_etags)

    @property
    def checksum(self) -> str:
        """The CRC-64/NVME of the whole file, in base64, from those of its parts; "" while one of them is not known."""
        if not self.complete or not all(part.crc64nvme for part in self.stored.values()):
            return ""
        parts = self.stored.values()
        return to_base64(combine_all((from_base64(part.crc64nvme), part.size) for part in parts))

    def unverified(self) -> tuple[tuple[int, Part], ...]:
        """The stored parts, by number, whose bytes have not been compared with the file's that is at hand."""
        return tuple(
            (number, part)
            for number, part in self.stored.items()
            if number not in self._verified
            and (self.keeps_checksum or part.crc64nvme or self.tells_bytes(part.etag))
        )

    def is_acknowledged(self) -> bool:
        """Each stored part was once acknowledged to us; none is known from the store's list alone."""
        return not self._unheard & self.stored.keys()

    def unheard(self, numbers: Iterable[int]) -> list[int]:
        """Which of these stored parts are known from the store's list alone, and never had an answer."""
        return [number for number in numbers if number in self._unheard]

    def state_of(self, part_number: int) -> str:
        """One letter: "s" stored, "f" under way, "d" in doubt, "w" waiting for a request, "r" for another try; a capital when it

        was sent more than once.
        """
        if part_number in self.stored:
            state = "s"
        elif part_number in self.in_flight:
            state = "f"
        elif part_number in self.in_doubt:
            state = "d"
        else:
            state = "r" if self._tries.get(part_number) else "w"
        return state.upper() if self._sendings.get(part_number, 0) > 1 else state

    def speed(self, now: float) -> float:
        """Bytes per second over the last seconds; 0.0 while unknown."""
        return self._meter.speed(now)

    def patience(self, size: int, at_least: float = MIN_PATIENCE) -> float:
        """Seconds that a part on its way may show no movement: see ``retry.patience``."""
        return patience(size, self._usual_speed, at_least)

    def tells_bytes(self, etag: str) -> bool:
        """Whether a part's ETag is the MD5 of its bytes."""
        return not self.has_opaque_etags and is_md5(etag)

    def progress(self, now: float, *, sending: bool, completed: bool) -> Progress:
        """Stored parts plus what is on the way. Never runs backwards, whatever has to be sent again."""
        self._shown_bytes = max(self._shown_bytes, self._sent_bytes())
        speed = self._meter.speed(now) if sending else 0.0
        return measure(self._shown_bytes, self.file_size, speed, completed=completed)

    def is_current(self, part_number: int, attempt: int) -> bool:
        flight = self.in_flight.get(part_number)
        return flight is not None and attempt in flight.attempts

    # What changes it.

    def plan(self, now: float) -> None:
        """Everything that is not stored is to be sent."""
        self._unsent = [number for number in range(1, self.total_parts + 1) if number not in self.stored]
        self._meter.reset()
        self._meter.add(now, self._sent_bytes())

    def trust(self, listed: tuple[ListedPart, ...]) -> None:
        """Keep just what the store's list confirms."""
        trusted = trusted_parts(list(listed), self.stored, self.file_size, self.part_size)
        self._unheard = frozenset(
            number for number in trusted if number in self._unheard or number not in self.stored
        )
        self._verified &= self.stored.keys() & trusted.keys()
        self.stored.replace(trusted)

    def forget_stored(self) -> None:
        """The store has nothing of it: everything is to be sent."""
        self.stored.replace({})

    def doubt_all(self) -> None:
        """Another file is at hand: what is stored has to be compared with it."""
        self._verified.clear()

    def doubt_checksums(self) -> None:
        """The store has other bytes than we believe: what it has is compared anew, by its own checksums."""
        self.doubt_all()
        if self.has_opaque_etags:
            self.forget_stored()
        self.stored.replace({number: replace(part, crc64nvme="") for number, part in self.stored.items()})

    def confirm(self, checked: Mapping[int, str], differing: Iterable[int]) -> None:
        """The ``checked`` parts were compared with the file, whose CRC-64/NVME is told with each, or ""; those

        ``differing`` are to be sent again.
        """
        self._verified |= checked.keys()
        for number, crc64nvme in checked.items():
            self.stored.put(number, replace(self.stored[number], crc64nvme=crc64nvme))
        self._unheard -= self._verified
        for number in differing:
            self._verified.discard(number)
            self.stored.drop(number)

    def start_next(self, attempt: int, now: float, line_speed: float = 0.0) -> Sending:
        """The lowest unsent part, now in flight; or the stuck one, of which that is another try.

        line_speed: what such a request may expect while nothing was measured here, in bytes per second; 0.0: unknown.
        """
        if self._unsent:
            number = heapq.heappop(self._unsent)
            offset, size = part_range(number, self.file_size, self.part_size)
            self.in_flight[number] = Flight(attempt, now)
            speed = self._meter.speed(now) or line_speed
        else:
            assert self._stuck is not None, "has_next was asked before"
            number, self._stuck = self._stuck, None
            offset, size = part_range(number, self.file_size, self.part_size)
            self.in_flight[number].attempts[attempt] = 0
            speed = 0.0  # what is stuck is watched
        self._sendings[number] = self._sendings.get(number, 0) + 1
        return Sending(number, offset, size, size / speed if speed else None)

    def progressed(self, part_number: int, attempt: int, sent: int, now: float) -> None:
        flight = self.in_flight[part_number]
        flight.attempts[attempt] = max(flight.attempts[attempt], sent)
        self._meter.add(now, self._sent_bytes())

    def landed(self, part_number: int, attempt: int, etag: str, now: float, crc64nvme: str = "") -> list[int]:
        """The store has acknowledged the part; returns the attempts at it that are of no use any more."""
        flight = self.in_flight.pop(part_number)
        if self._stuck == part_number:
            self._stuck = None
        if now > flight.started_at:
            size = part_range(part_number, self.file_size, self.part_size)[1]
            self._usual_speed = size / (now - flight.started_at)
        self._store(part_number, etag, crc64nvme)
        self._tries.pop(part_number, None)
        self._signed_anew.pop(part_number, None)
        self._verified.add(part_number)
        self._unheard -= {part_number}
        self._meter.add(now, self._sent_bytes())
        return [other for other in flight.attempts if other != attempt]

    def lost(self, part_number: int, attempt: int) -> bool:
        """One attempt has failed; True when it was the last one, and the part is not on its way any more."""
        flight = self.in_flight[part_number]
        del flight.attempts[attempt]
        if flight.attempts:
            return False
        del self.in_flight[part_number]
        if self._stuck == part_number:
            self._stuck = None
        return True

    def settle_doubts(self, listed: tuple[ListedPart, ...]) -> list[int]:
        """The server has looked: which parts in doubt it does not have. The others are stored, but not verified."""
        doubtful, self.in_doubt = sorted(self.in_doubt), NONE
        rows = [part for part in listed if part.part_number in doubtful]
        found = trusted_parts(rows, {}, self.file_size, self.part_size)
        for number, part in found.items():
            self._store(number, part.etag)
            self._unheard |= {number}
        return [number for number in doubtful if number not in found]

    def give_back(self, part_number: int) -> None:
        """The part is to be sent again as soon as there is a request for it."""
        heapq.heappush(self._unsent, part_number)

    def find_stuck(self, now: float) -> None:
        """Look at the last parts on the way; the one that has not moved for too long is sent once more. See above."""
        for number, flight in self.in_flight.items():
            flight.idle_looks = flight.idle_looks + 1 if flight.sent == flight.seen else 0
            flight.seen = flight.sent
            if flight.hedged or not self._usual_speed or self._unsent or self._stuck is not None:
                continue
            size = part_range(number, self.file_size, self.part_size)[1]
            drained = self.patience(size, at_least=HEDGE_LOOKS * HEDGE_SECONDS)
            late = now - flight.started_at > 3 * size / self._usual_speed
            if flight.idle_looks * HEDGE_SECONDS >= drained and late:
                flight.hedged = True
                self._stuck = number

    def count_try(self, part_number: int) -> int:
        """One more failure that is charged; returns how many."""
        self._tries[part_number] = self._tries.get(part_number, 0) + 1
        return self._tries[part_number]

    def count_signed_anew(self, part_number: int) -> int:
        """One more refused signature; returns how many."""
        self._signed_anew[part_number] = self._signed_anew.get(part_number, 0) + 1
        return self._signed_anew[part_number]

    def forgive(self) -> None:
        """Forget the failures counted so far."""
        self._tries.clear()
        self._signed_anew.clear()

    def stop(self) -> None:
        """Nothing is on the way any more."""
        self.in_flight.clear()
        self.in_doubt = NONE
        self._stuck = None
        self._meter.reset()

    def _store(self, part_number: int, etag: str, crc64nvme: str = "") -> None:
        size = part_range(part_number, self.file_size, self.part_size)[1]
        self.stored.put(part_number, Part(etag, size, crc64nvme))

    def _sent_bytes(self) -> int:
        """Summed from the parts."""
        return self.stored.bytes + sum(flight.sent for flight in self.in_flight.values())
