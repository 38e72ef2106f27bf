"""The checksums by which stores know bytes: of a part, and of an object from those of its parts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Checksums:
    """Of the same bytes: ``md5`` in hexadecimal, as an ETag has it; ``crc64nvme`` in base64; "" where it was not asked for."""

    md5: str = ""
    crc64nvme: str = ""


_MD5 = re.compile(r"[0-9a-f]{32}")


def is_md5(etag: str) -> bool:
    """Whether a part's ETag is the MD5 of its bytes: a store that encrypts with keys of its own gives others."""
    return bool(_MD5.fullmatch(etag))


def tells_parts(etag: str) -> bool:
    """Whether an object's ETag tells its bytes, given the MD5 of each part: its own MD5, or one of MD5s."""
    return bool(re.fullmatch(r"[0-9a-f]{32}(-\d+)?", etag))


def parts_told_by(etag: str) -> int:
    """Of how many parts an object was made, by an ETag that ``tells_parts``."""
    return int(etag.partition("-")[2] or 1)


def multipart_etag(part_etags: Iterable[str]) -> str | None:
    """``md5(md5 of each part)-N``, from the parts' ETags in order; None when an ETag is no MD5 (SSE-KMS, SSE-C).

    Source: Amazon S3 API Reference, "Object: ETag"; measured alike on SeaweedFS, Ceph and Swift.
    """
    etags = [etag.strip('"').lower() for etag in part_etags]
    if not all(map(is_md5, etags)):
        return None
    joined = b"".join(bytes.fromhex(etag) for etag in etags)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(etags)}"


def is_made_of(etag: str, part_etags: Sequence[str]) -> bool:
    """Whether an object with this ETag has the bytes of these parts, in order: put together, or stored whole if it is one."""
    return etag == multipart_etag(part_etags) or [etag] == list(part_etags)
