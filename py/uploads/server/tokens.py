"""The opaque upload id: a signed token that binds an upload to its user, its key and its sizes.

Stateless: any replica with the same secret can read it. Pure but for the time, which is an argument.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

_VERSION = 1


@dataclass(frozen=True)
class Upload:
    """What an upload id stands for. Sizes in bytes; `None` where the client did not tell."""

    user: str
    key: str
    s3_upload_id: str
    size: int | None
    part_size: int | None
    proof: str


class Tokens:
    """Makes and reads upload ids."""

    def __init__(self, secret: str, bucket: str, lifetime: int) -> None:
        """`lifetime` is in seconds."""
        self._secret = secret.encode()
        self._bucket = bucket
        self._lifetime = lifetime
        self._serializer = URLSafeSerializer(
            secret, salt="upload", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def make(self, upload: Upload, now: float) -> str:
        """The id for `upload`, valid from `now` (epoch seconds) for the lifetime."""
        return str(
            self._serializer.dumps(
                [
                    _VERSION,
                    upload.user,
                    self._place(upload.key),
                    upload.s3_upload_id,
                    upload.size,
                    upload.part_size,
                    upload.proof,
                    int(now) + self._lifetime,
                ]
            )
        )

    def read(self, upload_id: str, user: str, key: str, now: float) -> Upload | None:
        """What `upload_id` stands for; `None` unless it is genuine, alive, and of this very user and key."""
        try:
            version, owner, place, s3_upload_id, size, part_size, proof, expires = self._serializer.loads(
                upload_id
            )
        except (BadData, ValueError, TypeError):
            return None
        if version != _VERSION or owner != user or place != self._place(key) or now >= expires:
            return None
        return Upload(user, key, s3_upload_id, size, part_size, proof)

    def proof_of(self, key: str) -> str:
        """The proof token of a key that the server made: it is unique to the upload, so this is as well."""
        return hmac.new(self._secret, f"proof {self._bucket}/{key}".encode(), hashlib.sha256).hexdigest()[:32]

    def _place(self, key: str) -> str:
        return hashlib.sha256(f"{self._bucket}/{key}".encode()).hexdigest()[:32]
