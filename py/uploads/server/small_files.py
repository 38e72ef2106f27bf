"""The routes under /s3 for small files: forms, one or many, and uploads that are created and completed by the hundred."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import APIRouter, Query, Request

from uploads.server import keys, models, whole
from uploads.server.callers import Asking, UserId
from uploads.server.completion import complete
from uploads.server.limits import Limits
from uploads.server.permission import User
from uploads.server.problems import Problem, from_s3
from uploads.server.signing import Signing, content_type_of
from uploads.server.store import as_metadata, object_headers
from uploads.server.tokens import Upload

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")

_MAX_FORM = 5 * 1024**3  # S3's limit for one POST
_AT_ONCE = 8  # calls to the store, or to whoever is asked for permission, of all that ask for many files


def make_small_files(signing: Signing) -> APIRouter:
    """The routes. Each file of many has an answer of its own: one that is refused keeps no other back."""
    settings = signing.settings
    router = APIRouter(tags=["small files"])
    helpers = ThreadPoolExecutor(_AT_ONCE, "small-files")

    def each(items: Sequence[ItemT], call: Callable[[ItemT], AnswerT]) -> list[AnswerT | models.Refusal]:
        def ask(item: ItemT) -> AnswerT | models.Refusal:
            try:
                return call(item)
            except Problem as problem:
                return _refusal(problem)
            except (ClientError, BotoCoreError) as error:
                return _refusal(from_s3(error))

        return list(helpers.map(ask, items))

    def begin(wanted: models.FileWanted, asking: User) -> Upload:
        """What may be uploaded, and where. Raises `Problem`."""
        wanted = signing.allow(wanted, asking)
        key, proof = signing.place(wanted, asking.id)
        headers = object_headers(
            content_type_of(wanted.type),
            keys.content_disposition(wanted.filename),
            proof,
            as_metadata(wanted.metadata),
            wanted.encoding,
        )
        part_size = None if wanted.size is None else max(1, wanted.size)
        return Upload(asking.id, key, "", wanted.size, part_size, proof, headers)

    def form_for(wanted: models.FileWanted, asking: User) -> models.Form:
        if not signing.abilities.has("forms"):
            raise Problem(501, "NoForms", "This store takes no forms: send the file in parts.")
        upload = begin(wanted, asking)
        low, high = settings.min_file_size, settings.max_file_size or _MAX_FORM
        if upload.size is not None:
            low = high = upload.size
        if high > _MAX_FORM:
            raise Problem(413, "EntityTooLarge", f"One POST takes at most {_MAX_FORM} bytes: use parts.")
        url, signed = signing.store.sign_form(upload.key, dict(upload.headers or {}), low, high)
        return models.Form(url=url, fields=signed, expires=settings.url_expiry)

    @router.get("/params")
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

    @router.post("/params")
    def sign_forms(wanted: models.FilesWanted, asking: Asking) -> models.Forms:
        """Forms for many small files at once, in the order asked for."""
        signing.limits.check_bytes(asking.id, sum(file.size or 0 for file in wanted.files))
        return models.Forms(userId=asking.id, uploads=[form_for(file, asking) for file in wanted.files])

    @router.post("/objects")
    def create_objects(wanted: models.ObjectsWanted, asking: Asking) -> models.ObjectsCreated:
        """Create uploads of small files, each of which is sent by one request. In the order asked for."""
        too_many = _too_many(signing.limits, asking.id, wanted.files)

        def create(place: int) -> models.ObjectCreated:
            file = wanted.files[place]
            if place in too_many:
                raise too_many[place]
            if file.size > settings.small_file_size:
                raise Problem(413, "EntityTooLarge", "The file is too large to be sent whole: use parts.")
            upload = begin(file, asking)
            signed = whole.sign(signing, upload)
            signing.metrics.count_upload("created")
            return models.ObjectCreated(
                key=upload.key,
                uploadId=signing.tokens.make(upload, time.time()),
                bucket=signing.store.bucket,
                expires=settings.url_expiry,
                etagsAreChecksums=signing.abilities.has("etagsAreMd5"),
                **signed._asdict(),
            )

        uploads = each(range(len(wanted.files)), create)
        return models.ObjectsCreated(userId=asking.id, uploads=uploads)

    @router.post("/objects/complete")
    def complete_objects(done: models.ObjectsDone, user: UserId, request: Request) -> models.ObjectsCompleted:
        """Prove that the objects are there, and are what was sent. In the order asked for."""
        location = request.url_for("download_object")

        def prove(sent: models.ObjectDone) -> models.UploadCompleted:
            upload = signing.read(sent.uploadId, sent.key, user)
            parts = models.PartsDone(parts=[models.PartDone(PartNumber=1, ETag=sent.etag)])
            found, checksum = complete(signing.store, upload, parts, settings, signing.limits)
            signing.tell_completed(upload, found)
            return signing.completed(
                upload, found, checksum, str(location.include_query_params(key=sent.key))
            )

        return models.ObjectsCompleted(uploads=each(done.uploads, prove))

    return router


def _too_many(limits: Limits, user: str, files: Sequence[models.ObjectWanted]) -> dict[int, Problem]:
    """Of files that are wanted together, those that are beyond what a user may store, and why."""
    try:
        limits.check_bytes(user, sum(file.size for file in files))
    except Problem:
        pass
    else:
        return {}
    refused: dict[int, Problem] = {}
    together = 0
    for place, file in enumerate(files):
        try:
            limits.check_bytes(user, together + file.size)
        except Problem as problem:
            refused[place] = problem
        else:
            together += file.size
    return refused


def _refusal(problem: Problem) -> models.Refusal:
    return models.Refusal(
        status=problem.status,
        code=problem.code,
        message=problem.message,
        retryable=problem.retryable,
        retryAfter=problem.retry_after,
    )
