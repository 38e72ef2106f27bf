"""The data directory: who may use it, and the keys that are made once and kept there.

keys.json   0600: the server's secret, the embedded store's identities and signing keys
store/      0700: the embedded store's files
.lock       held by the one serve.py that works here
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from uploads.server.errors import UserError


def _token() -> str:
    return secrets.token_hex(32)


@dataclass(frozen=True)
class Identity:
    """An access key and its secret at the embedded store."""

    access_key: str = field(default_factory=lambda: secrets.token_hex(10).upper())
    secret_key: str = field(default_factory=_token, repr=False)


@dataclass(frozen=True)
class Keys:
    """All that must stay secret and must stay the same over restarts."""

    secret: str = field(default_factory=_token, repr=False)
    admin: Identity = field(default_factory=Identity)
    signer: Identity = field(default_factory=Identity)
    jwt: tuple[str, ...] = field(default_factory=lambda: tuple(_token() for _ in range(4)), repr=False)


class DataDirectory:
    """A directory that this process alone works in until it is closed (or the process ends)."""

    def __init__(self, path: Path) -> None:
        """Make `path` (0700) unless it exists, and lock it. Raises `UserError` when it is taken or not writable."""
        self.path = path.resolve()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UserError(f"The data directory {self.path} cannot be written: {error.strerror}.") from error
        try:
            _lock(self._lock)
        except OSError as error:
            os.close(self._lock)
            raise UserError(
                f"The data directory {self.path} is in use by another serve.py; stop it, or name another with --data."
            ) from error

    def close(self) -> None:
        """Let another process have the directory."""
        os.close(self._lock)

    def keys(self) -> Keys:
        """The keys kept here, made at the first call. Raises `UserError` when their file is damaged."""
        path = self.path / "keys.json"
        try:
            text = path.read_text()
        except FileNotFoundError:
            keys = Keys()
            write_private(path, json.dumps(asdict(keys)))
            return keys
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from error
        try:
            values = json.loads(text)
            return Keys(
                values["secret"],
                Identity(**values["admin"]),
                Identity(**values["signer"]),
                tuple(values["jwt"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} is damaged: move it away, and new keys are made.") from error


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text`, readable by its owner alone (0600), whole or not at all. Raises `UserError`."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error


def _lock(handle: int) -> None:
    """Take the lock on an open file or raise `OSError`; the system drops it with the process."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
