"""Whether the server works, and whether it should be given work. May ask the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from uploads.server.abilities import Abilities
from uploads.server.bucket import Rules
from uploads.server.settings import Settings
from uploads.server.store import Store


@dataclass
class Drain:
    """`has_begun`: the server is about to end, and wants no more work."""

    has_begun: bool = False


def make_health(
    settings: Settings,
    store: Store,
    rules: Rules,
    abilities: Abilities,
    is_ready: Callable[[], bool],
    drain: Drain,
) -> APIRouter:
    """`/healthz` and `/readyz`; `is_ready` tells whether the store takes bytes."""
    unwell: dict[int | str, dict[str, Any]] = {503: {"description": "Not, or not any more."}}
    router = APIRouter(tags=["server"], responses=unwell)

    def works() -> bool:
        try:
            store.check()
            return is_ready()
        except (ClientError, BotoCoreError):
            return False

    @router.get("/healthz")
    def tell_health() -> JSONResponse:
        """`ok` once everything can be used, with what the store can do; 503 while the store cannot be reached."""
        if not works():
            return JSONResponse({"status": "unavailable", "store": "unreachable"}, 503)
        kind = "embedded" if settings.embedded else "s3"
        return JSONResponse({"status": "ok", "store": kind, **asdict(rules), **abilities.told()})

    @router.get("/readyz")
    def tell_readiness() -> JSONResponse:
        """`ready` while a balancer should send people here; 503 as soon as the server is told to end."""
        if drain.has_begun:
            return JSONResponse({"status": "draining"}, 503)
        return JSONResponse({"status": "ready"}) if works() else JSONResponse({"status": "unavailable"}, 503)

    return router
