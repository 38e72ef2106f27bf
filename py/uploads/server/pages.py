"""The site as it is served: the build's directory, with the headers that keep it safe, and the API's own page.

The headers: a content security policy for each kind of answer, no sniffing, no referrer, and who may read it from
another origin. Reads the one directory.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Collection
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse
from starlette.datastructures import Headers as RequestHeaders
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from uploads.server.compressing import ENCODINGS
from uploads.server.identity import OPAQUE, Guests
from uploads.server.layout import ASSETS, folders_of
from uploads.server.settings import origin_of

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
    ".snapshot": "application/octet-stream",
    ".webmanifest": "application/manifest+json",
}.items():
    mimetypes.add_type(_type, _suffix)  # whatever this system's own table says

_PAGE = {".", "index.html"}
_CHUNK = 1 << 20  # bytes read from a file at a time: each costs a change of threads
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]+")
_NOTHING = "default-src 'none'; frame-ancestors 'none'"


def path_within(scope: Scope) -> str:
    """The path below the one at which the application is mounted, if it is."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def named_origins(site: Path | None) -> list[str]:
    """The origins of other servers that a built site's settings name, which its pages may call."""
    if site is None:
        return []
    try:
        settings = json.loads((site / "config.json").read_text(encoding="utf-8"))["uploads"]
    except (OSError, ValueError, KeyError):
        return []
    found = []
    for name in ("signer_url", "analytics_url"):
        with suppress(ValueError):
            found.append(origin_of(str(settings.get(name, ""))))
    return found


class Headers:
    """Puts the security headers on every answer. `frame_ancestors`: as in the policy; "*" is everybody, files too."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str], frame_ancestors: str) -> None:
        """`origins`: what pages and workers may call besides their own, the store's first."""
        self._app = app
        others = " ".join(origins)
        framing = "" if frame_ancestors == "*" else f"; frame-ancestors {frame_ancestors}"
        self._page = (
            "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval'; style-src 'self'; "
            f"img-src 'self' data: blob:; connect-src 'self' {others}; worker-src 'self' blob:; "
            f"object-src 'none'; base-uri 'none'; form-action 'none'{framing}"
        )
        self._worker = (
            f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' {others}; "
            "object-src 'none'; base-uri 'none'"
        )
        self._viewer = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def policy(self, path: str, host: str) -> str:
        """The content security policy for an address at a host (with its port, as the browser asked for it).

        WebKit takes 'self' in a sandboxed frame for the frame's opaque origin, so the page's policy names its own.
        """
        if path.startswith((f"/{ASSETS}/worker-", "/upload_worker.js")):
            return self._worker
        if path == "/service_worker.js":
            return "default-src 'none'; connect-src 'self'"
        if path.startswith("/docs"):
            return self._viewer
        if path.startswith(("/s3/", "/healthz", "/readyz", "/openapi.json")):
            return _NOTHING
        return self._page.replace("'self'", f"'self' http://{host}") if _HOST.fullmatch(host) else self._page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        host = RequestHeaders(scope=scope).get("host", "")
        path = path_within(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self.policy(path, host)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault("Cache-Control", "no-store" if path.startswith("/s3/") else "no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Cors:
    """Which origins may read the API's answers. An opaque one may, but never with credentials: it may be anybody's."""

    def __init__(self, app: ASGIApp, *, allowed: Collection[str]) -> None:
        rules: dict[str, Any] = {
            "allow_methods": ["GET", "POST", "DELETE"],
            "allow_headers": ["Content-Type", "Authorization"],
            "expose_headers": ["Retry-After", "X-Request-Id"],
            "max_age": 3600,
        }
        self._app = app
        self._named = CORSMiddleware(app, allow_origins=list(allowed), allow_credentials=True, **rules)
        self._opaque = CORSMiddleware(app, allow_origins=[OPAQUE], **rules)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and path_within(scope).startswith(("/s3/", "/healthz")):
            app = self._opaque if RequestHeaders(scope=scope).get("origin") == OPAQUE else self._named
        await app(scope, receive, send)


class Site(StaticFiles):
    """The built directory. The page itself gives a new visitor an identity, so that page and worker share one.

    Where no cookie may come back (the visitor has none, or the page is in a frame) the page brings a guest's token as
    well, in `html[data-guest]`. So no other site may read the page; everybody may read what it is made of, since in a
    sandboxed frame the page itself is of another origin.
    """

    def __init__(self, directory: Path, guests: Guests) -> None:
        super().__init__(directory=directory, html=True)
        self._file = directory / "index.html"
        self._guests = guests

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file at `path`; nothing that begins with a dot. Raises `HTTPException` (404)."""
        if any(step.startswith(".") and step != "." for step in path.replace("\\", "/").split("/")):
            raise HTTPException(404)
        response = await self._compressed(path, scope)
        if path not in _PAGE:
            response.headers["Access-Control-Allow-Origin"] = "*"
            if path.startswith(f"{ASSETS}/"):
                response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        elif response.status_code in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            return self._page(Request(scope), response)
        return response

    async def _compressed(self, path: str, scope: Scope) -> Response:
        """The file at `path`, as small as the browser takes it."""
        accepted = RequestHeaders(scope=scope).get("accept-encoding", "")
        for encoding, suffix in ENCODINGS.items():
            if encoding in re.split(r"[,;\s]+", accepted) and self.lookup_path(path + suffix)[1] is not None:
                response = await super().get_response(path + suffix, scope)
                kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
                response.headers["Content-Type"] = (
                    f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
                )
                response.headers["Content-Encoding"] = encoding
                break
        else:
            response = await super().get_response(path, scope)
        response.headers["Vary"] = "Accept-Encoding"
        if isinstance(response, FileResponse):
            response.chunk_size = _CHUNK
        return response

    def _page(self, request: Request, response: Response) -> Response:
        """The page for this visitor; `response` is the file as it is."""
        is_known = not self._guests.allowed or self._guests.known(request) is not None
        is_framed = request.headers.get("sec-fetch-dest", "document") != "document"
        if is_known and not is_framed:
            return response
        text = self._file.read_text(encoding="utf-8")
        if self._guests.allowed:
            text = text.replace("<html ", f'<html data-guest="{self._guests.token()}" ', 1)
        page = HTMLResponse(text)
        # Chromium puts no page into its back/forward cache that may not be stored.
        page.headers["Cache-Control"] = "no-store" if is_framed else "private, no-cache"
        if not is_known:
            self._guests.welcome(page)
        return page


_VIEWER = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The signing API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{folder}swagger-ui.css">
<div id="viewer"></div>
<script src="{folder}swagger-ui-bundle.js"></script>
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


def make_viewer(site: Path) -> APIRouter:
    """/docs: the API described, from files of this site alone."""
    router = APIRouter(include_in_schema=False)
    page = _VIEWER.format(folder=folders_of(site)["swagger-ui"])

    @router.get("/docs")
    def show() -> HTMLResponse:
        return HTMLResponse(page)

    @router.get("/docs/start.js")
    def start() -> PlainTextResponse:
        return PlainTextResponse(_VIEWER_START, media_type="text/javascript")

    return router
