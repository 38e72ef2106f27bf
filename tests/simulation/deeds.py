"""What happens to the line, the store, the browser and the files, and what people do. Each deed says whether it struck.

A deed that finds nothing to happen to (no upload yet, no browser) has not struck.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from upload_engine.account import LAST_USER
from upload_engine.core.limits import MIN_PART_SIZE
from uploads import protocol as p

from tests.simulation.browser import Disk, Page
from tests.simulation.bucket import Multipart, Object
from tests.simulation.catalogue import BY_NAME
from tests.simulation.plan import Item
from tests.simulation.signing import ME

if TYPE_CHECKING:
    from tests.simulation.drama import Drama, Wish

Deed = Callable[["Drama", Item], bool]


def perform(drama: Drama, item: Item) -> bool:
    """Do it; whether it struck, as far as that is known at once. A window counts each time it is felt."""
    if BY_NAME[item.fault].is_window:
        _open_window(drama, item)
        return False
    return DEEDS[item.fault](drama, item)


def _open_window(drama: Drama, item: Item) -> None:
    if item.fault == "signer: signed out":
        drama.world.signed_in = False
        drama.world.loop.call_later(item.amount, _sign_in, drama)
        return
    if item.fault == "signer: somebody else signs in":
        _let_somebody_in(drama, item)
        return
    drama.world.begin(item.fault, item.amount)
    if item.fault.startswith("line: offline") and item.file % 2:
        drama.world.loop.call_later(item.amount + 0.01, _hint, drama)


def _sign_in(drama: Drama) -> None:
    drama.world.signed_in = True
    if drama.life:
        drama.life.say(p.RESUME_ALL)


def _let_somebody_in(drama: Drama, item: Item) -> None:
    """With a page of their own, or elsewhere; then the first one is back, and opens a page."""
    if LAST_USER not in drama.storage.meta:
        return  # what is there would rightly become theirs
    server = drama.world.server
    server.cookie, server.new_guest = "somebody", False
    if drama.life and drama.life.page.sessions:
        drama.world.hit(item.fault)
    if item.file % 2:
        _second_page(drama, item)

    def come_back() -> None:
        server.cookie = ME
        if drama.life:
            drama.life.say(p.HELLO, config={})

    drama.world.loop.call_later(item.amount, come_back)


def _hint(drama: Drama) -> None:
    """The browser believes that the network is back."""
    if drama.life:
        drama.life.say(p.NETWORK_HINT)


def _line_changes(drama: Drama, item: Item) -> bool:
    drama.world.cut(item.fault)
    return False


# The store.


def _open_upload(drama: Drama, item: Item) -> Multipart | None:
    name = drama.wishes[item.file].disk.name
    uploads = [upload for upload in drama.world.open_uploads() if upload.file == name]
    return uploads[-1] if uploads else None


def _upload_expires(drama: Drama, item: Item) -> bool:
    upload = _open_upload(drama, item)
    if upload:
        drama.world.bucket.abort(upload.name, "expired")
    return upload is not None


def _foreign_object(drama: Drama, item: Item) -> bool:
    """Unless another upload has ended at that key: what is overwritten after its proof was right when it was told."""
    upload, objects = _open_upload(drama, item), drama.world.bucket.objects
    if not upload or (upload.key in objects and objects[upload.key].token):
        return False
    objects[upload.key] = Object((), "", 7, "f" * 32)
    if item.amount < 0.3:
        drama.world.bucket.abort(upload.name, "expired")
    return True


def _part_lost(drama: Drama, item: Item) -> bool:
    upload = _open_upload(drama, item)
    if not upload or not upload.parts:
        return False
    number = sorted(upload.parts)[int(item.amount * len(upload.parts)) % len(upload.parts)]
    del upload.parts[number]
    return True


def _credentials_expire(drama: Drama, item: Item) -> bool:
    drama.world.server.credentials_since = drama.world.now()
    return False  # it strikes when an old URL is used


# The browser.


def _killed(drama: Drama, item: Item) -> bool:
    if not drama.life or drama.died.is_set():
        return False
    drama.died.set()
    return True


def _reloaded(drama: Drama, item: Item) -> bool:
    if drama.life:
        drama.life.say(p.GOODBYE)
    return _killed(drama, item)


def _storage_blocked(drama: Drama, item: Item) -> bool:
    drama.storage.blocked = True
    return False  # it strikes when storage is asked


def _storage_full(drama: Drama, item: Item) -> bool:
    return False  # performed by the storage itself


def _record_damaged(drama: Drama, item: Item) -> bool:
    records = drama.storage.records
    if not records:
        return False
    place = sorted(records)[int(item.amount * 1000) % len(records)]
    record = copy.deepcopy(records[place])
    drama.world.oracle.forget(str(record["serverUploadId"]).partition("~")[0])
    fields = sorted(record)
    name = fields[int(item.amount * 1e6) % len(fields)]
    junk: tuple[Any, ...] = (None, -1, [], {"a": 1}, 1.5, True, [{"partNumber": 0}])
    if name not in ("fileName", "sample", "projectId", "requestedKey"):  # any text may be one of these
        junk += ("\ud800 junk",)
    record[name] = junk[int(item.amount * 1e9) % len(junk)]
    records[place] = record
    return True


def _date_jumps(drama: Drama, item: Item) -> bool:
    drama.clock.wall_offset += 86_400.0 if item.amount < 0.5 else -86_400.0
    return True


def _asleep(drama: Drama, item: Item) -> bool:
    """The machine sleeps; its clock goes on meanwhile or does not, its requests die or do not."""
    world = drama.world
    if item.file % 2:
        world.loop.jump(item.amount)
    else:
        world.slept += item.amount
    if item.amount > 60.0:
        world.cut(item.fault)
    return drama.life is not None


# The file.


def _wish(drama: Drama, item: Item) -> Wish:
    return drama.wishes[item.file]


def _file_changes(drama: Drama, item: Item) -> bool:
    _wish(drama, item).disk.edited = True
    return not _wish(drama, item).outcome


def _part_changes_unnoticed(drama: Drama, item: Item) -> bool:
    """A byte changes, and neither size nor date tell."""
    return _edit(drama, item, int(item.amount * _wish(drama, item).disk.size), 1)


def _two_parts_change_unnoticed(drama: Drama, item: Item) -> bool:
    """A byte changes on either side of the border between two parts: one may be stored, and the other not yet sent."""
    borders = max(1, _wish(drama, item).disk.size // MIN_PART_SIZE)
    return _edit(drama, item, (1 + int(item.amount * borders)) * MIN_PART_SIZE - 1, 2)


def _edit(drama: Drama, item: Item, at: int, length: int) -> bool:
    wish = _wish(drama, item)
    if wish.outcome or not drama.session_of(wish) or at >= wish.disk.size:
        return False
    wish.disk.edit_unnoticed(at, length)
    drama.world.oracle.edited(wish.disk, at, length)
    return True


def _file_changes_unnoticed(drama: Drama, item: Item) -> bool:
    """A tenth of the file changes while no engine has it open."""
    wish = _wish(drama, item)
    wish.disk.edit_unnoticed(int(item.amount * wish.disk.size), 1 + wish.disk.size // 10)
    return not wish.outcome


def _file_unreadable(drama: Drama, item: Item) -> bool:
    _wish(drama, item).disk.readable = False
    return not _wish(drama, item).outcome


# The person.


def _session(drama: Drama, item: Item) -> dict[str, Any] | None:
    return drama.session_of(_wish(drama, item))


def _another_file(drama: Drama, item: Item) -> bool:
    wish = _wish(drama, item)
    other = Disk(wish.disk.name, wish.disk.size + int(item.amount * 3), "another")

    def offer() -> None:
        session = _session(drama, item)
        if not drama.is_calm and drama.life and session and session["phase"] == "waiting-for-file":
            drama.life.say(p.RESELECT_FILE, other, upload_id=session["upload_id"])
            drama.world.hit(item.fault)

    drama.world.loop.call_later(0.25, offer)
    return False


def _say(drama: Drama, session: dict[str, Any], kind: str) -> None:
    if drama.life:
        drama.life.say(kind, upload_id=session["upload_id"])


def _pauses(drama: Drama, item: Item) -> bool:
    session = _session(drama, item)
    if not session:
        return False
    _soon(drama, item, lambda: _say(drama, session, p.PAUSE_UPLOAD))
    drama.world.loop.call_later(0.1 + item.amount, _say, drama, session, p.RESUME_UPLOAD)
    return True


def _soon(drama: Drama, item: Item, deed: Callable[[], None]) -> None:
    """A few turns of the loop later, so that it falls before, between and after the steps of an answer."""
    turns = int(item.amount * 1e6) % 8

    def turn(left: int) -> None:
        if left:
            asyncio.get_running_loop().call_soon(turn, left - 1)
        else:
            deed()

    turn(turns)


def _clicks(drama: Drama, item: Item) -> bool:
    session = _session(drama, item)
    if not session:
        return False
    last = p.CANCEL_UPLOAD if item.amount < 0.2 else p.RESUME_UPLOAD
    for number in range(50):
        kind = last if number == 49 else (p.PAUSE_UPLOAD, p.RESUME_UPLOAD, p.RETRY_UPLOAD)[number % 3]
        if kind == p.CANCEL_UPLOAD:
            drama.world.oracle.cancelled.add(session["file_name"])
        drama.world.loop.call_later(number * 0.02, _say, drama, session, kind)
    return True


def _cancels(drama: Drama, item: Item) -> bool:
    session = _session(drama, item)
    if not session:
        return False
    _soon(drama, item, lambda: drama.cancel(_wish(drama, item), session) if drama.life else None)
    if drama.world.oracle.is_completing(session["file_name"]):
        drama.world.hit("state: a wish while Complete is under way")
    return True


def _second_page(drama: Drama, item: Item) -> bool:
    if not drama.life:
        return False
    page = Page(strict=False)
    page.on_text = drama.world.oracle.heard
    drama.life.engine.receive(page, p.encode_message({"type": p.HELLO, "config": {}}), None)
    return True


DEEDS: dict[str, Deed] = {
    "line: changes": _line_changes,
    "store: the upload expires": _upload_expires,
    "store: a foreign object at the key": _foreign_object,
    "store: loses a part": _part_lost,
    "signer: its credentials expire early": _credentials_expire,
    "browser: killed": _killed,
    "browser: reloaded": _reloaded,
    "browser: killed while offline": _killed,
    "browser: killed as Create is answered": _killed,
    "browser: killed as Complete is asked": _killed,
    "browser: killed before a write": _killed,
    "browser: killed after a write": _killed,
    "browser: storage full": _storage_full,
    "browser: storage blocked": _storage_blocked,
    "browser: a damaged record": _record_damaged,
    "browser: the date jumps": _date_jumps,
    "browser: asleep": _asleep,
    "file: changes": _file_changes,
    "file: one part changes unnoticed": _part_changes_unnoticed,
    "file: two parts change unnoticed": _two_parts_change_unnoticed,
    "file: changes unnoticed while the browser is closed": _file_changes_unnoticed,
    "file: cannot be read": _file_unreadable,
    "file: deleted": _file_unreadable,
    "user: offers another file": _another_file,
    "user: pauses": _pauses,
    "user: pauses for an hour": _pauses,
    "user: fifty clicks in a second": _clicks,
    "user: cancels": _cancels,
    "user: cancels as it completes": _cancels,
    "user: opens a second page": _second_page,
}
