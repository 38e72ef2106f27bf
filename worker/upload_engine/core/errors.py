"""What can go wrong on the way, as one hierarchy. Raised by the adapters, judged by ``retry``.

::

    UploadFault                       something an upload has to live with
    ├── NetworkFault                  no readable answer: the wire, DNS, CORS or a frozen clock
    │   └── StallFault                the wire is open and no byte moves
    ├── ServiceFault                  an answer that says no: S3, the signing server, or a proxy between
    ├── FileFault                     the person's file
    │   ├── FileChanged               it is no longer the file the upload began with
    │   └── FileUnreadable            permission gone, disk unplugged, file deleted
    └── StorageFault                  the browser's own storage: full, blocked or missing

No fault carries a URL, a token or a credential: their texts reach logs, events and stored records.
"""

from __future__ import annotations


class UploadFault(Exception):
    """The root of all expected failures. ``message`` is a sentence without secrets."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class NetworkFault(UploadFault):
    """No readable answer came back (an ``XMLHttpRequest`` ends with status 0, ``fetch`` with a TypeError)."""


class StallFault(NetworkFault):
    """A request was given up because no byte moved for too long."""


class ServiceFault(UploadFault):
    """An answer that is not the one hoped for.

    status: the HTTP status; code: S3's or the signing server's name for it ("" when a proxy answered);
    request_id: what the store's operator asks for; retry_after: seconds, when the answer names them; is_final: the
    signing server says that trying again is of no use.
    """

    def __init__(
        self,
        status: int,
        code: str = "",
        message: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        *,
        is_final: bool = False,
    ) -> None:
        super().__init__(message or f"HTTP {status} {code}".rstrip())
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.is_final = is_final


class FileFault(UploadFault):
    """The person's file cannot be used as it is."""


class FileChanged(FileFault):
    """The file's size, date or content is no longer what it was when its upload began."""


class FileUnreadable(FileFault):
    """The browser cannot read the file any more."""


class StorageFault(UploadFault):
    """The browser's storage refused to open, read or write."""
