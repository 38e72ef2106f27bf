"""How a file is recognised when a person picks it again: name, size, date and a sample of its bytes.

Reading all of a large file takes minutes, a sample a few milliseconds; the date (and, part by part, the checksums)
guard what the sample does not cover.
"""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_SIZE = 64 * 1024
"""Bytes per sampled range."""
SAMPLES = 9
"""Ranges spread evenly over the file, the first at its start and the last at its end."""


def sample_ranges(size: int) -> list[tuple[int, int]]:
    """The byte ranges ``(offset, length)`` to hash, in order; a small file is taken whole."""
    if size <= SAMPLE_SIZE * SAMPLES:
        return [(0, size)]
    last = size - SAMPLE_SIZE
    return [(last * index // (SAMPLES - 1), SAMPLE_SIZE) for index in range(SAMPLES)]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What one file looked like. size in bytes, last_modified in milliseconds since 1970, sample in hexadecimal."""

    name: str
    size: int
    last_modified: int
    sample: str

    def difference(self, other: Fingerprint) -> str:
        """Why ``other`` is not this file, as the end of a sentence for people; "" when it is."""
        if self.name != other.name:
            return f"it is called “{other.name}”, not “{self.name}”"
        if self.size != other.size:
            return f"it has {other.size:,} bytes, the upload began with {self.size:,}"
        if self.sample != other.sample:
            return "its content is different"
        if self.last_modified != other.last_modified:
            return "it has been changed since the upload began"
        return ""
