"""The site as it is served: the build's directory, with the headers that keep it safe, and the API's own page.

The headers: a content security policy for each kind of answer, no sniffing, no referrer. Reads the one directory.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from uploads.server.identity import Guests

for _suffix, _type in {
    ".wasm": "application/wasm",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".py": "text/x-python",
    ".zip": "application/zip",
    ".whl": "application/zip",
}.items():
    mimetypes.add_type(_type, _suffix)  # whatever this system's own table says

_NOTHING = "default-src 'none'; frame-ancestors 'none'"


class Headers:
    """Puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, *, store_origin: str, frame_ancestors: str) -> None:
        self._app = app
        self._page = (
            "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval'; style-src 'self'; "
            f"img-src 'self' data: blob:; connect-src 'self' {store_origin}; worker-src 'self'; object-src 'none'; "
            f"base-uri 'none'; form-action 'none'; frame-ancestors {frame_ancestors}"
        )
        self._worker = (
            f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' {store_origin}; "
            "object-src 'none'; base-uri 'none'"
        )
        self._viewer = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def policy(self, path: str) -> str:
        """The content security policy for an address."""
        if path.startswith("/worker/"):
            return self._worker
        if path.startswith("/docs"):
            return self._viewer
        if path.startswith(("/s3/", "/healthz", "/openapi.json")):
            return _NOTHING
        return self._page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self.policy(scope["path"])
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault(
                    "Cache-Control", "no-store" if scope["path"].startswith("/s3/") else "no-cache"
                )
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Site(StaticFiles):
    """The built directory. The page itself gives a new visitor an identity, so that page and worker share one."""

    def __init__(self, directory: Path, guests: Guests) -> None:
        super().__init__(directory=directory, html=True)
        self._guests = guests

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file at `path`; nothing that begins with a dot. Raises `HTTPException` (404)."""
        if any(step.startswith(".") and step != "." for step in path.replace("\\", "/").split("/")):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        if path in {".", "index.html"} and response.status_code in {200, 304}:
            request = Request(scope)
            if self._guests.known(request) is None:
                self._guests.welcome(response)
        return response


_VIEWER = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The signing API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="vendor/swagger-ui/swagger-ui.css">
<div id="viewer"></div>
<script src="vendor/swagger-ui/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""

_VIEWER_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#viewer",
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""


def make_viewer() -> APIRouter:
    """/docs: the API described, from files of this site alone."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    def show() -> HTMLResponse:
        return HTMLResponse(_VIEWER)

    @router.get("/docs/start.js")
    def start() -> PlainTextResponse:
        return PlainTextResponse(_VIEWER_START, media_type="text/javascript")

    return router
