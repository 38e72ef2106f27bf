"""The parts of one upload: which are stored, on the way, resting before another try, or not yet sent."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from upload_engine.core.checksums import multipart_etag
from upload_engine.core.parts import ListedPart, Part, count_parts, part_range, trusted_parts
from upload_engine.core.progress import Progress, SpeedMeter, measure


@dataclass(slots=True)
class Flight:
    """A part on its way: which attempt, and how many of its bytes have been handed to the network."""

    attempt: int
    sent: int = 0


class Transfer:
    """Sizes are bytes. A part number is in exactly one place: stored, in flight, unsent, or resting elsewhere.

    ``revision`` grows whenever ``stored`` changes.
    """

    def __init__(self, file_size: int, part_size: int) -> None:
        self.file_size = file_size
        self.part_size = part_size
        self.stored: dict[int, Part] = {}
        self.revision = 0
        self.in_flight: dict[int, Flight] = {}
        self._unsent: list[int] = []
        self._tries: dict[int, int] = {}
        self._signed_anew: dict[int, int] = {}
        self._meter = SpeedMeter()
        self._shown_bytes = 0

    @property
    def total_parts(self) -> int:
        return count_parts(self.file_size, self.part_size)

    @property
    def complete(self) -> bool:
        """Every part is stored."""
        return len(self.stored) == self.total_parts

    def unsent(self) -> list[int]:
        """The part numbers that wait for a request, lowest first."""
        return sorted(self._unsent)

    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def etag(self) -> str | None:
        """What the object's ETag must be; None while parts are missing or where ETags are no checksums."""
        if not self.complete:
            return None
        return multipart_etag(part.etag for _, part in sorted(self.stored.items()))

    def progress(self, now: float, *, sending: bool, completed: bool) -> Progress:
        """Stored parts plus what is on the way. Never runs backwards, whatever has to be sent again."""
        self._shown_bytes = max(self._shown_bytes, self._sent_bytes())
        speed = self._meter.speed(now) if sending else 0.0
        return measure(self._shown_bytes, self.file_size, speed, completed=completed)

    def is_current(self, part_number: int, attempt: int) -> bool:
        flight = self.in_flight.get(part_number)
        return flight is not None and flight.attempt == attempt

    # What changes it.

    def plan(self, now: float) -> None:
        """Everything that is not stored is to be sent."""
        self._unsent = [number for number in range(1, self.total_parts + 1) if number not in self.stored]
        self._meter.reset()
        self._meter.add(now, self._sent_bytes())

    def trust(self, listed: tuple[ListedPart, ...]) -> None:
        """Keep just what the store's list confirms."""
        self.revision += 1
        self.stored = trusted_parts(list(listed), self.stored, self.file_size, self.part_size)

    def forget_stored(self) -> None:
        """The store has nothing of it: everything is to be sent."""
        self.revision += 1
        self.stored.clear()

    def start_next(self, attempt: int, now: float) -> tuple[int, int, int, float | None]:
        """``(part number, offset, size, expected seconds or None)`` of the lowest unsent part, now in flight."""
        number = heapq.heappop(self._unsent)
        offset, size = part_range(number, self.file_size, self.part_size)
        self.in_flight[number] = Flight(attempt)
        speed = self._meter.speed(now) / len(self.in_flight)
        return number, offset, size, size / speed if speed else None

    def progressed(self, part_number: int, sent: int, now: float) -> None:
        flight = self.in_flight[part_number]
        flight.sent = max(flight.sent, sent)
        self._meter.add(now, self._sent_bytes())

    def landed(self, part_number: int, etag: str, now: float) -> None:
        """The store has acknowledged the part."""
        del self.in_flight[part_number]
        self.revision += 1
        self.stored[part_number] = Part(etag, part_range(part_number, self.file_size, self.part_size)[1])
        self._tries.pop(part_number, None)
        self._signed_anew.pop(part_number, None)
        self._meter.add(now, self._sent_bytes())

    def rest(self, part_number: int) -> None:
        """The part failed and waits for its timer; ``give_back`` ends that."""
        del self.in_flight[part_number]

    def give_back(self, part_number: int) -> None:
        """The part is to be sent again as soon as there is a request for it."""
        self.in_flight.pop(part_number, None)
        heapq.heappush(self._unsent, part_number)

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
        self._meter.reset()

    def _sent_bytes(self) -> int:
        stored = sum(part.size for part in self.stored.values())
        return stored + sum(flight.sent for flight in self.in_flight.values())
