"""What the calls of the signing API have in common: who may upload what to which key, and which URLs they are given.

The store does it. No state: everything is in the upload id and in the store.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from uploads.server import file_rules, keys, models, outbox, parts
from uploads.server.abilities import Abilities
from uploads.server.delivery import Delivery
from uploads.server.identity import Guests
from uploads.server.limits import Limits
from uploads.server.live import Live
from uploads.server.metrics import Metrics
from uploads.server.permission import File, Permission, User
from uploads.server.problems import Problem, invalid, not_found
from uploads.server.settings import Settings
from uploads.server.store import Found, Store
from uploads.server.tokens import Tokens, Upload

FileT = TypeVar("FileT", bound=models.FileWanted)


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
        self.count(upload, lengths)
        if upload.headers is not None:
            return {"1": self.store.sign_put(upload.key, upload.headers, upload.size or 0)}
        urls = self.store.sign_parts(upload.key, upload.s3_upload_id, lengths)
        return {str(number): url for number, url in urls.items()}

    def count(self, upload: Upload, part_numbers: Collection[int]) -> None:
        """Signatures are about to be given. Raises `Problem` (429) for a part that has had too many; then none is counted."""
        self.limits.take_signatures(upload.s3_upload_id or upload.proof, part_numbers)
        self.metrics.count_signatures(len(part_numbers))

    def tell_completed(self, upload: Upload, found: Found) -> None:
        """An upload has become an object: tell everybody who wants to know."""
        self.metrics.count_upload("completed", found.size)
        self.live.completed(upload.key, upload.s3_upload_id, found)
        if self.listeners:
            project = keys.project_of(self.settings.prefix, upload.user, upload.key)
            message = outbox.about(
                self.store.bucket, upload.user, upload.key, upload.s3_upload_id, project, found, time.time()
            )
            for tell in self.listeners:
                tell(message)

    def completed(
        self, upload: Upload, found: Found, checksum: models.Checksum | None, location: str
    ) -> models.UploadCompleted:
        """What is answered to Complete. `checksum`: what tells its content."""
        public = self.delivery.public_url(upload.key, time.time())
        return models.UploadCompleted(
            location=location,
            key=upload.key,
            bucket=self.store.bucket,
            size=found.size,
            etag=found.etag,
            checksum=checksum,
            etagIsChecksum=not found.is_opaque,
            proof=True,
            deliveryUrl=public[0] if public else None,
            deliveryExpires=public[1] if public else None,
        )

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
