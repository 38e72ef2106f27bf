"""How a file is recognised when a person picks it again: name, size, date and a sample of its bytes.

Reading all of a large file takes minutes, a sample a few milliseconds; the date (and, part by part, the checksums)
guard what the sample does not cover.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from upload_engine.core.limits import READ_AT_ONCE

SAMPLE_SIZE = 64 * 1024
"""Bytes per sampled range."""
SAMPLES = 9
"""Ranges spread evenly over the file, the first at its start and the last at its end."""


def sample_ranges(size: int) -> list[tuple[int, int]]:
    """The byte ranges ``(offset, length)`` to look at, in order."""
    if size <= SAMPLE_SIZE * SAMPLES:
        return [(0, size)]
    last = size - SAMPLE_SIZE
    return [(last * index // (SAMPLES - 1), SAMPLE_SIZE) for index in range(SAMPLES)]


def is_taken_whole(size: int) -> bool:
    """Whether all bytes of such a file are its sample: reading them costs no more than reading nine pieces."""
    return size <= READ_AT_ONCE


def sample_of(size: int, content: bytes) -> str:
    """The sample, in hexadecimal, of a file of so many bytes.

    content: all of it if it ``is_taken_whole``, of which the MD5 is wanted for its ETag as well; else its ``sample_ranges``, one
    after the other, of which it is the SHA-256.
    """
    if is_taken_whole(size):
        return hashlib.md5(content, usedforsecurity=False).hexdigest()
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What one file looked like. size in bytes, last_modified in milliseconds since 1970, sample in hexadecimal.

    An upload that was found again on the server alone has the ``unknown`` one: a name, as keys spell it.
    """

    name: str
    size: int
    last_modified: int
    sample: str

    @classmethod
    def unknown(cls, name: str) -> Fingerprint:
        return cls(name, 0, 0, "")

    @property
    def is_known(self) -> bool:
        return bool(self.sample)

    def difference(self, other: Fingerprint) -> str:
        """Why ``other`` is not this file, as the end of a sentence for people; "" when it is."""
        if not self.is_known and _spelling(self.name) == _spelling(other.name):
            return ""
        if self.name != other.name:
            return f"it is called “{other.name}”, not “{self.name}”"
        if self.size != other.size:
            return f"it has {other.size:,} bytes, the upload began with {self.size:,}"
        if self.sample != other.sample:
            return "its content is different"
        if self.last_modified != other.last_modified:
            return "it has been changed since the upload began"
        return ""


def _spelling(name: str) -> str:
    """What a name and the last step of the key made from it have in common; keys cut long names."""
    return "".join(char for char in name.lower() if char.isalnum())[:80]
