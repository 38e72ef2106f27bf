"""What the server writes: one line for every answer, and nothing that is secret.

A line has the method, the path without what stands for an upload, the status, the milliseconds and the request's id. With
`UPLOADS_LOG=json` each line is one JSON object. May write to standard error.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("uploads.server")

REQUEST_ID = "X-Request-Id"
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_NOISY = ("botocore", "boto3", "urllib3")
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """A line of the log as a JSON object; what a record carries as `facts` stands beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(line | getattr(record, "facts", {}), ensure_ascii=False)


def set_up(form: Literal["text", "json"]) -> None:
    """Write the log of this process to standard error in that form, and keep others from writing secrets into it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # What no line shows is not looked up for each (Python's logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)  # they log signed addresses
    uvicorn_log = logging.getLogger("uvicorn.error")
    uvicorn_log.setLevel(logging.WARNING)
    # A traceback may hold anything; the application tells its place.
    uvicorn_log.addFilter(lambda record: not record.exc_info)


class AccessLog:
    """Gives every request an id, which its answer carries, and logs the answer; never a query.

    An id that comes with the request is kept if it is a sane one, so that a balancer's log tells the same.
    """

    def __init__(self, app: ASGIApp, measure: Callable[[Scope, int, float], None]) -> None:
        """`measure` is told of every answer too: its request, its status and the seconds until it began."""
        self._app = app
        self._measure = measure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        start = time.monotonic()

        async def send_and_log(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
                status, seconds = int(message["status"]), time.monotonic() - start
                tell(scope, status, seconds, request_id)
                self._measure(scope, status, seconds)
            await send(message)

        await self._app(scope, receive, send_and_log)


def tell(scope: Scope, status: int, seconds: float, request_id: str) -> None:
    """Log one answer, which took so long to begin."""
    facts: dict[str, Any] = {
        "method": scope["method"],
        "path": redact(scope["path"]),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "requestId": request_id,
    }
    log.info("%s %s %s %s ms %s", *facts.values(), extra={"facts": facts})


def redact(path: str) -> str:
    """A path without what stands for an upload, and without anything that could forge a line of the log."""
    steps = path.split("/")
    for at in range(len(steps) - 2):
        if steps[at : at + 2] == ["s3", "multipart"]:
            steps[at + 2] = "…"
    plain = "/".join(steps)
    return (plain if path.isascii() and path.isprintable() else plain.encode("unicode_escape").decode())[:200]
