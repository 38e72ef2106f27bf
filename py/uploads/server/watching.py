"""`WebSocket /events`: how uploads stand, told as it changes, to a person's own pages and to a back office.

A page sends its cookie; whoever has a token says so in the list of subprotocols, `bearer.<token>`, since a browser lets no
page set a header there, or in `Authorization`. `?all` needs a token with the scope `uploads:watch`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool

from uploads.server.identity import check_origin
from uploads.server.live import Live, TooSlow, Watcher
from uploads.server.permission import User
from uploads.server.problems import Problem

log = logging.getLogger("uploads.server")

PROTOCOL = "uploads.v1"
SCOPE = "uploads:watch"
"""What a token's `scope` (RFC 8693, 4.2: words with spaces between them) has to have for everybody's uploads."""
MOST_WATCHERS = 20
"""Of one user; as many for all back offices together and each process."""
SIGN_IN, FORBIDDEN, TRY_LATER = 4401, 4403, 1013
"""Close codes: 4000 and more are an application's own (RFC 6455, 7.4.2); 1013 is registered."""


def make_events(live: Live) -> APIRouter:
    """The one route."""
    router = APIRouter()

    @router.websocket("/events")
    async def watch(websocket: WebSocket) -> None:
        wants_all = "all" in websocket.query_params
        offered = websocket.headers.get("sec-websocket-protocol", "")
        await websocket.accept(PROTOCOL if PROTOCOL in offered.replace(" ", "").split(",") else None)
        try:
            asking = await _who(websocket)
            if wants_all and SCOPE not in _scopes(asking.claims):
                raise Problem(403, "ScopeNeeded", f"Everybody's uploads need a token with the scope {SCOPE}.")
        except Problem as problem:
            code = {401: SIGN_IN, 403: FORBIDDEN}.get(problem.status, TRY_LATER)
            await websocket.close(code, problem.code)
            return
        user = None if wants_all else asking.id
        if live.count(user) >= MOST_WATCHERS:
            await websocket.close(TRY_LATER, "TooManyWatchers")
            return
        async with live.watch(user) as watcher:
            await _serve(websocket, watcher, asking)

    return router


async def _who(websocket: WebSocket) -> User:
    """Who asks, from a page that may. Raises `Problem` (401, 403, 503)."""
    state = websocket.app.state
    check_origin(websocket, state.page_origins, state.hosts)
    known: User | None = await run_in_threadpool(state.guests.who, websocket)
    if known is None:
        raise Problem(401, "SignInNeeded", "You have to sign in to watch uploads here.")
    return known


def _scopes(claims: Mapping[str, Any]) -> set[str]:
    scope = claims.get("scope", "")
    return set(scope.split() if isinstance(scope, str) else map(str, scope or ()))


async def _serve(websocket: WebSocket, watcher: Watcher, asking: User) -> None:
    """Tell what happens until the other side goes, its token expires, or it does not listen."""

    async def tell() -> None:
        try:
            while True:
                event = await watcher.next()
                await websocket.send_json({**event, "serverTime": int(time.time() * 1000)})
        except TooSlow:
            await websocket.close(TRY_LATER, "TooSlow")

    async def expire() -> None:
        expires = asking.claims.get("exp")
        await asyncio.sleep(max(0.0, float(expires) - time.time()) if expires else 10**9)
        await websocket.close(SIGN_IN, "TokenExpired")

    async def listen() -> None:
        """Nothing is expected of it but its end."""
        try:
            while True:
                await websocket.receive_text()
        except (WebSocketDisconnect, KeyError):
            pass

    tasks = [asyncio.create_task(work()) for work in (tell, expire, listen)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
