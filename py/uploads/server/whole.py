"""A small file that is one object, sent by one request: a form (POST policy) that needs no preflight, else a PUT.

No multipart upload stands behind it, and so what its parts, its state and its end are is told by the object alone.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from uploads.server import models
from uploads.server.completion import is_proved
from uploads.server.signing import Signing
from uploads.server.store import Store
from uploads.server.tokens import Upload


class Signed(NamedTuple):
    """One request that stores the object. `fields` go with a form, `headers` with a PUT."""

    method: Literal["POST", "PUT"]
    url: str
    fields: dict[str, str]
    headers: dict[str, str]


def sign(signing: Signing, upload: Upload) -> Signed:
    """The request for an upload that `is_whole`. Raises `Problem` (429) when it was signed too often."""
    assert upload.headers is not None, "it is sent whole"
    assert upload.size is not None, "its length is signed"
    if not signing.abilities.has("forms"):
        (url,) = signing.sign(upload, [1]).values()
        return Signed("PUT", url, {}, dict(upload.headers))
    signing.count(upload, [1])
    url, fields = signing.store.sign_form(upload.key, dict(upload.headers), upload.size, upload.size)
    return Signed("POST", url, fields, {})


def list_parts(store: Store, upload: Upload) -> list[models.PartListed]:
    """Its only part, once the object is there: that of this very upload, and of the right length."""
    found = store.head(upload.key)
    if found is None or not is_proved(upload, found):
        return []
    modified = found.modified.isoformat() if found.modified else ""
    return [models.PartListed(PartNumber=1, Size=found.size, ETag=f'"{found.etag}"', LastModified=modified)]
