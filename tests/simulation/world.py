"""The outside of an engine: the line, the store and the signing server, all of them in memory and all of them breakable.

``World`` is the engine's transport and its signer at once. What goes wrong is planned (``plan.Item``) or begun by a
test (``begin``, ``strike``); the single strikes are in ``strikes``, the account of what was true is in ``oracle``.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from upload_engine.core.errors import NetworkFault
from upload_engine.interfaces import ApiRequest, HttpResponse, PutRequest

from tests.simulation import strikes
from tests.simulation.bucket import Bucket, Dialect, Multipart
from tests.simulation.oracle import Oracle
from tests.simulation.plan import Item
from tests.simulation.signing import SigningServer, call_kind, count_uploads
from tests.simulation.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from tests.simulation.browser import Disk

OFFLINE = (
    "line: offline for a second",
    "line: offline for long",
    "line: offline for hours",
    "line: offline from the start",
)
BANDWIDTH_LEFT = 0.01
"""Of the bandwidth, while it has fallen."""


class World:
    """``bytes_per_second``: of the whole line; ``latency``: seconds there and back; ``url_lifetime``: seconds.

    ``struck`` counts the faults that really struck, ``calls`` the calls by kind; ``on_item`` is given the planned items
    that are not strikes; ``story`` collects what happened when it is a list.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        bytes_per_second: float = 50e6,
        latency: float = 0.02,
        url_lifetime: float = 900.0,
        dialect: Dialect | None = None,
        items: Iterable[Item] = (),
        small_files: int = 0,
    ) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.loop = loop
        self.rng = random.Random(seed)
        self.bytes_per_second = bytes_per_second
        self.latency = latency
        self.url_lifetime = url_lifetime
        self.bucket = Bucket(dialect)
        self.server = SigningServer(self.bucket, self.now, url_lifetime, self.rng)
        self.server.small_files = small_files
        self.oracle = Oracle(self)
        self.struck: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.counters: Counter[str] = Counter()
        self.on_item: Callable[[Item], None] | None = None
        self.story: list[str] | None = None
        self.token = ""
        self.signed_in = True
        self.slept = 0.0
        self.puts_under_way = 0
        self.most_puts = 0
        self._planned: dict[str, dict[int, list[Item]]] = defaultdict(dict)
        for item in items:
            if item.counter != "time":
                self._planned[item.counter].setdefault(int(item.at), []).append(item)
        self._windows: dict[str, float] = {}
        self._down_since = 0.0
        self._waiting: dict[asyncio.Future[None], None] = {}

    # Time.

    def now(self) -> float:
        """Seconds, as the world outside counts them: they pass while the machine sleeps."""
        return self.loop.time() + self.slept

    def tell(self, line: str) -> None:
        """A line for the story of this run."""
        if self.story is not None:
            self.story.append(f"{self.loop.time():10.3f} {line}")

    # What goes wrong.

    def strike(self, fault: str, counter: str, at: int, amount: float = 0.0) -> None:
        """Plan one more."""
        self._planned[counter].setdefault(at, []).append(Item(fault, counter, at, amount))

    def reach(self, counter: str) -> list[Item]:
        """One more of these: the items that were waiting for it."""
        self.counters[counter] += 1
        planned = self._planned.get(counter)
        return planned.pop(self.counters[counter], []) if planned else []

    def reach_deeds(self, counter: str) -> None:
        """One more of these, at which nothing but deeds are planned."""
        for item in self.reach(counter):
            assert self.on_item
            self.on_item(item)

    def take_strike(self, counter: str) -> Item | None:
        """One more request of this kind: what strikes it. What else was planned for it strikes the next."""
        items = self.reach(counter)
        if len(items) > 1:
            self._planned[counter].setdefault(self.counters[counter] + 1, []).extend(items[1:])
        return items[0] if items else None

    def hit(self, fault: str) -> None:
        """It really struck."""
        self.struck[fault] += 1
        self.tell(f"*** {fault}")

    def begin(self, window: str, seconds: float = 1e12) -> None:
        """From now on, for so long."""
        self.tell(f"    {window} for {seconds:.1f} s")
        was_down = self.is_down
        self._windows[window] = max(self.now() + seconds, self._windows.get(window, 0.0))
        if self.is_down:
            self._down_since = self._down_since if was_down else self.now()
            self.oracle.line_struck()
        if window in OFFLINE:
            self.cut(window)

    def end(self, window: str) -> None:
        self._windows.pop(window, None)

    def is_on(self, window: str) -> bool:
        return bool(self._windows) and self._windows.get(window, 0.0) > self.now()

    def any_on(self, *windows: str) -> str:
        """The first of these windows that is open, or ""."""
        if self._windows:
            for window in windows:
                if self.is_on(window):
                    return window
        return ""

    @property
    def is_down(self) -> bool:
        """No byte goes through."""
        return bool(self.any_on(*OFFLINE, "line: hangs"))

    @property
    def has_been_down(self) -> bool:
        """And not just since this very moment, in which what was heard before may still be done."""
        return self.is_down and self.now() > self._down_since

    def cut(self, why: str) -> None:
        """Every request in flight dies."""
        for waiter in self._waiting:
            if not waiter.done():
                self.hit(why)
                waiter.set_exception(NetworkFault("the line broke"))

    def calm(self) -> None:
        """From now on nothing goes wrong any more."""
        self.tell("--- calm")
        self._planned.clear()
        self._windows.clear()
        self.signed_in = True
        for key in [key for key, found in self.bucket.objects.items() if not found.token]:
            del self.bucket.objects[key]

    # The line.

    async def travel(self, seconds: float) -> None:
        """Something is on the line for so long. Raises NetworkFault when the line is cut."""
        loop = self.loop
        end = loop.time() - loop.jumped + seconds
        while seconds > 1e-6:
            waiter = loop.create_future()
            timer = loop.call_later(seconds, _wake, waiter)
            self._waiting[waiter] = None
            try:
                await waiter
            finally:
                timer.cancel()
                del self._waiting[waiter]
            seconds = end - (loop.time() - loop.jumped)  # nothing moves while the machine sleeps
            if self._windows and self.is_on("line: hangs"):
                self.struck["line: hangs"] += 1
                seconds = self._windows["line: hangs"] - self.now() + 0.01
                end = loop.time() - loop.jumped + seconds

    async def connect(self) -> None:
        """The way to the other side. Raises NetworkFault when it cannot be found."""
        await self.travel(self.latency / 2)
        if down := self.any_on(*OFFLINE, "line: DNS fails"):
            self.hit(down)
            raise NetworkFault("the other side is not found")

    def rate(self) -> float:
        """Bytes per second for one of the parts under way."""
        rate = self.bytes_per_second / max(1, self.puts_under_way)
        if self.is_on("line: bandwidth falls and comes back"):
            self.struck["line: bandwidth falls and comes back"] += 1
            return rate * BANDWIDTH_LEFT
        return rate

    # The roles.

    async def put(self, request: PutRequest, on_progress: Callable[[int], None]) -> HttpResponse:
        """See ``PartTransport.put``."""
        name, number, signed_at, length, _, *form = request.url.removeprefix("https://store/").split("|")
        assert bool(form) == (request.fields is not None), "a form is POSTed, with its fields"
        sending = strikes.Sending(
            self, self.bucket.uploads[name], int(number), float(signed_at), request.body, on_progress
        )
        sending.wrong_length = bool(length) and int(length) != request.body.size
        sending.with_checksum = any("checksum" in name for name in request.headers)
        self.puts_under_way += 1
        self.most_puts = max(self.most_puts, self.puts_under_way)
        try:
            with (
                self.oracle.sending_part(sending),
                self.oracle.counting_faults(f"PUT {sending.upload.file} {number}"),
            ):
                response = await strikes.send(sending)
        finally:
            self.puts_under_way -= 1
        self.oracle.put_answered(sending, response)
        self.reach_deeds("put answered")
        return response

    async def call(self, request: ApiRequest) -> HttpResponse:
        """See ``UploadSigner.call``."""
        kind = call_kind(request)
        self.calls[kind] += 1
        since = self.loop.time()
        with self.oracle.counting_faults(kind, count_uploads(request)):
            response = await strikes.ask(self, kind, request)
        self.oracle.call_answered(kind, request, response, self.loop.time() - since)
        self.reach_deeds(f"{kind} answered")
        return response

    # What a scenario asks about.

    @property
    def bytes_stored(self) -> int:
        return self.bucket.bytes_stored

    def holds(self, key: str, disk: Disk) -> bool:
        """Invariant I1: the object's bytes are the file's bytes."""
        return disk.is_whole(self.bucket.objects[key].pieces)

    def open_uploads(self) -> list[Multipart]:
        """Open multipart uploads, but for those that nobody can know of."""
        return [
            upload
            for upload in self.bucket.uploads.values()
            if upload.is_open and upload.name not in self.oracle.orphans
        ]


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
