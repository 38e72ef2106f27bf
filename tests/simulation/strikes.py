"""What strikes a single request: a PUT on its way to the store, a call to the signing server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from upload_engine.core.errors import FileFault, NetworkFault
from upload_engine.core.parts import count_parts
from upload_engine.interfaces import ApiRequest, HttpResponse, PartBody

from tests.simulation.bucket import Multipart, Piece, Refusal, crc64_of, etag_of
from tests.simulation.plan import Item
from tests.simulation.signing import SECRET, is_about_many, problem

if TYPE_CHECKING:
    from tests.simulation.world import World

STEP_SECONDS = 10.0
"""Bytes are seen to move at least this often."""
FOREVER = 1e12
SOON_SECONDS = 1.5
"""What is small has arrived by then, whoever has given it up."""
PORTAL = HttpResponse(200, {"content-type": "text/html"}, "<html>Sign in to this Wi-Fi</html>")


def store_error(status: int, code: str, **headers: str) -> HttpResponse:
    """S3's XML, with an explanation that nobody may repeat."""
    text = (
        f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{SECRET} is no good</Message>"
        f"<RequestId>R-1</RequestId><StringToSign>{SECRET}</StringToSign></Error>"
    )
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)


def _html(status: int) -> HttpResponse:
    return HttpResponse(status, {}, "<html><h1>The proxy says no</h1></html>")


PUT_ANSWERS: dict[str, HttpResponse] = {
    "put: a portal's page": PORTAL,
    "put: a proxy's 403": _html(403),
    "put: a proxy's 413": _html(413),
    "put: 500 InternalError": store_error(500, "InternalError"),
    "put: 502": _html(502),
    "put: 504": _html(504),
    "put: 503 SlowDown": store_error(503, "SlowDown"),
    "put: 400 RequestTimeout": store_error(400, "RequestTimeout"),
    "put: 403 expired on the way": store_error(403, "AccessDenied"),
    "put: 403 AccessDenied": store_error(403, "AccessDenied"),
    "put: 403 RequestTimeTooSkewed": store_error(403, "RequestTimeTooSkewed"),
    "line: a captive portal": PORTAL,
    "line: a proxy refuses": _html(403),
    "store: SlowDown for ten minutes": store_error(503, "SlowDown"),
    "store: out of space": store_error(403, "QuotaExceeded"),
    "store: refuses a header": store_error(501, "NotImplemented"),
}
PUT_WINDOWS = (
    "line: a captive portal",
    "line: a proxy refuses",
    "store: SlowDown for ten minutes",
    "store: out of space",
    "store: refuses a header",
)
BURST = "store: a burst of 500, 502, 504"
EXPIRED = "signer: its credentials expire early"


@dataclass
class Sending:
    """One PUT. ``meant``: the bytes as they were when it began; ``piece``: what the store took in;

    ``stalled``: no byte moves until somebody gives it up; ``too_late``: its URL had expired when it came;
    ``wrong_length``: its URL was signed for another number of bytes; ``with_checksum``: a header says its checksum.
    """

    world: World
    upload: Multipart
    number: int
    signed_at: float
    body: PartBody
    on_progress: Callable[[int], None]
    sent: int = 0
    meant: Piece | None = None
    piece: Piece | None = None
    stalled: bool = False
    too_late: bool = False
    wrong_length: bool = False
    with_checksum: bool = False
    item: Item | None = field(default=None)

    @property
    def fault(self) -> str:
        return self.item.fault if self.item else ""

    def hit(self) -> None:
        self.world.hit(self.fault)

    async def move(self, fraction: float, rate: float | None = None) -> None:
        """Send on, up to a fraction of the whole. ``rate``: bytes per second, if not the line's."""
        goal, half = int(self.body.size * fraction), self.body.size // 2 + 1
        while self.sent < goal:
            speed = rate or self.world.rate()
            step = max(1, min(goal - self.sent, half, int(speed * STEP_SECONDS)))
            await self.world.travel(step / speed)
            self.sent += step
            self.on_progress(self.sent)

    async def stall(self) -> None:
        self.hit()
        self.stalled = True
        await self.world.travel(FOREVER)

    def store(self, number: int | None = None, damage: str = "") -> str:
        """Put what has arrived into the bucket; the ETag. Raises Refusal."""
        piece: Piece = self.body.content.read()
        self.piece = piece._replace(damage=damage) if damage else piece
        return self.world.bucket.put(self.upload.name, number or self.number, self.piece)


async def send(sending: Sending) -> HttpResponse:
    """A PUT from its first byte to its answer."""
    world = sending.world
    sending.item = world.take_strike("put")
    fault, amount = sending.fault, sending.item.amount if sending.item else 0.0
    await world.connect()
    sending.too_late = world.server.is_expired(sending.signed_at)
    if fault == "put: arrives after it was given up":
        try:
            await sending.move(0.5)
            sending.stalled = True
            await world.travel(FOREVER)
        except asyncio.CancelledError:
            _arrive_late(sending, amount)
            raise
    if fault == "put: stalls":
        await sending.move(amount)
        await sending.stall()
    if fault == "put: connection reset" or (
        not fault and world.is_on("line: loses three of ten parts") and world.rng.random() < 0.3
    ):
        await sending.move(amount if fault else world.rng.random())
        world.hit(fault or "line: loses three of ten parts")
        raise NetworkFault("reset")
    if fault == "put: slow line":
        sending.hit()
        await sending.move(1.0, rate=amount)
    await sending.move(1.0)
    if fault == "put: stalls with all bytes sent":
        await sending.stall()
    if fault == "put: an old copy arrives late":
        _arrive_late(sending, amount, damage="old")
        raise NetworkFault("reset")
    response = _refused(sending) or _stored(sending)
    await world.travel(world.latency / 2)
    if fault == "put: answer lost":
        sending.hit()
        raise NetworkFault("the answer was lost")
    return response


def _refused(sending: Sending) -> HttpResponse | None:
    """The answer of whoever stands in the way of this PUT."""
    world, fault = sending.world, sending.fault
    if fault == "put: 503 without CORS headers":
        sending.hit()
        raise NetworkFault("503")
    if fault == "put: 429 with Retry-After":
        sending.hit()
        assert sending.item
        return store_error(429, "TooManyRequests", retry_after=str(int(sending.item.amount)))
    if fault in PUT_ANSWERS:
        sending.hit()
        return PUT_ANSWERS[fault]
    if window := world.any_on(*PUT_WINDOWS):
        world.hit(window)
        return PUT_ANSWERS[window]
    if world.is_on(BURST):
        world.hit(BURST)
        return PUT_ANSWERS[world.rng.choice(("put: 500 InternalError", "put: 502", "put: 504"))]
    if sending.signed_at < world.server.credentials_since:
        world.hit(EXPIRED)
        return store_error(400, "ExpiredToken")
    if sending.with_checksum and (refusal := world.bucket.dialect.refuses_checksums):
        return store_error(*refusal)
    if sending.wrong_length:
        return store_error(403, "SignatureDoesNotMatch")
    return store_error(403, "AccessDenied") if sending.too_late else None


def _stored(sending: Sending) -> HttpResponse:
    world, fault, number = sending.world, sending.fault, sending.number
    where, damage = number, ""
    if fault == "put: a bit flips":
        damage = "flipped"
    elif fault == "put: stored under the wrong number":
        last = count_parts(sending.upload.size, sending.upload.part_size)
        where = number + 1 if number < last else number - 1
    try:
        etag = sending.store(where or number, damage)
    except Refusal as refusal:
        return store_error(refusal.status, refusal.code)
    if damage or where not in (number, 0):
        sending.hit()
        world.oracle.harmed(sending.upload, number, where)
    if world.is_on("store: hides the ETag"):
        world.hit("store: hides the ETag")
        return HttpResponse(200, {}, "")
    headers = {"etag": f'"{etag}"'}
    if world.bucket.dialect.tells_checksums and not sending.upload.whole:
        copies = sending.upload.parts[where or number]
        headers["x-amz-checksum-crc64nvme"] = crc64_of(next(one for one in copies if etag_of(one) == etag))
    return HttpResponse(200, headers, "")


def _arrive_late(sending: Sending, seconds: float, damage: str = "") -> None:
    """The page has given this request up, and its bytes reach the store all the same."""
    world, upload, number = sending.world, sending.upload, sending.number
    if upload.whole:
        if damage:
            return  # there is no older one: it is the same file, or none
        seconds = min(seconds, SOON_SECONDS)

    def arrive() -> None:
        if not upload.takes_parts:
            return
        if damage and number not in upload.parts:  # old only once there is something newer
            world.loop.call_later(seconds, arrive)
            return
        is_unheard = not upload.parts.get(number)  # there now, and nobody is told
        try:
            sending.store(damage=damage)
        except FileFault:
            return
        sending.hit()
        if damage or is_unheard:
            world.oracle.harmed(upload, number)
        if not damage:
            world.hit("state: a late answer of a given-up attempt")

    world.loop.call_later(seconds, arrive)


# Calls.

CALL_ANSWERS: dict[str, HttpResponse] = {
    "call: 500": problem(500, "InternalError"),
    "call: 502": _html(502),
    "call: 503 with Retry-After": problem(503, "SlowDown", retry_after="2"),
    "call: 429 with Retry-After": problem(429, "TooManyRequests", retry_after="5"),
    "call: a portal's page": PORTAL,
    "complete: 200 with an error inside": problem(502, "InternalError"),
    "complete: InvalidPart": problem(409, "InvalidPart"),
    "complete: 409 conflict": problem(409, "ConditionalRequestConflict"),
    "line: a captive portal": PORTAL,
}
MISHAPS = {
    "complete: parts assembled in the wrong order": "swapped",
    "complete: assembled with the wrong size": "short",
}


async def ask(world: World, kind: str, request: ApiRequest) -> HttpResponse:
    """A call from the page to its answer."""
    item = world.take_strike(kind)
    fault = item.fault if item else ""
    await world.connect()
    if response := await _in_the_way(world, kind, fault, request):
        await world.travel(world.latency / 2)
        return response
    five_minutes = 300.0 if fault == "complete: takes five minutes" else 0.0
    early = item is not None and item.amount < 0.5
    await world.travel(five_minutes if early else 0.0)
    if kind == "complete":
        world.reach_deeds("complete asked")
        world.oracle.complete_asked(request)
    elif kind == "abort":
        world.oracle.abort_asked(request)
    response = _changed(world, kind, fault, request, world.server.answer(request, MISHAPS.get(fault, "")))
    if five_minutes or (fault in MISHAPS and not is_about_many(request)):
        world.hit(fault)
    await world.travel((0.0 if early else five_minutes) + world.latency / 2)
    if fault.endswith(": answer lost"):
        world.hit(fault)
        raise NetworkFault("the answer was lost")
    return response


async def _in_the_way(world: World, kind: str, fault: str, request: ApiRequest) -> HttpResponse | None:
    """The answer of whoever stands in the way of this call."""
    if fault == "call: connection reset":
        world.hit(fault)
        raise NetworkFault("reset")
    if fault == "call: never answers":
        world.hit(fault)
        await world.travel(FOREVER)
    if fault in CALL_ANSWERS:
        world.hit(fault)
        if fault == "complete: 409 conflict":
            world.oracle.conflict(request)
        return CALL_ANSWERS[fault]
    if world.is_on("line: a captive portal"):
        world.hit("line: a captive portal")
        return PORTAL
    if world.is_on("signer: down"):
        world.hit("signer: down")
        if world.rng.random() < 0.5:
            raise NetworkFault("refused")
        return CALL_ANSWERS["call: 502"]
    if world.is_on("signer: slow"):
        world.hit("signer: slow")
        await world.travel(world.rng.uniform(5.0, 90.0))
    if not world.signed_in and kind != "probe":
        world.hit("signer: signed out")
        return problem(401, "SignInRequired")
    return None


def _changed(world: World, kind: str, fault: str, request: ApiRequest, answer: HttpResponse) -> HttpResponse:
    """What becomes of the server's answer on its way."""
    if not fault or answer.status != 200:
        return answer
    body: Any = json.loads(answer.text)
    if kind == "list" and body and fault in _LIES:
        row = world.rng.choice(body)
        _LIES[fault](body, row)
        world.oracle.doubted(request, row["PartNumber"])
    elif kind == "complete" and fault in _REPORTS:
        rows = body["uploads"] if is_about_many(request) else [body]
        if "code" in rows[0] or ("checksum" in fault and "checksum" not in rows[0]):
            return answer
        rows[0] |= _REPORTS[fault](rows[0])
    elif fault == "complete: answer cut off":
        world.hit(fault)
        return HttpResponse(200, {}, answer.text[: len(answer.text) // 2])
    elif fault == "complete: white space":
        world.hit(fault)
        return HttpResponse(200, {}, " \n ")
    elif fault == "complete: 412 although ours won":
        world.hit(fault)
        return problem(412, "PreconditionFailed")
    else:
        return answer
    world.hit(fault)
    return HttpResponse(200, {}, json.dumps(body))


_LIES: dict[str, Callable[[list[Any], dict[str, Any]], object]] = {
    "list: lacks a part": lambda rows, row: rows.remove(row),
    "list: tells a wrong size": lambda rows, row: row.update(Size=row["Size"] + 1),
    "list: tells a wrong ETag": lambda rows, row: row.update(ETag=f'"{"0" * 32}"'),
}
_REPORTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "complete: a report with a wrong size": lambda body: {"size": body["size"] + 1},
    "complete: a report with a wrong ETag": lambda body: {"etag": f'"{"0" * 32}-{1}"'},
    "complete: a report without proof": lambda body: {"proof": False},
    "complete: a report with a wrong checksum": lambda body: {
        "checksum": {"type": "CRC64NVME", "value": "AAAAAAAAAAA="}
    },
    "complete: a report without checksum": lambda body: {"checksum": None},
}
