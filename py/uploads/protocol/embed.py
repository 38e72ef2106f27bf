"""What a widget (the page in a frame, with `?embed`) and the page around it say to each other.

First a handshake between the two windows, of which the widget has a secret only for the origin that its address names;
then messages over a port that no other page has. The page around is a stranger: what it says is checked like everything
from outside, and it is told no URL and no token.

The messages are JSON text as between page and worker, with tables of their own. A `version` may be left out by the page
around: the handshake has settled it.
"""

import json

from uploads.protocol.codec import decode, encode
from uploads.protocol.errors import ProtocolError
from uploads.protocol.kinds import BearerToken, Choice, Flag, Kind, Maybe, Record, Text, Texts, Whole
from uploads.protocol.messages import CAPABILITIES, ERROR, LONGEST_TOKEN, PROGRESS, SESSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

EMBED_VERSION = 1
WIDGET_READY, WIDGET_CONNECT = "upload-widget:ready", "upload-widget:connect"
"""The two words of the handshake."""

LONGEST_HANDSHAKE = 1000
LONGEST_ORDER = 64 * 1024
"""Characters of what the page around may say. Nothing longer is even parsed."""

THEMES = ("light", "dark", "system")

# Page around → widget
CONFIGURE = "CONFIGURE"
SET_TOKEN = "SET_TOKEN"  # noqa: S105 - a message's name
OPEN_PICKER = "OPEN_PICKER"
ADD_FILE = "ADD_FILE"
ORDERS = ("PAUSE", "RESUME", "CANCEL", "RETRY", "REMOVE")
"""For one upload."""
ORDERS_FOR_ALL = ("PAUSE_ALL", "RESUME_ALL", "CANCEL_ALL")

# Widget → page around
READY = "READY"
SNAPSHOT = "SNAPSHOT"
PROGRESSED = "PROGRESS"
COMPLETED = "COMPLETED"
FAILED = "FAILED"
REMOVED = "REMOVED"
REFUSED = "REFUSED"
HEIGHT = "HEIGHT"
TOKEN_NEEDED = "TOKEN_NEEDED"  # noqa: S105 - a message's name


def _upload_id(nullable: bool = False) -> Text:
    return Text(1, 200, nullable)


RESTRICTIONS = Record(
    {
        "allowed_types": Maybe(Texts(most=100)),
        "max_file_size": Maybe(Whole()),  # bytes
        "min_file_size": Maybe(Whole()),  # bytes
        "max_files": Maybe(Whole(least=1)),
    }
)

_FOR_ONE = Record({"upload_id": _upload_id()})
_EMPTY = Record({})

HOST_MESSAGES = {
    # the first one; a later one changes what it names, but for the restrictions
    CONFIGURE: Record(
        {
            "token": Maybe(BearerToken(1, LONGEST_TOKEN)),
            "project_id": Maybe(Text(1)),
            "key_prefix": Maybe(Text(longest=200)),
            "restrictions": Maybe(RESTRICTIONS),
            "theme": Maybe(Choice(THEMES)),
            "locale": Maybe(Text(1, 100)),  # a BCP 47 tag
            "transparent": Maybe(Flag()),
        }
    ),
    SET_TOKEN: Record({"token": BearerToken(1, LONGEST_TOKEN)}),
    OPEN_PICKER: _EMPTY,
    # with a `File` beside it
    ADD_FILE: Record(
        {"upload_id": Maybe(_upload_id()), "project_id": Maybe(Text(1)), "s3_key": Maybe(Text(1, 1024))}
    ),
}
"""Page around → widget."""
for _kind in ORDERS:
    HOST_MESSAGES[_kind] = _FOR_ONE
for _kind in ORDERS_FOR_ALL:
    HOST_MESSAGES[_kind] = _EMPTY

_SHOWN: "dict[str, Kind]" = {name: kind for name, kind in SESSION.fields.items() if name != "object_url"}
_SHOWN["file_size"] = Whole(nullable=True)  # bytes; None until the engine has seen the file

WIDGET_MESSAGES = {
    # the engine works, or works anew
    READY: Record({"capabilities": CAPABILITIES}),
    # an upload as it is, whenever more than its progress has changed
    SNAPSHOT: Record({"session": Record(_SHOWN), "progress": PROGRESS, "error": ERROR}),
    PROGRESSED: Record({"upload_id": _upload_id(), "progress": PROGRESS}),
    COMPLETED: Record(
        {
            "upload_id": _upload_id(),
            "project_id": Text(),
            "s3_key": Text(),
            "file_name": Text(),
            "content_type": Text(),
            "size": Whole(),  # bytes
            "etag": Text(nullable=True),
        }
    ),
    # without an id: nothing can be uploaded at all
    FAILED: Record({"upload_id": _upload_id(nullable=True), "error": ERROR}),
    # taken off the list; `by`: it was known already, under this id
    REMOVED: Record({"upload_id": _upload_id(), "by": _upload_id(nullable=True)}),
    # `request`: the type of the message that was not carried out
    REFUSED: Record(
        {"request": Text(nullable=True), "upload_id": _upload_id(nullable=True), "message": Text()}
    ),
    HEIGHT: Record({"height": Whole()}),  # CSS pixels that the widget would like to have
    TOKEN_NEEDED: _EMPTY,
}
"""Widget → page around."""


def encode_news(message: "Mapping[str, object]") -> str:
    """The JSON text of a message of the widget's. Raises `ProtocolError` for what is not one."""
    return encode(message, WIDGET_MESSAGES, EMBED_VERSION)


def decode_order(text: object) -> "dict[str, Any]":
    """A message of the page around: `{"type": …, …}` with snake_case keys. Raises `ProtocolError`."""
    return decode(text, HOST_MESSAGES, EMBED_VERSION, longest=LONGEST_ORDER, needs_version=False)


class Handshake:
    """The widget's half. `host_origin`: the one origin that may answer; `nonce`: fresh, and told to that origin alone."""

    def __init__(self, host_origin: str, nonce: str) -> None:
        self._host_origin = host_origin
        self._nonce = nonce
        self._is_done = False

    def offer(self) -> str:
        """What to post to the window around, for `host_origin` only: JSON text of the message."""
        return json.dumps({"type": WIDGET_READY, "version": EMBED_VERSION, "nonce": self._nonce})

    def comes_from_host(self, is_parent: bool, origin: str) -> bool:
        """Whether a message comes from where an answer may come from. What others send is not even looked at."""
        return is_parent and origin == self._host_origin

    def accept(self, text: object, ports: int) -> None:
        """Take a message from there, in JSON, that came with so many ports. Raises `ProtocolError`, and changes nothing,

        unless it is the answer: the first one, with this nonce and one port.
        """
        if not isinstance(text, str) or len(text) > LONGEST_HANDSHAKE:
            raise ProtocolError("the message is no handshake")
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.get("type") != WIDGET_CONNECT:
            raise ProtocolError("the message is no handshake")
        if found.get("version") is True or found.get("version") != EMBED_VERSION:
            raise ProtocolError(f"version must be {EMBED_VERSION}")
        if found.get("nonce") != self._nonce:
            raise ProtocolError("the nonce is not the one that this widget has told")
        if len(found) != 3:
            raise ProtocolError("there must be a type, a version and a nonce, and nothing else")
        if ports != 1:
            raise ProtocolError(f"there must be one port, not {ports}")
        if self._is_done:
            raise ProtocolError("there has been a handshake already")
        self._is_done = True
