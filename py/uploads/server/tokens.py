"""The opaque upload id: a signed token that binds an upload to its user, its key and its sizes.

Stateless: any replica with the same secret can read it. Pure but for the time, which is an argument.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from itsdangerous import BadData, URLSafeSerializer

_VERSION = 1
_REMEMBERED = 4096  # ids that need not be read again


@dataclass(frozen=True)
class Upload:
    """What an upload id stands for. Sizes in bytes; `None` where the client did not tell.

    `proof` is the token that its object has to have; of an upload that was found again by its key alone it may be one of
    several, with spaces between them, or "" when it is not known. `headers`: of a file that is sent whole, as one object and
    without a multipart upload, what its object carries; its `s3_upload_id` is "".
    """

    user: str
    key: str
    s3_upload_id: str
    size: int | None
    part_size: int | None
    proof: str
    headers: Mapping[str, str] | None = None

    @property
    def is_whole(self) -> bool:
        return self.headers is not None


class Tokens:
    """Makes and reads upload ids."""

    def __init__(self, secret: str, bucket: str, lifetime: int, before: Sequence[str] = ()) -> None:
        """`lifetime` is in seconds. What was made with a secret of `before` is still read."""
        self._secrets = (secret, *before)
        self._bucket = bucket
        self._lifetime = lifetime
        self._serializer = URLSafeSerializer(
            [*before, secret],
            salt="upload",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

        self._load = lru_cache(_REMEMBERED)(self._serializer.loads)  # an upload asks for hundreds of URLs

    def make(self, upload: Upload, now: float) -> str:
        """The id for `upload`, valid from `now` (epoch seconds) for the lifetime."""
        told: list[object] = [
            _VERSION,
            upload.user,
            self._place(upload.key),
            upload.s3_upload_id,
            upload.size,
            upload.part_size,
            upload.proof,
            int(now) + self._lifetime,
        ]
        if upload.headers is not None:
            told.append(dict(upload.headers))
        return str(self._serializer.dumps(told))

    def read(self, upload_id: str, user: str, key: str, now: float) -> Upload | None:
        """What `upload_id` stands for; `None` unless it is genuine, alive, and of this very user and key."""
        try:
            version, owner, place, s3_upload_id, size, part_size, proof, expires, *rest = self._load(
                upload_id
            )
        except (BadData, ValueError, TypeError):
            return None
        if version != _VERSION or owner != user or place != self._place(key) or now >= expires:
            return None
        return Upload(user, key, s3_upload_id, size, part_size, proof, *rest)

    def proofs_of(self, key: str) -> tuple[str, ...]:
        """The proof tokens that the upload of a key which the server made can have: the one of today's secret first."""
        text = f"proof {self._bucket}/{key}".encode()
        return tuple(hmac.digest(secret.encode(), text, "sha256").hex()[:32] for secret in self._secrets)

    def _place(self, key: str) -> str:
        return hashlib.sha256(f"{self._bucket}/{key}".encode()).hexdigest()[:32]
