"""What the server counts of itself, for Prometheus: answers, calls of the store, uploads and bytes. No label names anybody.

Served by a thread of its own, at a port of its own, on loopback unless it is told otherwise: it is nobody's business on
the web. May listen there.
"""

from __future__ import annotations

from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import Scope

from uploads.server.errors import UserError

MULTIPLE = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that has a process keep its counters in files of a folder, as prometheus_client reads it when imported."""

_STEPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"uploads_{name}", what, labels, registry=self._registry)

        self._answers = counter("answers", "Answers, by call and status", "method", "route", "status")
        self._seconds = Histogram(
            "uploads_answer_seconds",
            "Seconds until an answer began",
            ("route",),
            registry=self._registry,
            buckets=_STEPS,
        )
        self._store_calls = counter(
            "store_calls", "Calls of the store, by what it said", "operation", "outcome"
        )
        self._uploads = counter("uploads", "Uploads that were created, completed or aborted", "event")
        self._bytes = counter("completed_bytes", "Bytes of completed uploads")
        self._signatures = counter("signatures", "URLs of parts that were signed")

    def count_answer(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one answer by its call's pattern; addresses that are no call are "other"."""
        route = getattr(scope.get("route"), "path", "other")
        method = (
            scope["method"]
            if scope["method"] in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}
            else "other"
        )
        self._answers.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_upload(self, event: Literal["created", "completed", "aborted"], size: int = 0) -> None:
        """Count what became of an upload; `size` in bytes, of one that was completed."""
        self._uploads.labels(event).inc()
        if event == "completed":
            self._bytes.inc(size)

    def count_signatures(self, number: int) -> None:
        self._signatures.inc(number)

    def watch(self, client: Any) -> None:
        """Count the calls of a boto3 client."""
        events = client.meta.events

        def answered(http_response: Any, model: Any, **_: Any) -> None:
            self._store_calls.labels(model.name, str(http_response.status_code)).inc()

        def failed(event_name: str, exception: Exception, **_: Any) -> None:
            self._store_calls.labels(event_name.rpartition(".")[2], type(exception).__name__).inc()

        events.register("after-call.s3", answered)
        events.register("after-call-error.s3", failed)

    def serve(self, port: int, host: str) -> None:
        """Answer `GET /metrics` there. Raises `UserError` when the port cannot be had."""
        _serve(self._registry, port, host)


def serve_all(folder: str, port: int, host: str) -> None:
    """Answer `GET /metrics` there with the sums of all processes that keep their counters in `folder`.

    Raises `UserError` when the port cannot be had.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    _serve(registry, port, host)


def _serve(registry: CollectorRegistry, port: int, host: str) -> None:
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise UserError(
            f"UPLOADS_METRICS_PORT: port {port} of {host} is not to be had ({error.strerror})."
        ) from None
