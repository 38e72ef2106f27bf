"""The processes that answer: one, or several at the same listening socket (`--workers N`).

They share nothing but that socket and the secret, as replicas on several machines do. One that ends is replaced; all end
with the process that began them. May start processes and listen for Prometheus.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event

import uvicorn
from fastapi import FastAPI

from uploads.server import logs
from uploads.server.abilities import Probe
from uploads.server.app import begin_work, make_app
from uploads.server.bucket import Rules
from uploads.server.connections import PatientProtocol, Server
from uploads.server.console import say
from uploads.server.health import Drain
from uploads.server.metrics import MULTIPLE, serve_all
from uploads.server.paths import DIST
from uploads.server.settings import Settings
from uploads.server.store import Credentials, Store

log = logging.getLogger("uploads.workers")

_GRACE = 3  # seconds for answers that are under way when the server is told to end
_LOOK = 0.5  # seconds between two looks after the store, and after a signal
_SHORT_LIFE = 10.0  # seconds; a worker that lived less is replaced after a pause
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Plan:
    """What a process has to know in order to answer. It is handed over through a pipe, never by the command line."""

    settings: Settings
    endpoint: str | None
    credentials: Credentials | None
    secret: str
    rules: Rules

    def make_app(self, is_ready: Callable[[], bool], drain: Drain) -> FastAPI:
        """The application. Raises `UserError` for what the settings name and nobody has."""
        store = Store(self.settings, self.endpoint, self.credentials)
        return make_app(
            self.settings,
            store,
            self.secret,
            DIST,
            self.rules,
            is_ready,
            drain=drain,
            hosts=self.settings.hosts,
        )


def work(plan: Plan, listener: socket.socket, is_ready: Callable[[], bool]) -> None:
    """Answer until a signal comes. Raises `UserError` as `Plan.make_app` does, and for a port of Prometheus's."""
    settings, drain = plan.settings, Drain()
    with ExitStack() as stack:
        app = plan.make_app(is_ready, drain)
        if settings.workers == 1:
            if settings.metrics_port:
                app.state.metrics.serve(settings.metrics_port, settings.metrics_host)
            _announce(settings)
        stack.callback(begin_work(app, Probe(settings, plan.endpoint, plan.credentials)))
        config = uvicorn.Config(
            app,
            http=PatientProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            forwarded_allow_ips=settings.trusted_proxies,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=64 * 1024,
            timeout_graceful_shutdown=_GRACE,
        )
        Server(config, drain, settings.drain).run(sockets=[listener])


def _announce(settings: Settings) -> None:
    say(f"\nUpload Worker is at {settings.own_origins[0]}/   (its API: /docs, Ctrl-C stops it)\n")


@dataclass
class _Worker:
    process: SpawnProcess
    began: float = field(default_factory=time.monotonic)


class Crew:
    """As many processes as the settings say. `is_ready` is asked here, where the embedded store is looked after."""

    def __init__(self, plan: Plan, listener: socket.socket, is_ready: Callable[[], bool]) -> None:
        self._plan = plan
        self._listener = listener
        self._is_ready = is_ready
        self._context = multiprocessing.get_context("spawn")
        self._ready = self._context.Event()
        self._workers: dict[int, _Worker] = {}
        self._due: dict[int, float] = dict.fromkeys(range(plan.settings.workers), 0.0)
        self._pauses: dict[int, float] = {}
        self._signals: list[int] = []

    def run(self) -> None:
        """Keep them at work until a signal comes, and end them then. Raises `UserError` as `work` does."""
        settings = self._plan.settings
        self._plan.make_app(
            self._is_ready, Drain()
        )  # so that what is wrong is said once, and by this process
        with tempfile.TemporaryDirectory(prefix="upload-worker-") as counters, self._signals_noted():
            os.environ[MULTIPLE] = counters
            if settings.metrics_port:
                serve_all(counters, settings.metrics_port, settings.metrics_host)
            _announce(settings)
            try:
                while not self._signals:
                    self._look_after()
            finally:
                self._end()

    def _look_after(self) -> None:
        if self._is_ready():
            self._ready.set()
        else:
            self._ready.clear()
        for number, worker in list(self._workers.items()):
            if worker.process.exitcode is not None:
                self._note_end(number, worker)
        for number, due in list(self._due.items()):
            if due <= time.monotonic():
                del self._due[number]
                self._start(number)
        wait([worker.process.sentinel for worker in self._workers.values()], _LOOK)

    def _start(self, number: int) -> None:
        process = self._context.Process(
            target=_work_for_crew,
            args=(self._plan, self._listener, self._ready),
            name=f"worker-{number + 1}",
            daemon=True,
        )
        process.start()
        self._workers[number] = _Worker(process)

    def _note_end(self, number: int, worker: _Worker) -> None:
        del self._workers[number]
        lived = time.monotonic() - worker.began
        pause = self._pauses.get(number, 0.0)
        self._pauses[number] = min(max(1.0, pause * 2), _LONGEST_PAUSE) if lived < _SHORT_LIFE else 0.0
        self._due[number] = time.monotonic() + self._pauses[number]
        log.warning(
            "worker %s (pid %s) ended with status %s after %.1f s and is replaced",
            number + 1,
            worker.process.pid,
            worker.process.exitcode,
            lived,
        )

    def _end(self) -> None:
        """Hand each signal on; who has not ended long after the last one is killed."""
        handed_on = 0
        limit = time.monotonic() + self._plan.settings.drain + _GRACE + 10
        alive = [worker.process for worker in self._workers.values()]
        if not self._signals:
            self._signals.append(signal.SIGINT)
        while alive := [process for process in alive if process.exitcode is None]:
            for number in self._signals[handed_on:]:
                for process in alive:
                    with suppress(ProcessLookupError):
                        _signal(process, number)
            handed_on = len(self._signals)
            if time.monotonic() > limit:
                for process in alive:
                    process.kill()
            wait([process.sentinel for process in alive], 0.1)

    @contextmanager
    def _signals_noted(self) -> Iterator[None]:
        def note(number: int, _frame: object) -> None:
            self._signals.append(number)

        before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _signal(process: SpawnProcess, number: int) -> None:
    if os.name == "nt" or process.pid is None:
        process.terminate()
    else:
        os.kill(process.pid, number)


def _work_for_crew(plan: Plan, listener: socket.socket, is_ready: Event) -> None:
    """What a process of several runs. The terminal's Ctrl-C reaches the first process alone, which hands it on."""
    if os.name != "nt":
        os.setsid()
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    logs.set_up(plan.settings.log)
    with suppress(KeyboardInterrupt):
        work(plan, listener, is_ready.is_set)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
