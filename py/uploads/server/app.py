"""The application: the API, the site and their headers put together. Everything it needs is an argument."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware import Middleware

from uploads.server.abilities import Abilities, Probe
from uploads.server.answering import Mistakes, answer_problems
from uploads.server.applications import Applications
from uploads.server.bodies import BodyLimit
from uploads.server.bucket import Rules
from uploads.server.delivery import Delivery
from uploads.server.health import Drain, make_health
from uploads.server.hooks import Hooks
from uploads.server.identity import Guests
from uploads.server.jwks import KeySet
from uploads.server.limits import Limits
from uploads.server.live import Live
from uploads.server.logs import AccessLog
from uploads.server.metrics import Metrics
from uploads.server.multipart import make_router
from uploads.server.outbox import Outbox
from uploads.server.pages import Cors, Headers, Site, make_viewer, named_origins
from uploads.server.permission import Authorize, Permission, load_function
from uploads.server.problems import Problem
from uploads.server.settings import Settings
from uploads.server.signing import Signing
from uploads.server.store import Store
from uploads.server.tokens import Tokens
from uploads.server.watching import make_events
from uploads.server.webhooks import Webhook


def make_app(
    settings: Settings,
    store: Store,
    secret: str,
    site: Path | None,
    rules: Rules,
    is_ready: Callable[[], bool],
    authorize: Authorize | None = None,
    drain: Drain | None = None,
    hosts: Collection[str] | None = None,
) -> FastAPI:
    """The ASGI application for one store and, if there is one, one built site.

    `secret` signs upload ids and cookies; `is_ready` tells whether the store takes bytes; `authorize` goes before the
    one that the settings name; `drain` says when the server is about to end; `hosts`: the names by which it may be
    called, where they are known. Raises `UserError` for what the settings name and nobody has: a function, a key.
    """
    metrics = Metrics()
    store.watch(metrics.watch)
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
    limits, webhook = Limits(settings, store), _webhook(settings, store)
    abilities = Abilities(settings)
    live = Live(store, settings.prefix)
    hooks = (
        Hooks(settings.hooks, store, settings.prefix, live, webhook.send if webhook else None)
        if settings.hooks
        else None
    )
    signing = Signing(
        settings,
        store,
        tokens=Tokens(secret, store.bucket, settings.upload_expiry, before),
        guests=guests,
        limits=limits,
        metrics=metrics,
        abilities=abilities,
        live=live,
        delivery=Delivery(settings, store),
        permission=Permission(authorize) if authorize else None,
        listeners=[
            *([webhook.send] if webhook else []),
            *([hooks.arrived] if hooks else []),
        ],
    )
    app = FastAPI(
        title="Upload Worker",
        summary="The signing API: uploads of parts, straight from the browser into S3.",
        version="1",
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(AccessLog, metrics.count_answer),
            Middleware(
                Headers,
                origins=[store.origin, *named_origins(site)],
                frame_ancestors=settings.framing_pages,
            ),
            Middleware(Cors, allowed=settings.allowed_origins),
            Middleware(Mistakes),
            Middleware(BodyLimit),
        ],
    )
    app.state.guests = guests
    app.state.limits = limits
    app.state.metrics = metrics
    app.state.abilities = abilities
    app.state.couriers = [courier for courier in (webhook, hooks) if courier]
    app.state.page_origins = settings.page_origins
    app.state.hosts = hosts
    answer_problems(app)
    app.include_router(make_router(signing))
    app.include_router(make_events(live))
    if site:
        app.include_router(make_viewer(site))

    app.include_router(make_health(settings, store, rules, abilities, is_ready, drain or Drain()))

    @app.api_route(
        "/s3/{rest:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"], include_in_schema=False
    )
    def refuse() -> JSONResponse:
        raise Problem(404, "NoSuchCall", "There is no such call.")

    if site:
        app.mount("/", Site(site, guests))
    return app


def begin_work(app: FastAPI, probe: Probe) -> Callable[[], None]:
    """Begin what goes on beside the answers: what the store can do is found out, and what is left to deliver goes out.

    What is returned ends it.
    """
    app.state.abilities.begin(probe)
    for courier in app.state.couriers:
        courier.start()

    def end() -> None:
        for courier in app.state.couriers:
            courier.stop()

    return end


def _webhook(settings: Settings, store: Store) -> Webhook | None:
    if not settings.webhook_url or not settings.webhook_secret:
        return None
    secret = settings.webhook_secret.get_secret_value()
    return Webhook(settings.webhook_url, secret, Outbox(store, settings.prefix, "outbox"))


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
