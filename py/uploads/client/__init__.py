"""The hook: `use_upload_worker()` gives a page its `UploadClient`.

This room turns calls into messages and snapshots into mappings. Only `link.py` touches JavaScript; the rest
is plain Python that CPython tests, and runs on MicroPython and Pyodide alike.
"""

from uploads.client.client import UploadClient
from uploads.client.errors import ClientClosed, ClientError, NotAFile, UnknownUpload
from uploads.client.hook import use_upload_worker

__all__ = [
    "ClientClosed",
    "ClientError",
    "NotAFile",
    "UnknownUpload",
    "UploadClient",
    "use_upload_worker",
]
