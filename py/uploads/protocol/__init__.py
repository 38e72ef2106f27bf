"""What the page and the worker say to each other: message types, their codec, and the configuration.

This room is shared by both threads and both interpreters (MicroPython and CPython/Pyodide): it is pure
functions over plain data, imports only `json`, `math` and `sys`, and touches no JavaScript.
"""

from uploads.protocol.codec import (
    MAX_MESSAGE_LENGTH,
    decode_parts,
    decode_worker_message,
    decode_worker_response,
    encode_message,
)
from uploads.protocol.config import DEFAULT_UPLOAD_CONFIG, check_upload_config
from uploads.protocol.errors import ConfigError, ProtocolError
from uploads.protocol.messages import (
    CANCEL_ALL,
    CANCEL_UPLOAD,
    COMMAND_REFUSED,
    DEMO_CLEAR,
    DEMO_CRASH,
    DEMO_EXPIRE_LINKS,
    DEMO_FORGET,
    DEMO_KEEP,
    DEMO_NETWORK,
    DEMO_OBJECT,
    DEMO_STATE,
    DEMO_VERIFIED,
    DEMO_VERIFY,
    ENGINE_FAILED,
    ENGINE_READY,
    ERROR_TYPES,
    FILE_ACCESS,
    FILE_MESSAGES,
    FILE_OFFERED,
    FILES_AT_HAND,
    GOODBYE,
    HELLO,
    KEPT_FILES,
    NETWORK_HINT,
    PAUSE_ALL,
    PAUSE_UPLOAD,
    PHASES,
    PROTOCOL_VERSION,
    REMOVE_UPLOAD,
    REOPEN_FILE,
    RESELECT_FILE,
    RESUME_ALL,
    RESUME_UPLOAD,
    RETRY_UPLOAD,
    SIGN_IN,
    SIGN_IN_NEEDED,
    START_UPLOAD,
    STATUSES,
    UPLOAD_REMOVED,
    UPLOAD_REPLACED,
    UPLOAD_SNAPSHOT,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploads.protocol.types import EngineCapabilities as EngineCapabilities
    from uploads.protocol.types import SessionSnapshot as SessionSnapshot
    from uploads.protocol.types import UploadConfig as UploadConfig
    from uploads.protocol.types import UploadedPart as UploadedPart
    from uploads.protocol.types import UploadError as UploadError
    from uploads.protocol.types import UploadProgress as UploadProgress
    from uploads.protocol.types import UploadSession as UploadSession

__all__ = [
    "CANCEL_ALL",
    "CANCEL_UPLOAD",
    "COMMAND_REFUSED",
    "DEFAULT_UPLOAD_CONFIG",
    "DEMO_CLEAR",
    "DEMO_CRASH",
    "DEMO_EXPIRE_LINKS",
    "DEMO_FORGET",
    "DEMO_KEEP",
    "DEMO_NETWORK",
    "DEMO_OBJECT",
    "DEMO_STATE",
    "DEMO_VERIFIED",
    "DEMO_VERIFY",
    "ENGINE_FAILED",
    "ENGINE_READY",
    "ERROR_TYPES",
    "FILES_AT_HAND",
    "FILE_ACCESS",
    "FILE_MESSAGES",
    "FILE_OFFERED",
    "GOODBYE",
    "HELLO",
    "KEPT_FILES",
    "MAX_MESSAGE_LENGTH",
    "NETWORK_HINT",
    "PAUSE_ALL",
    "PAUSE_UPLOAD",
    "PHASES",
    "PROTOCOL_VERSION",
    "REMOVE_UPLOAD",
    "REOPEN_FILE",
    "RESELECT_FILE",
    "RESUME_ALL",
    "RESUME_UPLOAD",
    "RETRY_UPLOAD",
    "SIGN_IN",
    "SIGN_IN_NEEDED",
    "START_UPLOAD",
    "STATUSES",
    "UPLOAD_REMOVED",
    "UPLOAD_REPLACED",
    "UPLOAD_SNAPSHOT",
    "ConfigError",
    "ProtocolError",
    "check_upload_config",
    "decode_parts",
    "decode_worker_message",
    "decode_worker_response",
    "encode_message",
]
