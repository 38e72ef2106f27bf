"""Whether an object is still a file that a person has at hand: asked for by a page, long after the upload is completed.

The file is read once, at reading speed; the server looks at the object. Nothing is changed by it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from uploads import protocol as p

from upload_engine.core.checksums import is_made_of, tells_parts
from upload_engine.core.errors import FileChanged, FileFault, UploadFault
from upload_engine.core.events import ObjectReport
from upload_engine.core.session import Session
from upload_engine.files import hash_parts
from upload_engine.interfaces import Clock, FileSource

TELL_EVERY = 0.25
"""Seconds between two words on how far it is."""
Look = Callable[[Session], Awaitable[ObjectReport | None]]
Tell = Callable[[dict[str, Any]], None]


def _is_replaced(session: Session, report: ObjectReport) -> bool:
    """The object has other bytes than when the upload was completed. A copy may have another ETag, with the same checksum."""
    if session.checksum and report.checksum:
        return session.checksum != report.checksum
    return session.etag != report.etag


class Verification:
    """``look``: what the server says of a completed upload's object, None if there is none; raises UploadFault."""

    def __init__(self, look: Look, clock: Clock) -> None:
        self._look = look
        self._clock = clock

    async def run(self, session: Session, file: FileSource, tell: Tell) -> None:
        """Compare, and ``tell`` a page: first how far it is, then ``p.VERDICTS``."""

        def say(verdict: str, checked: float | None = None) -> None:
            message = {"type": p.UPLOAD_VERIFIED, "upload_id": session.upload_id}
            tell({**message, "verdict": verdict, "checked": checked})

        say("reading", 0.0)
        try:
            report = await self._look(session)
        except UploadFault:
            say("unknown")
            return
        if report is None:
            say("gone")
        elif _is_replaced(session, report):
            say("replaced")
        elif not report.checksum and (report.is_opaque or not tells_parts(report.etag)):
            say("unknown")
        elif report.size != file.size:
            say("other")
        else:
            say(await self._compare(session, report, file, lambda share: say("reading", share)))

    async def _compare(
        self, session: Session, report: ObjectReport, file: FileSource, progressed: Callable[[float], None]
    ) -> str:
        told_at = self._clock.now()

        def on_read(done: int) -> None:
            nonlocal told_at
            if self._clock.now() - told_at >= TELL_EVERY:
                told_at = self._clock.now()
                progressed(round(100 * done / max(1, file.size), 1))

        try:
            found = await hash_parts(
                file, file.size, session.transfer.part_size, on_read, md5=not report.checksum
            )
        except FileChanged:
            return "other"
        except FileFault:
            return "unreadable"
        if report.checksum:
            return "same" if found.crc64nvme == report.checksum else "other"
        return "same" if is_made_of(report.etag, found.md5s) else "other"
