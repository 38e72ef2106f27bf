"""What the page around a widget wants, carried out. Touches no JavaScript: what needs the browser is given by `embed`."""

from uploads.client import ClientError
from uploads.protocol import ConfigError, ProtocolError
from uploads.protocol import embed as e
from uploads.ui import embed_words
from uploads.ui.key_names import key_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uploads.client import UploadClient


class Orders:
    """`hear` takes one message of the page around.

    `start(settings, token)`: begins with the first CONFIGURE, and gives the client; raises what `use_upload_worker` raises.
    `look(theme, locale, transparent)`: None is no change; gives what is wrong with it, or "". `pick()`: opens the picker, and
    gives what is in the way, or "". `file_name(file)`: None for what is no file. `refuse(message)`: sends a REFUSED, without its type.
    """

    def __init__(
        self,
        start: "Callable[[dict[str, Any], str], UploadClient]",
        look: "Callable[[str | None, str | None, bool | None], str]",
        pick: "Callable[[], str]",
        file_name: "Callable[[Any], str | None]",
        refuse: "Callable[[dict[str, Any]], None]",
    ) -> None:
        self._start = start
        self._look = look
        self._pick = pick
        self._file_name = file_name
        self._refuse = refuse
        self._client: UploadClient | None = None
        self._restrictions: Mapping[str, object] | None = None
        self._project_id = "default"
        self._key_prefix = ""

    def hear(self, text: "str | None", file: "Any" = None, length: int = 0) -> None:
        """Carries a message out, or refuses it. `text`: None when it was no text, or one of `length` characters, too long."""
        message: dict[str, Any] = {}
        try:
            if text is None and length:
                raise ProtocolError(
                    f"the message is too long: at most {e.LONGEST_ORDER} characters, it has {length}"
                )
            message = e.decode_order(text)
            self._carry_out(message, file)
        except (ProtocolError, ConfigError, ClientError) as error:
            refusal = {
                "request": message.get("type"),
                "upload_id": message.get("upload_id"),
                "message": str(error),
            }
            self._refuse(refusal)

    def start_in_folder(self, file: "Any", key: str) -> str:
        """Begins an upload of a file that came with its folder, as the end of a key; "" where it came without. Raises the
        same.
        """
        if key:
            key = (self._key_prefix or f"{key_name(self._project_id)}/") + key
        return self.start_upload(file, None, key)

    def start_upload(
        self, file: "Any", project_id: "str | None" = None, key: str = "", upload_id: str = ""
    ) -> str:
        """Begins an upload where the page around wants it to be. Raises `ClientError` and `ProtocolError`."""
        client = self._client
        assert client is not None, "the picker is there when it is configured"
        upload_id = upload_id or client.new_id()
        if self._key_prefix and not key:
            key = f"{self._key_prefix}{upload_id}/{key_name(self._file_name(file) or '')}"
        return client.start_upload(file, project_id or self._project_id, key, upload_id)

    def _carry_out(self, message: "dict[str, Any]", file: "Any") -> None:
        kind = message["type"]
        if (kind == e.ADD_FILE and self._file_name(file) is None) or (
            kind != e.ADD_FILE and file is not None
        ):
            raise ProtocolError(embed_words.FILE)
        client = self._client
        if kind == e.CONFIGURE:
            self._configure(message)
        elif client is None:
            raise ProtocolError(embed_words.NOT_CONFIGURED)
        elif kind == e.SET_TOKEN:
            client.sign_in(message["token"])
        elif kind == e.OPEN_PICKER:
            _raise(self._pick())
        elif kind == e.ADD_FILE:
            self.start_upload(
                file, message["project_id"], message["s3_key"] or "", message["upload_id"] or ""
            )
        elif kind in e.ORDERS:
            getattr(client, kind.lower() + "_upload")(message["upload_id"])
        else:
            getattr(client, kind.lower())()

    def _configure(self, message: "dict[str, Any]") -> None:
        restrictions = message["restrictions"]
        if self._client is not None and restrictions is not None and restrictions != self._restrictions:
            raise ProtocolError(embed_words.RESTRICTIONS)
        _raise(self._look(message["theme"], message["locale"], message["transparent"]))
        self._project_id = message["project_id"] or self._project_id
        if message["key_prefix"] is not None:
            self._key_prefix = message["key_prefix"]
        if self._client is None:
            given = restrictions or {}
            settings = {name: given[name] for name in given if given[name] is not None}
            self._client = self._start(settings, message["token"] or "")
            self._restrictions = restrictions
        elif message["token"] is not None:
            self._client.sign_in(message["token"])


def _raise(complaint: str) -> None:
    if complaint:
        raise ProtocolError(complaint)
