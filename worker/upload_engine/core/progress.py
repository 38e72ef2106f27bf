"""How far an upload is and how fast: absolute sums of the parts, never deltas."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_SECONDS = 8.0
"""Speed is the mean over the last seconds: long enough to be calm, short enough to be true."""
MIN_WINDOW_SECONDS = 0.5
SAMPLE_SECONDS = 0.1
NOT_YET_COMPLETE = 99.9
"""Percent shown at the most before the upload is proved complete."""


@dataclass(frozen=True, slots=True)
class Progress:
    """percent: 0–100; bytes; speed: bytes per second; seconds_left: None while unknown."""

    percent: float
    uploaded_bytes: int
    total_bytes: int
    speed: float
    seconds_left: float | None


class SpeedMeter:
    """Bytes per second over a sliding window of ``(time, total bytes sent)`` samples."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: list[tuple[float, int]] = []

    def reset(self) -> None:
        """Forget the past: what comes next has nothing to do with it."""
        self._samples.clear()

    def add(self, now: float, total: int) -> None:
        """``total`` may fall (a part is sent again); then measuring begins anew from there."""
        samples = self._samples
        if samples and total < samples[-1][1]:
            samples.clear()
        if len(samples) > 1 and now - samples[-2][0] < SAMPLE_SECONDS:
            samples.pop()
        samples.append((now, total))
        while len(samples) > 2 and now - samples[1][0] >= WINDOW_SECONDS:
            del samples[0]

    def speed(self, now: float) -> float:
        """Bytes per second; 0.0 while too little is known."""
        if not self._samples:
            return 0.0
        begin, first = self._samples[0]
        elapsed = now - begin
        return (self._samples[-1][1] - first) / elapsed if elapsed >= MIN_WINDOW_SECONDS else 0.0


def measure(uploaded: int, total: int, speed: float, *, completed: bool) -> Progress:
    """Put the figures together. A hundred percent means completed, and nothing else does."""
    if completed:
        return Progress(100.0, total, total, 0.0, 0.0)
    percent = min(uploaded / total * 100, NOT_YET_COMPLETE) if total else 0.0
    left = (total - uploaded) / speed if speed > 0 else None
    return Progress(percent, uploaded, total, speed, left)
