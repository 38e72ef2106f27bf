"""Bugs planted on purpose: a simulation that does not find them is worth nothing.

Each function breaks the engine of its own process for good, so it is called in a worker process only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from upload_engine.core import effects as fx
from upload_engine.core import sending, settling, transfer, trouble
from upload_engine.core.parts import ListedPart, Part, part_range
from upload_engine.core.retry import RetryPolicy
from upload_engine.core.session_state import SessionState
from upload_engine.kept_files import KeptFiles


def reconcile_trusts_sizes() -> None:
    """ListParts' sizes are compared, and not its ETags."""

    def trusted(
        listed: list[ListedPart], recorded: Mapping[int, Part], file_size: int, part_size: int
    ) -> dict[int, Part]:
        right = [row for row in listed if row.size == part_range(row.part_number, file_size, part_size)[1]]
        return {row.part_number: recorded.get(row.part_number, Part(row.etag, row.size)) for row in right}

    transfer.__dict__["trusted_parts"] = trusted


def complete_is_believed() -> None:
    """A 200 to Complete is success, whatever it reports."""
    settling.__dict__["proves"] = lambda session, report: True


def stale_attempts_are_accepted() -> None:
    """An answer to an attempt that was given up counts like any other."""
    SessionState.is_current = lambda self, event: True  # type: ignore[method-assign]


def offline_is_charged() -> None:
    """Looking for the network costs a retry."""
    honest = RetryPolicy.probe_delay

    def charged(self: RetryPolicy, rounds: int) -> float:
        self.budget.charge()
        return honest(self, rounds)

    RetryPolicy.probe_delay = charged  # type: ignore[method-assign]


def failure_aborts() -> None:
    """An upload that fails takes its parts with it."""
    honest = trouble.give_up

    def aborting(session: SessionState, *args: Any) -> list[fx.Effect]:
        effects: list[fx.Effect] = honest(session, *args)
        if session.phase == "failed" and session.server_upload_id:
            effects.append(fx.AbortUpload(session.upload_id, 0))
        return effects

    for room in (trouble, settling, sending):
        room.__dict__["give_up"] = aborting


def offline_copies_are_not_kept() -> None:
    """A file that waits for the network is kept as any other: not at all where there is no handle."""
    SessionState.kept = lambda self: []  # type: ignore[method-assign]


def nobodys_files_stay_nobodys() -> None:
    """The records find their user, and the files do not."""

    async def adopt(self: KeptFiles, user_id: str) -> None:
        pass

    KeptFiles.adopt = adopt  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        reconcile_trusts_sizes,
        complete_is_believed,
        stale_attempts_are_accepted,
        offline_is_charged,
        failure_aborts,
        offline_copies_are_not_kept,
        nobodys_files_stay_nobodys,
    )
}
