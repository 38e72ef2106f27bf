"""Tests of the simulation itself: an engine with a bug planted on purpose breaks an invariant within 10,000 seeds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.plants import PLANTS
from tests.simulation.runner import run_seeds, workers

FOUND_BY = {
    "reconcile_trusts_sizes": ("I1", "I6"),
    "complete_is_believed": ("I1", "I2"),
    "stale_attempts_are_accepted": ("IllegalTransition", "KeyError", "AttributeError", "Violation"),
    "offline_is_charged": ("charged",),
    "offline_copies_are_not_kept": ("has to be chosen again",),
    "nobodys_files_stay_nobodys": ("has to be chosen again",),
    "failure_aborts": ("aborted, and nobody has cancelled it",),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_bug_is_found(plant: str, record_property: Callable[[str, object], None]) -> None:
    with workers(plant) as pool:
        report = run_seeds(0, 10_000, pool)
    assert report.failures, f"{plant} was not found in 10,000 seeds"
    seed = min(report.failures)
    record_property("found at seed", seed)
    print(f"{plant} is found at seed {seed}: {report.failures[seed]}")
    assert any(words in report.failures[seed] for words in FOUND_BY[plant]), report.failures[seed]
