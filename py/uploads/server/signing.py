"""The signing API under /s3: the calls of Uppy Companion, and ours beside them.

Decides who may do what to which key; the store does it. No state: everything is in the upload id and in the store.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from uploads.server import file_rules, keys, models, outbox, parts
from uploads.server.abilities import Abilities
from uploads.server.callers import Asking, UserId, make_guest_calls
from uploads.server.completion import complete, is_ours, is_proved
from uploads.server.delivery import Delivery
from uploads.server.identity import Guests
from uploads.server.limits import Limits
from uploads.server.live import Live
from uploads.server.metrics import Metrics
from uploads.server.permission import File, Permission, User
from uploads.server.problems import Problem, invalid, not_found
from uploads.server.settings import Settings
from uploads.server.store import PROOF, Store, as_metadata
from uploads.server.tokens import Tokens, Upload

FileT = TypeVar("FileT", bound=models.FileWanted)

_FIRST_URLS = 100  # signed with the answer to Create
_MOST_URLS = 1000  # signed by one batch call
_MAX_FORM = 5 * 1024**3  # S3's limit for one POST


@dataclass(frozen=True)
class Signing:
    """What the calls need. `listeners` are told of every completed upload."""

    settings: Settings
    store: Store
    tokens: Tokens
    guests: Guests
    limits: Limits
    metrics: Metrics
    abilities: Abilities
    live: Live
    delivery: Delivery
    permission: Permission | None = None
    listeners: Sequence[Callable[[outbox.Message], None]] = ()

    def allow(self, wanted: FileT, asking: User) -> FileT:
        """What may be uploaded of what is wanted. Raises `Problem` (403, 413, 422, 503)."""
        file_rules.check(self.settings, wanted.filename, wanted.type, wanted.size)
        if self.permission is None:
            return wanted
        file = File(
            wanted.filename, wanted.type, wanted.size, wanted.projectId, wanted.key, dict(wanted.metadata)
        )
        decision = self.permission.ask(asking, file)
        if decision.max_size is not None:
            if wanted.size is None:
                raise invalid("size: it must be told, since the size of this file is limited")
            if wanted.size > decision.max_size:
                reason = decision.reason or f"You may upload at most {decision.max_size} bytes here."
                raise Problem(413, "EntityTooLarge", reason)
        return wanted.model_copy(
            update={
                "key": wanted.key if decision.key is None else decision.key,
                "projectId": wanted.projectId if decision.project_id is None else decision.project_id,
                "metadata": {**wanted.metadata, **decision.metadata},
            }
        )

    def place(self, wanted: models.FileWanted, user: str) -> tuple[str, str]:
        """The key for a file, and its proof token. Raises `Problem` (422) for a key that cannot be had."""
        prefix = self.settings.prefix
        if wanted.key:
            try:
                return keys.wanted_key(prefix, user, wanted.key), secrets.token_hex(16)
            except keys.BadKey as error:
                raise invalid(f"key: {error}", "BadKey") from None
        key = keys.new_key(prefix, user, wanted.projectId, str(uuid.uuid4()), wanted.filename)
        return key, self.tokens.proofs_of(key)[0]

    def read(self, upload_id: str, key: str, user: str) -> Upload:
        """The upload behind an id. Raises `Problem` (404) unless it is this user's and at this key."""
        upload = self.tokens.read(upload_id, user, key, time.time())
        if upload is None:
            raise not_found()
        return upload

    def sign(self, upload: Upload, part_numbers: Iterable[int]) -> dict[str, str]:
        """URLs for parts, by number. Raises `Problem`: 422 for one that the upload does not have, 429 for one signed too often.

        Then none is signed, and none is counted.
        """
        lengths = {number: self._length(upload, number) for number in part_numbers}
        self.limits.take_signatures(upload.s3_upload_id, lengths)
        self.metrics.count_signatures(len(lengths))
        urls = self.store.sign_parts(upload.key, upload.s3_upload_id, lengths)
        return {str(number): url for number, url in urls.items()}

    def _length(self, upload: Upload, part_number: int) -> int | None:
        most, length = parts.MAX_PARTS, None
        if upload.size is not None and upload.part_size is not None:
            most = parts.count_parts(upload.size, upload.part_size)
            length = parts.part_length(upload.size, upload.part_size, part_number)
        if not 1 <= part_number <= most:
            raise invalid(f"partNumber: {part_number} is not within 1–{most}", "BadPartNumber")
        return length


def content_type_of(text: str) -> str:
    """A content type that can stand in a header; what cannot is sent as bytes of no known kind."""
    plain = text.strip()
    return (
        plain
        if re.fullmatch(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(\s*;[ -~]*)?", plain)
        else "application/octet-stream"
    )


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
        created = store.create(
            key,
            content_type_of(wanted.type),
            keys.content_disposition(wanted.filename),
            as_metadata(wanted.metadata) | {PROOF: proof},
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
        )

    @router.get("/multipart/{upload_id}", tags=["multipart"])
    def list_parts(upload_id: str, key: Key, user: UserId) -> list[models.PartListed]:
        """The parts that the store has, sorted by number. A store may list a part twice, with the ETag of each try."""
        upload = signing.read(upload_id, key, user)
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
        return models.PartsSigned(presignedUrls=urls, headers={}, expires=settings.url_expiry)

    @router.get("/multipart/{upload_id}/status", tags=["multipart"])
    def tell_status(upload_id: str, key: Key, user: UserId) -> models.UploadStatus:
        """How the upload stands: completed (an object has its token; `proof` if its length is right), open, or missing."""
        upload = signing.read(upload_id, key, user)
        found = store.head(key)
        if found and is_ours(upload, found):
            return models.UploadStatus(
                state="completed",
                key=key,
                bucket=store.bucket,
                size=found.size,
                etag=found.etag,
                etagIsChecksum=not found.is_opaque,
                proof=is_proved(upload, found),
            )
        is_open = store.is_open(key, upload.s3_upload_id)
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
        return models.PartSigned(url=url, headers={}, expires=settings.url_expiry)

    @router.post("/multipart/{upload_id}/complete", tags=["multipart"])
    def complete_upload(
        upload_id: str, key: Key, done: models.PartsDone, user: UserId, request: Request
    ) -> models.UploadCompleted:
        """Assemble the object and prove that it is whole: its length, its token, and its ETag."""
        upload = signing.read(upload_id, key, user)
        found, checksum = complete(store, upload, done, settings, signing.limits)
        signing.metrics.count_upload("completed", found.size)
        signing.live.completed(key, upload.s3_upload_id, found)
        if signing.listeners:
            project = keys.project_of(settings.prefix, user, key)
            message = outbox.about(store.bucket, user, key, upload.s3_upload_id, project, found, time.time())
            for tell in signing.listeners:
                tell(message)
        public = signing.delivery.public_url(key, time.time())
        return models.UploadCompleted(
            location=str(request.url_for("download_object").include_query_params(key=key)),
            key=key,
            bucket=store.bucket,
            size=found.size,
            etag=found.etag,
            checksum=models.Checksum(type="md5-of-md5s", value=checksum) if checksum else None,
            etagIsChecksum=not found.is_opaque,
            proof=True,
            deliveryUrl=public[0] if public else None,
            deliveryExpires=public[1] if public else None,
        )

    @router.delete("/multipart/{upload_id}", tags=["multipart"])
    def abort_upload(upload_id: str, key: Key, user: UserId) -> dict[str, str]:
        """Abort the upload; one that is gone already is fine. An object that it has become is removed."""
        upload = signing.read(upload_id, key, user)
        store.abort(key, upload.s3_upload_id)
        signing.metrics.count_upload("aborted")
        found = store.head(key)
        if found and is_ours(upload, found):
            store.delete(key)
        signing.live.aborted(key, upload.s3_upload_id)
        return {}

    def form_for(wanted: models.FileWanted, asking: User) -> models.Form:
        if not signing.abilities.has("forms"):
            raise Problem(501, "NoForms", "This store takes no forms: send the file in parts.")
        wanted = signing.allow(wanted, asking)
        key, proof = signing.place(wanted, asking.id)
        fields = {
            "Content-Type": content_type_of(wanted.type),
            "Content-Disposition": keys.content_disposition(wanted.filename),
            f"x-amz-meta-{PROOF}": proof,
        }
        fields |= {f"x-amz-meta-{name}": value for name, value in as_metadata(wanted.metadata).items()}
        low, high = settings.min_file_size, settings.max_file_size or _MAX_FORM
        if wanted.size is not None:
            low = high = wanted.size
        if high > _MAX_FORM:
            raise Problem(413, "EntityTooLarge", f"One POST takes at most {_MAX_FORM} bytes: use parts.")
        url, signed = store.sign_form(key, fields, low, high)
        return models.Form(url=url, fields=signed, expires=settings.url_expiry)

    @router.get("/params", tags=["small files"])
    def sign_form(
        asking: Asking,
        request: Request,
        filename: str = "file",
        type: str = "application/octet-stream",  # noqa: A002
        size: Annotated[int | None, Query(ge=0)] = None,
    ) -> models.Form:
        """A form (POST policy) for one small file. Metadata as `metadata[name]=value`."""
        metadata = {
            name[len("metadata[") : -1]: value
            for name, value in request.query_params.items()
            if name.startswith("metadata[") and name.endswith("]")
        }
        wanted = models.FileWanted(
            filename=filename[:1000],
            type=type[:255],
            metadata=metadata,
            size=size,
        )
        signing.limits.check_bytes(asking.id, size or 0)
        return form_for(wanted, asking)

    @router.post("/params", tags=["small files"])
    def sign_forms(wanted: models.FilesWanted, asking: Asking) -> models.Forms:
        """Forms for many small files at once, in the order asked for."""
        signing.limits.check_bytes(asking.id, sum(file.size or 0 for file in wanted.files))
        return models.Forms(userId=asking.id, uploads=[form_for(file, asking) for file in wanted.files])

    @router.get("/object", tags=["objects"], response_class=RedirectResponse, status_code=302)
    def download_object(key: Key, user: UserId) -> RedirectResponse:
        """To the object itself, under its own name: a redirect to a short-lived URL. Only the user's own."""
        if not key.startswith(keys.user_prefix(settings.prefix, user)) or store.head(key) is None:
            raise Problem(404, "NoSuchKey", "There is no such object.")
        return RedirectResponse(signing.delivery.url(key, time.time()), 302, {"Cache-Control": "no-store"})

    return router
