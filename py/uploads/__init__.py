"""Uploads from a page straight into an S3 store: the Python that a page and a server import.

    from uploads import use_upload_worker

Importing the package loads nothing: the hook is looked up on first use, so that the worker, which needs
only `uploads.protocol`, and the server never load the page's side.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploads.client import ClientError as ClientError
    from uploads.client import UploadClient as UploadClient
    from uploads.client import use_upload_worker as use_upload_worker

__all__ = ["ClientError", "UploadClient", "use_upload_worker"]


def __getattr__(name: str) -> object:
    """The hook and its class, imported when somebody asks for them."""
    if name in __all__:
        import uploads.client as client

        return getattr(client, name)
    raise AttributeError("module 'uploads' has no attribute " + repr(name))
