"""How an upload becomes an object (a file that is sent whole is one already), and what proves that it is the one: its token, its length, its ETag.

Complete's own answer is never believed, nor its failure: the object in the store decides. May talk to the store.
"""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from uploads.server import file_rules, models, parts
from uploads.server.limits import Limits
from uploads.server.problems import Problem, from_s3, invalid, not_found
from uploads.server.settings import Settings
from uploads.server.store import Found, Store, assembled_etag, contradicts, is_gone
from uploads.server.tokens import Upload


def is_ours(upload: Upload, found: Found) -> bool:
    """Whether the object is this upload's, by its token.

    An upload that was found again by its key alone has no token; then nothing is proved by the token.
    """
    return bool(found.proof) and found.proof in upload.proof.split()


def is_proved(upload: Upload, found: Found) -> bool:
    """Whether the object is this upload's, by its token and its length."""
    return is_ours(upload, found) and upload.size in (None, found.size)


def complete(
    store: Store,
    upload: Upload,
    done: models.PartsDone,
    settings: Settings,
    limits: Limits,
    *,
    with_checksum: bool = False,
) -> tuple[Found, models.Checksum | None]:
    """Assemble the object and prove that it is whole; the object, and what tells its content, if something does.

    with_checksum: ask the store for the one that it keeps.

    Raises `Problem`: 422 for parts that are not the upload's, 409 `ProofFailed`, what the rules for files and the limits
    say of it, or what the store's failure means.
    """
    given = _checked_parts(upload, done)
    told = done.checksum.value if done.checksum else ""
    failure: ClientError | BotoCoreError | None = None
    if not upload.is_whole:
        _check_sum(store, upload, given, settings, limits)
        try:
            store.complete(upload.key, upload.s3_upload_id, given, told)
        except (ClientError, BotoCoreError) as error:
            failure = error  # an earlier try may have won, or the answer alone was lost: the object decides
    found = store.head(upload.key, with_checksum=with_checksum or told != "")
    etags = [etag for _, etag in given]
    expected = etags[0] if upload.is_whole else assembled_etag(etags)
    if found and found.is_opaque:
        expected = None
    proved = (
        found is not None
        and is_proved(upload, found)
        and not contradicts(found.etag, expected)
        and found.crc64nvme in ("", told or found.crc64nvme)
    )
    if not upload.proof and found is not None:  # found again by its key alone: the content is the only proof
        proved = expected is not None and found.etag == expected
    if found is None or not proved:
        if failure is not None:
            if found is None and not store.is_open(upload.key, upload.s3_upload_id):
                raise not_found()  # which Ceph answers with 500
            raise from_s3(failure)
        if found is None:
            raise not_found()
        raise Problem(409, "ProofFailed", "The object in the store is not what was sent.", retryable=True)
    if settings.allowed_types and found.size:
        head = store.read_head(upload.key, file_rules.HEAD)
        try:
            name = upload.key.rpartition("/")[2]
            file_rules.check_content(settings, name, found.content_type, head)
        except Problem:
            store.delete(upload.key)
            raise
    return found, _told_by(upload, found, expected)


def _told_by(upload: Upload, found: Found, expected: str | None) -> models.Checksum | None:
    """What tells the object's content: the checksum that the store keeps of it, or its ETag where that is `expected`."""
    if found.crc64nvme:
        return models.Checksum(type="CRC64NVME", value=found.crc64nvme)
    if not expected or found.etag != expected:
        return None
    return models.Checksum(type="md5" if upload.is_whole else "md5-of-md5s", value=expected)


def _check_sum(
    store: Store, upload: Upload, given: list[tuple[int, str]], settings: Settings, limits: Limits
) -> None:
    """Refuse to assemble what would be of another size than was told, or beyond the limits. Raises `Problem` (409, 413, 429).

    The length of the only part of an upload was signed. An upload that is gone may be an object already: that decides.
    """
    total = upload.size
    if total is None or len(given) > 1:
        try:
            listed = store.list_parts(upload.key, upload.s3_upload_id)
        except ClientError as error:
            if is_gone(error):
                return
            raise
        sizes = {(part["PartNumber"], part["ETag"].strip('"')): part["Size"] for part in listed}
        if any(part not in sizes for part in given):
            return  # the store says best what it lacks
        total = sum(sizes[part] for part in given)
        if upload.size not in (None, total):
            raise Problem(
                409, "InvalidPart", f"The parts make {total:,} bytes, and the file has {upload.size:,}."
            )
        if upload.size is None:
            try:
                file_rules.check_size(settings, total)
            except Problem:
                store.abort(upload.key, upload.s3_upload_id)
                raise
    try:
        limits.check_day(upload.user, total)
    except Problem:
        found = store.head(upload.key)
        if found is None or not is_proved(upload, found):  # an earlier try was within the limit
            raise


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
