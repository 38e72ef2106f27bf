"""The routes under /s3 of Uppy Companion's protocol for uploads in parts, and ours beside them."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from uploads.server import keys, models, parts, whole
from uploads.server.callers import Asking, UserId, make_guest_calls
from uploads.server.completion import complete, is_ours, is_proved
from uploads.server.problems import Problem, invalid
from uploads.server.settings import Settings
from uploads.server.signing import Signing, content_type_of
from uploads.server.small_files import make_small_files
from uploads.server.store import PROOF, as_metadata
from uploads.server.tokens import Upload

_FIRST_URLS = 100  # signed with the answer to Create
_MOST_URLS = 1000  # signed by one batch call

Key = Annotated[str, Query(min_length=1, max_length=1100)]


def make_router(signing: Signing) -> APIRouter:
    """The routes under /s3. Those that only sign ask nobody, and need no thread of their own."""
    store, settings = signing.store, signing.settings
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": models.ProblemBody}
        for status in (400, 401, 403, 404, 409, 413, 422, 429, 501, 502, 503)
    }
    router = APIRouter(prefix="/s3", responses=refusals)
    router.include_router(make_guest_calls())
    router.include_router(make_small_files(signing))

    @router.get("/uploads", tags=["multipart"])
    def list_open_uploads(request: Request, user: UserId) -> models.OpenUploads:
        """This user's open uploads, by key. Also gives a new guest an identity."""
        found = []
        for key, s3_upload_id, started in store.list_uploads(keys.user_prefix(settings.prefix, user)):
            is_server_made = keys.is_server_made(settings.prefix, user, key)
            proofs = signing.tokens.proofs_of(key) if is_server_made else ()
            upload = Upload(user, key, s3_upload_id, None, None, " ".join(proofs))
            token = signing.tokens.make(upload, time.time())
            found.append(
                models.OpenUpload(
                    uploadId=token,
                    key=key,
                    filename=key.rpartition("/")[2],
                    projectId=keys.project_of(settings.prefix, user, key),
                    startedAt=started.isoformat(),
                )
            )
        return models.OpenUploads(
            userId=user,
            isNewGuest=signing.guests.is_new(request),
            serverTime=int(time.time() * 1000),
            smallFiles=_small_files(settings),
            uploads=found,
        )

    @router.post("/multipart", tags=["multipart"])
    def create_upload(wanted: models.UploadWanted, asking: Asking) -> models.UploadCreated:
        """Create an upload. With `size`, its parts are fixed, and the first URLs come along."""
        user = asking.id
        wanted = signing.allow(wanted, asking)
        signing.limits.check_new(user, wanted.size)
        part_size = wanted.partSize
        if wanted.size is not None:
            part_size = part_size or parts.default_part_size(wanted.size)
            if complaint := parts.complaint(wanted.size, part_size):
                raise invalid(complaint, "BadPartSize")
        key, proof = signing.place(wanted, user)
        keeps_checksum = signing.abilities.is_sure_of("wholeChecksums")
        created = store.create(
            key,
            content_type_of(wanted.type),
            keys.content_disposition(wanted.filename),
            as_metadata(wanted.metadata) | {PROOF: proof},
            wanted.encoding,
            with_checksum=keeps_checksum,
        )
        signing.metrics.count_upload("created")
        signing.live.created(key, created.s3_upload_id, wanted.size)
        upload = Upload(user, key, created.s3_upload_id, wanted.size, part_size, proof)
        count = 0
        if wanted.size is not None and part_size is not None:
            count = min(_FIRST_URLS, parts.count_parts(wanted.size, part_size))
        return models.UploadCreated(
            key=key,
            uploadId=signing.tokens.make(upload, time.time()),
            bucket=store.bucket,
            partSize=part_size,
            userId=user,
            urls=signing.sign(upload, range(1, count + 1)),
            headers={},
            expires=settings.url_expiry,
            etagsAreChecksums=not created.is_opaque,
            checksumAlgorithm="CRC64NVME" if keeps_checksum else None,
        )

    @router.get("/multipart/{upload_id}", tags=["multipart"])
    def list_parts(upload_id: str, key: Key, user: UserId) -> list[models.PartListed]:
        """The parts that the store has, sorted by number. A store may list a part twice, with the ETag of each try."""
        upload = signing.read(upload_id, key, user)
        if upload.is_whole:
            return whole.list_parts(store, upload)
        return [
            models.PartListed(
                PartNumber=part["PartNumber"],
                Size=part["Size"],
                ETag=part["ETag"],
                LastModified=part["LastModified"].isoformat(),
            )
            for part in store.list_parts(key, upload.s3_upload_id)
        ]

    @router.get("/multipart/{upload_id}/batch", tags=["multipart"])
    async def sign_parts(
        upload_id: str,
        key: Key,
        partNumbers: Annotated[str, Query(pattern=r"^\d{1,6}(,\d{1,6})*$")],
        user: UserId,
    ) -> models.PartsSigned:
        """URLs for several parts (`partNumbers=1,2,3`), at most 1,000 a call."""
        upload = signing.read(upload_id, key, user)
        numbers = {int(number) for number in partNumbers.split(",")}
        if len(numbers) > _MOST_URLS:
            raise invalid(f"partNumbers: at most {_MOST_URLS} a call", "TooManyParts")
        urls = signing.sign(upload, sorted(numbers))
        return models.PartsSigned(
            presignedUrls=urls, headers=dict(upload.headers or {}), expires=settings.url_expiry
        )

    @router.get("/multipart/{upload_id}/status", tags=["multipart"])
    def tell_status(upload_id: str, key: Key, user: UserId) -> models.UploadStatus:
        """How the upload stands: completed (an object has its token; `proof` if its length is right), open, or missing."""
        upload = signing.read(upload_id, key, user)
        found = store.head(key, with_checksum=signing.abilities.is_sure_of("wholeChecksums"))
        if found and is_ours(upload, found):
            return models.UploadStatus(
                state="completed",
                key=key,
                bucket=store.bucket,
                size=found.size,
                etag=found.etag,
                etagIsChecksum=not found.is_opaque,
                proof=is_proved(upload, found),
                checksum=models.WholeChecksum(type="CRC64NVME", value=found.crc64nvme)
                if found.crc64nvme
                else None,
            )
        is_open = not upload.is_whole and store.is_open(key, upload.s3_upload_id)
        return models.UploadStatus(
            state="open" if is_open else "missing",
            key=key,
            bucket=store.bucket,
            size=upload.size,
            etag=None,
            etagIsChecksum=False,
            proof=False,
        )

    @router.get("/multipart/{upload_id}/{part_number}", tags=["multipart"])
    async def sign_part(upload_id: str, part_number: int, key: Key, user: UserId) -> models.PartSigned:
        """A URL for one part."""
        upload = signing.read(upload_id, key, user)
        (url,) = signing.sign(upload, [part_number]).values()
        return models.PartSigned(url=url, headers=dict(upload.headers or {}), expires=settings.url_expiry)

    @router.post("/multipart/{upload_id}/complete", tags=["multipart"])
    def complete_upload(
        upload_id: str, key: Key, done: models.PartsDone, user: UserId, request: Request
    ) -> models.UploadCompleted:
        """Assemble the object and prove that it is whole: its length, its token, its ETag, and its checksum."""
        upload = signing.read(upload_id, key, user)
        with_checksum = signing.abilities.is_sure_of("wholeChecksums")
        found, checksum = complete(store, upload, done, settings, signing.limits, with_checksum=with_checksum)
        signing.tell_completed(upload, found)
        location = request.url_for("download_object").include_query_params(key=key)
        return signing.completed(upload, found, checksum, str(location))

    @router.delete("/multipart/{upload_id}", tags=["multipart"])
    def abort_upload(upload_id: str, key: Key, user: UserId) -> dict[str, str]:
        """Abort the upload; one that is gone already is fine. An object that it has become is removed."""
        upload = signing.read(upload_id, key, user)
        if not upload.is_whole:
            store.abort(key, upload.s3_upload_id)
        signing.metrics.count_upload("aborted")
        found = store.head(key)
        if found and is_ours(upload, found):
            store.delete(key)
        signing.live.aborted(key, upload.s3_upload_id)
        return {}

    @router.get("/object", tags=["objects"], response_class=RedirectResponse, status_code=302)
    def download_object(key: Key, user: UserId) -> RedirectResponse:
        """To the object itself, under its own name: a redirect to a short-lived URL. Only the user's own."""
        if not key.startswith(keys.user_prefix(settings.prefix, user)) or store.head(key) is None:
            raise Problem(404, "NoSuchKey", "There is no such object.")
        return RedirectResponse(signing.delivery.url(key, time.time()), 302, {"Cache-Control": "no-store"})

    return router


def _small_files(settings: Settings) -> models.SmallFiles | None:
    """What goes whole. Where contents are looked at nothing does: that is done before a file becomes an object."""
    if not settings.small_file_size or settings.allowed_types:
        return None
    return models.SmallFiles(maxSize=settings.small_file_size, maxCount=models.MOST_FILES)
