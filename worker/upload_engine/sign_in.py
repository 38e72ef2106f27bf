"""Who is signed in. A guest is known by a cookie, and known again by a key when the cookie is lost.

A browser that is killed forgets the cookies of its last half minute, but not its database. Without a way back the
guest would be somebody else from then on, and unfinished uploads would be a stranger's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from upload_engine.core import requests
from upload_engine.core.errors import ServiceFault, StorageFault
from upload_engine.interfaces import ApiRequest, GuestKey, HttpResponse


class SignIn:
    """``call`` sends one request to the signing server."""

    def __init__(self, call: Callable[[ApiRequest], Awaitable[HttpResponse]], guest_key: GuestKey) -> None:
        self._call = call
        self._guest_key = guest_key

    async def who(self) -> requests.Identity:
        """The user, after a guest who has lost the cookie has come back. Raises NetworkFault or ServiceFault."""
        found = await self._ask()
        try:
            kept = await self._guest_key.user_id()
            if kept == found.user_id or not found.is_new_guest:
                return found
            if kept and await self._come_back(kept):
                return await self._ask()
            await self._keep_key()
        except StorageFault:
            pass  # the engine finds that out by itself, and says so
        return found

    async def _ask(self) -> requests.Identity:
        return requests.parse_open_uploads(await self._call(requests.prepare_open_uploads()))

    async def _come_back(self, user_id: str) -> bool:
        """Have the server give this guest the cookie again; False when it knows the key no longer."""
        try:
            challenge = requests.parse_guest_challenge(await self._call(requests.prepare_guest_challenge()))
            proof = await self._guest_key.prove(challenge)
            requests.parse_guest_return(
                await self._call(requests.prepare_guest_return(user_id, challenge, proof))
            )
        except ServiceFault as fault:
            if fault.status >= 500:
                raise
            return False
        return True

    async def _keep_key(self) -> None:
        """Ask for the guest's key, which is given to new guests only."""
        answer = await self._call(requests.prepare_guest_key())
        await self._guest_key.keep(*requests.parse_guest_key(answer))
