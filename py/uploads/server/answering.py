"""Problems as answers: the one shape, with the request's id, and no word of what went wrong inside.

answer_problems(app)   has the application's own errors, and FastAPI's, answered so
Mistakes               answers what nobody expected
"""

from __future__ import annotations

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from uploads.server.errors import place_of
from uploads.server.problems import Problem, from_s3

log = logging.getLogger("uploads.server")


def answer_to(scope: Scope, problem: Problem) -> JSONResponse:
    """The answer that tells of a problem, to be sent."""
    request_id = scope.get("state", {}).get("request_id", "")
    return JSONResponse(problem.body() | {"requestId": request_id}, problem.status, problem.headers())


async def answer(scope: Scope, send: Send, problem: Problem) -> None:
    """Send it, without a look at the rest of the request."""

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    await answer_to(scope, problem)(scope, receive, send)


def answer_problems(app: FastAPI) -> None:
    """Have every failure that is expected answered in the one shape, and told in the log without a secret."""

    @app.exception_handler(Problem)
    def refused(request: Request, error: Problem) -> JSONResponse:
        return answer_to(request.scope, error)

    @app.exception_handler(ClientError)
    @app.exception_handler(BotoCoreError)
    def failed(request: Request, error: ClientError | BotoCoreError) -> JSONResponse:
        problem = from_s3(error)
        response: Any = getattr(error, "response", None) or {}  # a call that was cut off has one that is None
        store_id = response.get("ResponseMetadata", {}).get("RequestId", "-")
        log.warning("%s: store said %s (request %s)", _call(request.scope), problem.code, store_id)
        return answer_to(request.scope, problem)

    @app.exception_handler(RequestValidationError)
    def misunderstood(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = (
            ".".join(str(step) for step in first["loc"] if step not in {"body", "query", "path"}) or "body"
        )
        status = 400 if first["type"] == "json_invalid" else 422
        return answer_to(request.scope, Problem(status, "ValidationError", f"{where}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    def missing(request: Request, error: HTTPException) -> JSONResponse:
        code = "NotFound" if error.status_code == 404 else "BadRequest"
        return answer_to(request.scope, Problem(error.status_code, code, str(error.detail)))


class Mistakes:
    """Answers for whatever fails within, as long as nothing was answered yet. It stands within what adds headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_and_know(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_know)
        except Problem as problem:  # of what stands between here and the application
            if has_begun or scope["type"] != "http":
                raise
            await answer(scope, send, problem)
        except Exception as error:
            # Its text may hold anything, so only its kind and place are told.
            log.error("%s: %s", _call(scope), place_of(error))  # noqa: TRY400
            if has_begun or scope["type"] != "http":
                raise
            mistake = Problem(500, "InternalError", "The server made a mistake.", retryable=True)
            await answer(scope, send, mistake)


def _call(scope: Scope) -> str:
    """The call by its pattern, not by its address: that holds upload ids and keys."""
    route = getattr(scope.get("route"), "path", None)
    return f"{scope.get('method', scope['type'])} {route or scope['path'].split('/')[1]}"
