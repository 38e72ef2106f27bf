"""What an upload took, for people who want to know: bytes, retries, signing calls, and how its speed went.

Fed with what begins and what comes of it; decides nothing. Times are seconds on the engine's clock, sizes bytes.
"""

from __future__ import annotations

from typing import Any

from upload_engine.core import events as e

FIRST_STEP = 1.0
MOST_SAMPLES = 240
"""When there are more, each two become one, and samples are taken half as often: the plot of an hour has as many."""

LARGEST = 2**53 - 1
"""What a record may say of anything: what JSON carries exactly."""
_FRACTIONS = ("seconds", "peak_speed")

Sample = tuple[float, float, int, int]
"""Seconds since the upload began, bytes per second since the sample before, requests under way, retries so far."""


class Figures:
    """``seconds``: in which parts were under way; ``sent_bytes``: of parts that the store has acknowledged; ``resent_bytes``:

    that went onto the network in vain.
    """

    __slots__ = (
        "_began",
        "_busy_since",
        "_sampled",
        "_step",
        "_under_way",
        "parts",
        "peak_speed",
        "resent_bytes",
        "retries",
        "samples",
        "seconds",
        "sent_bytes",
        "signing_calls",
    )

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sent_bytes = 0
        self.resent_bytes = 0
        self.parts = 0
        self.retries = 0
        self.signing_calls = 0
        self.peak_speed = 0.0
        self.samples: list[Sample] = []
        self._under_way: dict[tuple[int, int], int] = {}  # bytes on the network, by part and attempt
        self._busy_since = 0.0
        self._step = FIRST_STEP
        self._sampled: tuple[float, int] | None = None

    def started(self, part_number: int, attempt: int, now: float) -> None:
        """A request for a part is on its way."""
        self.look(now)
        if not self._under_way:
            self._busy_since = now
        self._under_way[part_number, attempt] = 0

    def happened(
        self, event: e.PartProgressed | e.PartUploaded | e.PartFailed, size: int, now: float
    ) -> None:
        """Something came of it; ``size``: of the part that it is about. What was given up before counts no more."""
        number, attempt = event.part_number, event.attempt
        if (number, attempt) not in self._under_way:
            return
        if isinstance(event, e.PartProgressed):
            self._under_way[number, attempt] = event.sent
        else:
            sent = self._ended(number, attempt, now)
            if isinstance(event, e.PartUploaded):
                self.sent_bytes += size
                self.parts += 1
            else:
                self.resent_bytes += sent
                self.retries += 1
        self.look(now)

    def stopped(self, now: float) -> None:
        """Whatever is under way was given up."""
        for number, attempt in list(self._under_way):
            self.resent_bytes += self._ended(number, attempt, now)

    def aborted(self, attempt: int, now: float) -> None:
        """Another request for the same part was faster."""
        for number, other in list(self._under_way):
            if other == attempt:
                self.resent_bytes += self._ended(number, other, now)

    def _ended(self, number: int, attempt: int, now: float) -> int:
        """How many bytes of it were on the network."""
        sent = self._under_way.pop((number, attempt))
        if not self._under_way:
            self.seconds += now - self._busy_since
        return sent

    def busy_seconds(self, now: float) -> float:
        """``seconds``, up to now."""
        return self.seconds + (now - self._busy_since if self._under_way else 0.0)

    def look(self, now: float) -> None:
        """Take a sample, if it is time for one."""
        total = self.sent_bytes + sum(self._under_way.values())
        if self._sampled is None:
            self._sampled = (now, total)
            self._began = now
            return
        before, bytes_before = self._sampled
        if now - before < self._step:
            return
        speed = max(0, total - bytes_before) / (now - before)
        self.peak_speed = max(self.peak_speed, speed)
        self.samples.append((now - self._began, speed, len(self._under_way), self.retries))
        self._sampled = (now, total)
        if len(self.samples) > MOST_SAMPLES:
            self._thin_out()

    def _thin_out(self) -> None:
        pairs = zip(self.samples[::2], self.samples[1::2], strict=False)
        self.samples = [
            (late[0], (early[1] + late[1]) / 2, max(early[2], late[2]), late[3]) for early, late in pairs
        ]
        self._step *= 2

    def summary(self, now: float) -> dict[str, Any]:
        """The protocol's ``FIGURES``."""
        seconds = self.busy_seconds(now)
        mean = self.sent_bytes / seconds if seconds else 0.0
        return {
            "seconds": round(seconds, 3),
            "sent_bytes": self.sent_bytes,
            "resent_bytes": self.resent_bytes,
            "parts": self.parts,
            "retries": self.retries,
            "signing_calls": self.signing_calls,
            "mean_speed": round(mean, 1),
            "peak_speed": round(max(self.peak_speed, mean), 1),  # of a quick upload no sample was taken
        }

    _KEPT = ("seconds", "sent_bytes", "resent_bytes", "parts", "retries", "signing_calls", "peak_speed")

    def to_record(self) -> dict[str, Any]:
        """What of it outlives the engine; how the speed went does not."""
        return {name: getattr(self, name) for name in self._KEPT}

    def restore(self, record: Any) -> None:
        """Go on counting from what was stored; what is not a record of it counts from nothing."""
        values: list[Any] = [record.get(name) for name in self._KEPT] if isinstance(record, dict) else [None]
        if all(isinstance(value, int | float) and 0 <= value <= LARGEST for value in values):
            for name, value in zip(self._KEPT, values, strict=True):
                setattr(self, name, value if name in _FRACTIONS else int(value))
