"""How an upload becomes an object, and what proves that it is the one: its token, its length, its ETag.

Complete's own answer is never believed, nor its failure: the object in the store decides. May talk to the store.
"""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from uploads.server import models, parts
from uploads.server.problems import Problem, from_s3, invalid
from uploads.server.store import Found, Store, assembled_etag, contradicts
from uploads.server.tokens import Upload


def is_ours(upload: Upload, found: Found) -> bool:
    """Whether the object is this upload's, by its token.

    An upload that was found again by its key alone has no token; then nothing is proved by the token.
    """
    return bool(found.proof) and found.proof in upload.proof.split()


def is_proved(upload: Upload, found: Found) -> bool:
    """Whether the object is this upload's, by its token and its length."""
    return is_ours(upload, found) and upload.size in (None, found.size)


def complete(store: Store, upload: Upload, done: models.PartsDone) -> tuple[Found, str | None]:
    """Assemble the object and prove that it is whole; the object, and its md5-of-md5s where its ETag is one.

    Raises `Problem`: 422 for parts that are not the upload's, 409 `ProofFailed`, or what the store's failure means.
    """
    given = _checked_parts(upload, done)
    failure: ClientError | BotoCoreError | None = None
    try:
        store.complete(upload.key, upload.s3_upload_id, given)
    except (ClientError, BotoCoreError) as error:
        failure = error  # an earlier try may have won, or the answer alone was lost: the object decides
    found = store.head(upload.key)
    expected = None if found and found.is_opaque else assembled_etag([etag for _, etag in given])
    proved = found is not None and is_proved(upload, found) and not contradicts(found.etag, expected)
    if not upload.proof and found is not None:  # found again by its key alone: the content is the only proof
        proved = expected is not None and found.etag == expected
    if found is None or not proved:
        if failure is not None:
            raise from_s3(failure)
        raise Problem(409, "ProofFailed", "The object in the store is not what was sent.", retryable=True)
    return found, expected if expected and found.etag == expected else None


def _checked_parts(upload: Upload, done: models.PartsDone) -> list[tuple[int, str]]:
    """The parts in order, ETags without quotes. Raises `Problem` (422) unless they are exactly the upload's."""
    given = {part.PartNumber: part.ETag.strip().removeprefix("W/").strip('"') for part in done.parts}
    if len(given) != len(done.parts):
        raise invalid("parts: a part number is there twice", "BadParts")
    if upload.size is not None and upload.part_size is not None:
        count = parts.count_parts(upload.size, upload.part_size)
        if sorted(given) != list(range(1, count + 1)):
            raise invalid(f"parts: exactly the parts 1–{count} make this object", "BadParts")
    return sorted(given.items())
