"""Finds out which of two signing servers answers at an address: our own kind, or an Uppy Companion."""

from __future__ import annotations

from collections.abc import Callable

from upload_engine.interfaces import ApiRequest, HttpResponse, UploadSigner
from upload_engine.signers.companion import CompanionSigner, read_json


class EitherSigner:
    """UploadSigner. Our own kind knows who is signed in; a server without that call is asked whether it is a Companion.

    object_url: where our own kind has the object of a key; kind: "own" or "companion" where it is known, else "auto".
    """

    def __init__(self, own: UploadSigner, object_url: Callable[[str], str], kind: str = "auto") -> None:
        self._own = own
        self._own_object_url = object_url
        self._companion = CompanionSigner(own)
        kinds: dict[str, UploadSigner] = {"own": own, "companion": self._companion}
        self._chosen = kinds.get(kind)

    @property
    def token(self) -> str:
        """See ``UploadSigner``."""
        return self._own.token

    @token.setter
    def token(self, token: str) -> None:
        self._own.token = token

    def object_url(self, key: str) -> str:
        """Where the finished object can be fetched; "" when nobody has said."""
        return (
            self._companion.object_url(key) if self._chosen is self._companion else self._own_object_url(key)
        )

    async def call(self, request: ApiRequest) -> HttpResponse:
        """See ``UploadSigner.call``."""
        if self._chosen is None:
            response = await self._own.call(request)
            if response.status != 404 or not await self._companion.is_there():
                if request.path == "/s3/uploads" and _knows_a_user(response):
                    self._chosen = self._own
                return response
            self._chosen = self._companion
        return await self._chosen.call(request)


def _knows_a_user(response: HttpResponse) -> bool:
    """Our own kind's answer: a portal says 200 as well, to whatever it is asked."""
    answer = read_json(response)
    return response.status == 200 and isinstance(answer, dict) and "userId" in answer
