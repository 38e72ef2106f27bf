"""The application for somebody else's: an ASGI app to be mounted in FastAPI, Starlette or any other at a path of its own.

    app.mount("/uploads", create_app(authorize=authorize))

The settings are those of `serve.py`, from the environment. Nothing is started and no folder is written, so the store is
not the embedded one, and the secret has to be set: every process of the application has the same. May talk to the store.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from uploads.server.abilities import Probe
from uploads.server.app import begin_work, make_app
from uploads.server.bucket import make_ready
from uploads.server.errors import UserError
from uploads.server.options import Options
from uploads.server.permission import Authorize
from uploads.server.settings import Settings, load
from uploads.server.store import Store


def create_app(
    settings: Settings | None = None, *, authorize: Authorize | None = None, site: Path | None = None
) -> FastAPI:
    """The signing API; with `site`, a directory that `serve.py build` has made, the page as well.

    `authorize` decides who may upload what (`permission`). Raises `UserError` for settings that make no sense here, and
    for a bucket that cannot be used.
    """
    settings = settings or load(Options())
    if settings.embedded:
        raise UserError(
            "A mounted application needs an S3 store: name it with AWS_ENDPOINT_URL_S3, or set UPLOADS_STORE=s3 for AWS."
        )
    if settings.secret is None:
        raise UserError(
            "A mounted application needs UPLOADS_SECRET: all of its processes have to sign with the same."
        )
    rules = make_ready(settings, settings.endpoint, None)
    store = Store(settings, settings.endpoint)
    app = make_app(settings, store, settings.secret.get_secret_value(), site, rules, lambda: True, authorize)
    begin_work(app, Probe(settings, settings.endpoint, None))
    return app
