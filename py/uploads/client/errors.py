"""Local misuse of the hook. What goes wrong on the way to the store is never raised: it is in `upload_errors`.

Exception
└── ClientError         the call makes no sense here and now
    ├── ClientClosed    the client was closed
    ├── NotAFile        neither a `File` nor a `FileSystemFileHandle`
    └── UnknownUpload   no upload has this id
"""


class ClientError(Exception):
    """A call that cannot be carried out, for a reason on this page."""


class ClientClosed(ClientError):
    """The client was closed: a closed client takes no calls."""


class NotAFile(ClientError):
    """What was given for a file is neither a `File` nor a `FileSystemFileHandle`."""


class UnknownUpload(ClientError):
    """No upload has this id: it was never started, or it was removed."""
