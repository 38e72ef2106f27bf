"""The application: the API, the site and their headers put together. Everything it needs is an argument."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from uploads.server.applications import Applications
from uploads.server.bucket import Rules
from uploads.server.errors import place_of
from uploads.server.identity import Guests
from uploads.server.jwks import KeySet
from uploads.server.limits import Limits
from uploads.server.pages import Cors, Headers, Site, make_viewer
from uploads.server.permission import Authorize, Permission, load_function
from uploads.server.problems import Problem, from_s3
from uploads.server.settings import Settings
from uploads.server.signing import Signing, make_router
from uploads.server.store import Store
from uploads.server.tokens import Tokens

log = logging.getLogger("uploads.server")


def make_app(
    settings: Settings,
    store: Store,
    secret: str,
    site: Path | None,
    rules: Rules,
    is_ready: Callable[[], bool],
    authorize: Authorize | None = None,
) -> FastAPI:
    """The ASGI application for one store and, if there is one, one built site.

    `secret` signs upload ids and cookies; `is_ready` tells whether the store takes bytes; `authorize` goes before the
    one that the settings name. Raises `UserError` for a function that the settings name and nobody has.
    """
    before = [old.get_secret_value() for old in settings.secret_before]
    guests = Guests(
        secret,
        secure=settings.secure_cookies,
        applications=_applications(settings),
        before=before,
        allowed=settings.guests,
    )
    if authorize is None and settings.authorize:
        authorize = load_function("UPLOADS_AUTHORIZE", settings.authorize)
    signing = Signing(
        settings,
        store,
        Tokens(secret, store.bucket, settings.upload_expiry, before),
        guests,
        limits := Limits(settings, store),
        Permission(authorize) if authorize else None,
    )
    app = FastAPI(
        title="Upload Worker",
        summary="The signing API: uploads of parts, straight from the browser into S3.",
        version="1",
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(Headers, store_origin=store.origin, frame_ancestors=settings.framing_pages),
            Middleware(Cors, allowed=settings.allowed_origins),
        ],
    )
    app.state.guests = guests
    app.state.limits = limits
    app.state.page_origins = settings.page_origins
    _answer_problems(app)
    app.include_router(make_router(signing))
    if site:
        app.include_router(make_viewer(site))

    @app.get("/healthz", tags=["server"])
    def tell_health() -> JSONResponse:
        """`ok` once everything can be used; 503 while the store cannot be reached."""
        try:
            store.check()
            ready = is_ready()
        except (ClientError, BotoCoreError):
            ready = False
        if not ready:
            return JSONResponse({"status": "unavailable", "store": "unreachable"}, 503)
        kind = "embedded" if settings.embedded else "s3"
        return JSONResponse({"status": "ok", "store": kind, "cors": rules.cors, "lifecycle": rules.lifecycle})

    @app.api_route(
        "/s3/{rest:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"], include_in_schema=False
    )
    def refuse() -> JSONResponse:
        raise Problem(404, "NoSuchCall", "There is no such call.")

    if site:
        app.mount("/", Site(site, guests))
    return app


def _applications(settings: Settings) -> Applications | None:
    secret, url = settings.jwt_secret, settings.jwks_url
    if not secret and not url:
        return None
    return Applications(
        secret.get_secret_value() if secret else None,
        settings.jwt_audience,
        settings.jwt_issuer,
        KeySet(url) if url else None,
    )


def _answer_problems(app: FastAPI) -> None:
    """Have every failure answered in the one shape, and told in the log without a secret."""

    def answer(problem: Problem) -> JSONResponse:
        return JSONResponse(problem.body(), problem.status, problem.headers())

    @app.exception_handler(Problem)
    def refused(_request: Request, error: Problem) -> JSONResponse:
        return answer(error)

    @app.exception_handler(ClientError)
    @app.exception_handler(BotoCoreError)
    def failed(request: Request, error: ClientError | BotoCoreError) -> JSONResponse:
        problem = from_s3(error)
        response: Any = getattr(error, "response", None) or {}  # a call that was cut off has one that is None
        request_id = response.get("ResponseMetadata", {}).get("RequestId", "-")
        log.warning(
            "%s %s: store said %s (request %s)", request.method, _route(request), problem.code, request_id
        )
        return answer(problem)

    @app.exception_handler(RequestValidationError)
    def misunderstood(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = (
            ".".join(str(step) for step in first["loc"] if step not in {"body", "query", "path"}) or "body"
        )
        status = 400 if first["type"] == "json_invalid" else 422
        return answer(Problem(status, "ValidationError", f"{where}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    def missing(_request: Request, error: HTTPException) -> JSONResponse:
        return answer(
            Problem(
                error.status_code, "NotFound" if error.status_code == 404 else "BadRequest", str(error.detail)
            )
        )

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s: %s", request.method, _route(request), place_of(error))
        return answer(Problem(500, "InternalError", "The server made a mistake.", retryable=True))


def _route(request: Request) -> str:
    """The call's pattern, not its address: that holds upload ids and keys."""
    return str(getattr(request.scope.get("route"), "path", request.url.path.split("/")[1]))
