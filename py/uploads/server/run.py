"""`serve.py` itself: data directory, site, store and application, started in order and stopped in order."""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from botocore.exceptions import BotoCoreError, ClientError

from uploads.server import logs, site
from uploads.server.bucket import make_ready
from uploads.server.console import say
from uploads.server.data import DataDirectory, Identity, Keys
from uploads.server.embedded import EmbeddedStore
from uploads.server.errors import UserError
from uploads.server.paths import DIST
from uploads.server.settings import Settings
from uploads.server.store import Credentials, make_client
from uploads.server.workers import Crew, Plan, work

log = logging.getLogger("uploads.server")
_PROBE = ".upload-worker/start-probe"


def serve(settings: Settings) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit status. Raises `UserError` with the sentence for a person."""
    logs.set_up(settings.log)
    with ExitStack() as stack:
        stack.enter_context(_term_is_interrupt())
        listener = stack.enter_context(_listen(settings.host, settings.port))
        data = DataDirectory(settings.data)
        stack.callback(data.close)
        keys = data.keys()
        site.build(DIST)
        endpoint = settings.endpoint
        credentials: Credentials | None = None  # the usual chain of AWS
        admin: Credentials | None = None
        checks: list[Callable[[], bool]] = []
        if settings.embedded:
            say("Starting the store")
            embedded = EmbeddedStore(data.path / "store", keys, settings.bucket)
            stack.callback(embedded.stop)
            embedded.start(lambda endpoint: _probe_of(settings, endpoint, keys))
            endpoint, credentials = embedded.endpoint, _credentials(keys.signer)
            admin = _credentials(keys.admin)
            checks.append(embedded.check)
            if not embedded.set_fsync():
                log.warning(
                    "the store does not sync each object to disk: a power cut may lose the newest ones"
                )
            _warn_about_reach(settings)
        plan = Plan(
            settings,
            endpoint,
            credentials,
            settings.secret.get_secret_value() if settings.secret else keys.secret,
            make_ready(settings, endpoint, admin),
        )

        def is_ready() -> bool:
            return all(check() for check in checks)

        if settings.workers == 1:
            work(plan, listener, is_ready)
        else:
            Crew(plan, listener, is_ready).run()
    return 0


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    """The socket the page is served on. Raises `UserError` when the port is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UserError(f"The host {host!r} cannot be listened on: {error.strerror}.") from error
    with listener:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            raise UserError(
                f"Port {port} of {host} is not to be had ({error.strerror}): name another with --port."
            ) from error
        yield listener


@contextmanager
def _term_is_interrupt() -> Iterator[None]:
    """Let SIGTERM end things in order, as Ctrl-C does, also while they start."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _credentials(identity: Identity) -> Credentials:
    return Credentials(identity.access_key, identity.secret_key)


def _probe_of(settings: Settings, endpoint: str, keys: Keys) -> Callable[[], bool]:
    """A check whether the store can be used: it gives back what it had before it was started, and takes new bytes.

    The probe's object stays in the bucket for the next start. It has a byte at least, since an empty object never
    reaches the part of the store that keeps the bytes, which has been seen to get ready seconds after the rest.
    """
    client = make_client(settings, endpoint, _credentials(keys.admin), read_timeout=10)

    def check() -> bool:
        body = secrets.token_bytes(16)
        try:
            with suppress(client.exceptions.NoSuchKey):  # the first start
                client.get_object(Bucket=settings.bucket, Key=_PROBE)["Body"].read()
            client.put_object(Bucket=settings.bucket, Key=_PROBE, Body=body)
            return client.get_object(Bucket=settings.bucket, Key=_PROBE)["Body"].read() == body
        except (ClientError, BotoCoreError):
            return False

    return check


def _warn_about_reach(settings: Settings) -> None:
    if settings.host not in {"127.0.0.1", "localhost", "::1"}:
        say(
            "The embedded store can be reached from this machine only: uploads from elsewhere need another store."
        )
