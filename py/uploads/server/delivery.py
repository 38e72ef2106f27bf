"""Where a stored object is fetched from: the store itself, or a content delivery network in front of it.

CloudFront's signed URLs have a canned policy: one object, until one time (Amazon CloudFront Developer Guide, "Create a
signed URL using a canned policy"). May read the private key's file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from uploads.server.errors import UserError
from uploads.server.settings import Settings
from uploads.server.store import Store


class Delivery:
    """Raises `UserError` for a private key that cannot be used."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._base = settings.cdn_url
        self._expiry = settings.url_expiry
        self._signer: CloudFrontSigner | None = None
        if settings.cloudfront_key_id:
            self._signer = CloudFrontSigner(settings.cloudfront_key_id, _rsa_signer(settings))

    def public_url(self, key: str, now: float) -> tuple[str, int | None] | None:
        """The address by which a network delivers the object, and for how many seconds; `None` where there is none.

        `now`: seconds since the epoch. The seconds are `None` for an address that stays.
        """
        if self._base is None:
            return None
        url = f"{self._base}/{quote(key, safe='/~')}"
        if self._signer is None:
            return url, None
        end = datetime.fromtimestamp(int(now) + self._expiry, UTC)
        return str(self._signer.generate_presigned_url(url, date_less_than=end)), self._expiry

    def url(self, key: str, now: float) -> str:
        """Where to fetch the object from, for some minutes at least."""
        public = self.public_url(key, now)
        return public[0] if public else self._store.sign_get(key)


def _rsa_signer(settings: Settings) -> Callable[[bytes], bytes]:
    path = settings.cloudfront_private_key
    assert path is not None  # the settings have both or neither
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise UserError(f"UPLOADS_CLOUDFRONT_PRIVATE_KEY: {path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UserError(
            f"UPLOADS_CLOUDFRONT_PRIVATE_KEY: {path} is no RSA private key in PEM without a password."
        )
    private: rsa.RSAPrivateKey = key

    def sign(message: bytes) -> bytes:
        # CloudFront takes no other digest.
        return private.sign(message, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303

    return sign
