"""`use_upload_worker`: the page's one client."""

from uploads.client.client import UploadClient
from uploads.client.errors import ClientError
from uploads.protocol import check_upload_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_shared: "dict[str, UploadClient]" = {}
"""The page's one client, under "client"."""


def use_upload_worker(config: "Mapping[str, object] | None" = None, token: str = "") -> "UploadClient":
    """The page's upload client; the first call makes it, later calls give the same one.

    `config`: settings that differ from `DEFAULT_UPLOAD_CONFIG`, by their snake_case names; `token`: see `sign_in`. Without
    one it is the page's cookie that says who is asking. Raises `ConfigError`
    for a setting that is unknown or makes no sense, `ClientError` when the worker's script is not on the page,
    or when the page's client runs already with other settings.
    """
    client = _shared.get("client")
    if client is None or client.closed:
        from uploads.client.link import WorkerLink

        client = UploadClient(WorkerLink(), config, token)
        _shared["client"] = client
        if client.config["analytics_url"]:
            from uploads.client.analytics import Analytics
            from uploads.client.beacon import BrowserEdge

            Analytics(client, client.config["analytics_url"], client.new_id(), BrowserEdge())
        return client
    if config is not None and check_upload_config(config) != client.config:
        raise ClientError("this page's upload client runs already, with other settings: close() it first")
    if token:
        client.sign_in(token)
    return client
