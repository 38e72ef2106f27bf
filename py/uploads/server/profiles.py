"""The kinds of S3 stores, and what is known of each before it is asked. What a probe finds (`abilities`) goes before it.

Sources: measured on SeaweedFS 4.48, Ceph 16.2 and Swift 2.38. R2: Cloudflare's documentation, "S3 API compatibility" and
"Presigned URLs" (POST by forms is not supported; all parts but the last are of one size). B2: Backblaze's documentation,
"S3-Compatible API", supported calls (there is no POST Object; `x-amz-checksum-*` is refused).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Profile:
    """`lacks`: names of abilities that a store of this kind is known not to have."""

    name: str
    lacks: frozenset[str] = frozenset()


PROFILES = {
    one.name: one
    for one in (
        Profile("aws"),
        Profile("ceph", frozenset({"checksums", "conditionalComplete"})),
        Profile("seaweedfs"),
        Profile("swift", frozenset({"forms"})),
        Profile("minio", frozenset({"checksums", "conditionalComplete"})),
        Profile("r2", frozenset({"forms"})),
        Profile("b2", frozenset({"forms", "checksums"})),
        Profile("unknown"),
    )
}
_HOSTS = {
    "amazonaws.com": "aws",
    "amazonaws.com.cn": "aws",
    "r2.cloudflarestorage.com": "r2",
    "backblazeb2.com": "b2",
}
_SERVERS = {"AmazonS3": "aws", "SeaweedFS": "seaweedfs", "MinIO": "minio", "Ceph": "ceph"}


def recognise(endpoint: str | None, headers: Mapping[str, str]) -> Profile:
    """The kind of store by its address (`None` is AWS) and by the headers of any answer of its (names in lower case)."""
    host = (urlsplit(endpoint).hostname or "") if endpoint else "amazonaws.com"
    for suffix, name in _HOSTS.items():
        if host == suffix or host.endswith(f".{suffix}"):
            return PROFILES[name]
    server = headers.get("server", "")
    for start, name in _SERVERS.items():
        if server.startswith(start):
            return PROFILES[name]
    request_id = headers.get("x-amz-request-id", "")
    if headers.get("x-trans-id", "").startswith("tx"):
        return PROFILES["swift"]  # its middleware "catch_errors" gives every answer one
    if request_id.startswith("tx") and request_id.count("-") >= 2:
        return PROFILES["ceph"]  # tx…-…-zone
    return PROFILES["unknown"]
