"""Who calls the API: the dependencies by which its routes know the user, and the calls by which a guest comes back.

The application's `state.guests` knows them, `state.page_origins` which pages may ask.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from uploads.server import models
from uploads.server.identity import Guests, check_origin
from uploads.server.permission import User
from uploads.server.problems import Problem


def _guests(request: Request) -> Guests:
    guests: Guests = request.app.state.guests
    return guests


async def _asking(request: Request, response: Response) -> User:
    """Who asks, from a page that may ask; a newcomer becomes a guest. Raises `Problem` (401, 403, 429, 503).

    A thread is taken only where a set of keys may have to be fetched: it costs more than all the rest.
    """
    guests, limits = _guests(request), request.app.state.limits
    check_origin(request, request.app.state.page_origins, request.app.state.hosts)
    known = await run_in_threadpool(guests.who, request) if guests.may_wait(request) else guests.who(request)
    limits.take_request(known.id if known else f"from {request.client.host if request.client else '?'}")
    return known or User(guests.welcome(response), is_guest=True)


Asking = Annotated[User, Depends(_asking)]


async def _whose(request: Request, response: Response) -> str:
    """Not by way of `Asking`: FastAPI takes its time for each step."""
    return (await _asking(request, response)).id


UserId = Annotated[str, Depends(_whose)]


def make_guest_calls() -> APIRouter:
    """The routes under /s3/guest."""
    router = APIRouter(prefix="/guest", tags=["guests"])

    @router.post("/key")
    def give_guest_key(request: Request, user: UserId) -> models.GuestKey:
        """The key with which this guest comes back when the browser has lost the cookie.

        It is given to new guests only, so that a script that gets into the page later cannot have it.
        """
        guests = _guests(request)
        if not guests.is_new(request):
            raise Problem(403, "NotNew", "Only a new guest is given a key.")
        return models.GuestKey(userId=user, key=guests.key(user))

    @router.get("/challenge")
    def challenge_guest(request: Request, _user: UserId) -> models.GuestChallenge:
        """Something to prove a guest's key with."""
        return models.GuestChallenge(challenge=_guests(request).challenge())

    @router.post("/return")
    def take_guest_back(
        claim: models.GuestReturn, request: Request, _user: UserId, response: Response
    ) -> models.GuestBack:
        """Give a guest who proves the key the cookie again."""
        _guests(request).take_back(claim.userId, claim.challenge, claim.proof, response)
        return models.GuestBack(userId=claim.userId)

    return router
