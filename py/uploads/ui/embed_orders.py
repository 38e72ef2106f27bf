"""What the page around a widget wants, carried out. Touches no JavaScript: what needs the browser is given by `embed`."""

from uploads.client import ClientError
from uploads.protocol import ConfigError, ProtocolError
from uploads.protocol import embed as e
from uploads.ui import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uploads.client import UploadClient

LONGEST_NAME = 150
"""Characters of a file's name in a key: S3's 1,024 bytes have to do for the rest as well."""

# What no key may hold (Unicode's Cf), apart from control characters and surrogates.
_FORMATTING = (
    (0x80, 0xA0),
    (0xAD, 0xAD),
    (0x600, 0x605),
    (0x61C, 0x61C),
    (0x6DD, 0x6DD),
    (0x70F, 0x70F),
    (0x890, 0x891),
    (0x8E2, 0x8E2),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0x110BD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0001, 0xE007F),
)
_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def key_name(name: str) -> str:
    """A file's name as the last step of a key: nothing that could be taken for a folder, or that a server refuses."""
    kept = []
    for letter in name:
        code = ord(letter)
        is_kept = letter in _PLAIN or (
            code > 127 and not any(first <= code <= last for first, last in _FORMATTING)
        )
        kept.append(letter if is_kept else "_")
    safe = "".join(kept)[-LONGEST_NAME:]
    return safe if safe.strip(".") else "file"


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

    def start_upload(
        self, file: "Any", project_id: "str | None" = None, key: str = "", upload_id: str = ""
    ) -> None:
        """Begins an upload where the page around wants it to be. Raises `ClientError` and `ProtocolError`."""
        client = self._client
        assert client is not None, "the picker is there when it is configured"
        upload_id = upload_id or client.new_id()
        if self._key_prefix and not key:
            key = f"{self._key_prefix}{upload_id}/{key_name(self._file_name(file) or '')}"
        client.start_upload(file, project_id or self._project_id, key, upload_id)

    def _carry_out(self, message: "dict[str, Any]", file: "Any") -> None:
        kind = message["type"]
        if (kind == e.ADD_FILE and self._file_name(file) is None) or (
            kind != e.ADD_FILE and file is not None
        ):
            raise ProtocolError(words.EMBED_FILE)
        client = self._client
        if kind == e.CONFIGURE:
            self._configure(message)
        elif client is None:
            raise ProtocolError(words.EMBED_NOT_CONFIGURED)
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
            raise ProtocolError(words.EMBED_RESTRICTIONS)
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
