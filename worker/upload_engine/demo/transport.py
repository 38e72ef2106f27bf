"""Parts over the simulated network into the demo's bucket."""

from __future__ import annotations

import random
from collections.abc import Callable

from upload_engine.core.errors import NetworkFault, ServiceFault, StorageFault
from upload_engine.demo.bucket import Bucket
from upload_engine.demo.links import Links
from upload_engine.demo.network import Network
from upload_engine.demo.shelf import StorageFull
from upload_engine.demo.tally import Tally
from upload_engine.interfaces import HttpResponse, PutRequest

FAILING = 0.3
"""How many of the parts a failing store refuses."""
MOST_ERRORS = 2
"""Internal errors that one part meets, of the three tries that the engine allows; after them the store is only busy."""


class DemoTransport:
    """PartTransport. Every answer is one that S3 gives."""

    def __init__(
        self, network: Network, bucket: Bucket, links: Links, tally: Tally, rng: random.Random
    ) -> None:
        self._network = network
        self._bucket = bucket
        self._links = links
        self._tally = tally
        self._rng = rng
        self._tried: dict[tuple[str, int], int] = {}
        """Internal errors by part, of all parts that were ever sent."""

    async def put(self, request: PutRequest, on_progress: Callable[[int], None]) -> HttpResponse:
        """See ``PartTransport.put``."""
        upload_id, number = part = self._links.read(request.url)
        self._tally.add(requests=1, again=part in self._tried)
        self._tried.setdefault(part, 0)
        try:
            with self._network.trip() as trip:
                await trip.there(request.body.size, on_progress, lambda: self._links.is_good(request.url))
                try:
                    etag = await self._store(request, upload_id, number)
                    answer = HttpResponse(200, {"etag": f'"{etag}"'}, "")
                except ServiceFault as fault:
                    answer = _error(fault)
                await trip.back()
        except NetworkFault:
            self._tally.add(lost=1)
            if not self._network.conditions.offline:
                self._tally.tell(f"Part {number} was lost on the way.")
            raise
        return answer

    async def _store(self, request: PutRequest, upload_id: str, number: int) -> str:
        """The part's ETag. Raises ServiceFault."""
        try:
            if not self._links.is_good(request.url):
                raise ServiceFault(403, "AccessDenied", "Request has expired")
            upload = self._bucket.find(upload_id)
            if request.body.size != upload.length(number):
                raise ServiceFault(403, "SignatureDoesNotMatch", "Another length was signed.")
            if self._network.conditions.failing and self._rng.random() < FAILING:
                raise self._failure(upload_id, number)
            return await self._keep(request, upload_id, number)
        except ServiceFault as fault:
            self._tally.add(refused=1)
            self._tally.tell(f"Part {number} was refused: {fault.status} {fault.code}.")
            raise

    async def _keep(self, request: PutRequest, upload_id: str, number: int) -> str:
        try:
            return await self._bucket.put(self._bucket.find(upload_id), number, request.body)
        except StorageFull as fault:
            raise ServiceFault(507, "BrowserStorageFull", fault.message) from None
        except StorageFault as fault:
            raise ServiceFault(500, "InternalError", fault.message) from None

    def _failure(self, upload_id: str, number: int) -> ServiceFault:
        part = upload_id, number
        if self._tried[part] < MOST_ERRORS and self._rng.random() < 1 / 2:
            self._tried[part] += 1
            return ServiceFault(500, "InternalError", "We encountered an internal error. Please try again.")
        return ServiceFault(503, "SlowDown", "Please reduce your request rate.")


def _error(fault: ServiceFault) -> HttpResponse:
    text = f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>"
    return HttpResponse(fault.status, {"content-type": "application/xml"}, text)
