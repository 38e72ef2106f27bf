"""The demo's parts, put together."""

from __future__ import annotations

import random
from collections.abc import Callable

from upload_engine.demo.bucket import Bucket
from upload_engine.demo.desk import Desk
from upload_engine.demo.links import Links
from upload_engine.demo.network import Network
from upload_engine.demo.shelf import Shelf
from upload_engine.demo.signer import DemoSigner
from upload_engine.demo.tally import Tally
from upload_engine.demo.transport import DemoTransport
from upload_engine.interfaces import Clock


class Demo:
    """``signer`` and ``transport`` are for the engine, the ``desk`` for the pages. crash: see ``Desk``."""

    def __init__(self, shelf: Shelf, clock: Clock, rng: random.Random, crash: Callable[[], None]) -> None:
        self.network = Network(clock, rng)
        self.tally = Tally()
        self.bucket = Bucket(shelf, clock, rng, on_stored=lambda: self.tally.add(stored=1))
        self.links = Links(clock)
        self.signer = DemoSigner(self.network, self.bucket, self.links, self.tally, clock)
        self.transport = DemoTransport(self.network, self.bucket, self.links, self.tally, rng)
        self.desk = Desk(self.network, self.bucket, self.links, shelf, self.tally, clock, crash)

    def object_url(self, key: str) -> str:
        """Where pages have the object of a key; "" when there is none."""
        found = self.bucket.object_at(key)
        return found.url if found else ""
