"""Three thousand seeds: files, faults, clicks and crashes at random, and the invariants hold under all of them.

``UPLOADS_SEEDS=1000000`` plays more of them; ``UPLOADS_SEED=17`` plays the one that failed, and tells its story.
``python -m tests.simulation`` does the same without pytest.
"""

from __future__ import annotations

import os

import pytest

from tests.harness.simulation_report import TABLE
from tests.simulation.bucket import Dialect
from tests.simulation.catalogue import CATALOGUE, PLAYED
from tests.simulation.deeds import DEEDS
from tests.simulation.drama import play
from tests.simulation.plan import Item, Plan, plan_for
from tests.simulation.runner import explain_seed, fingerprint, run_seeds, workers
from tests.simulation.shrink import describe, shrink

SEEDS = int(os.environ.get("UPLOADS_SEEDS", "3000"))
ENOUGH = 3_000
"""With so many seeds, every fault of the catalogue has to strike."""
REPLAY = "UPLOADS_SEED={0} python -m pytest tests/simulation/test_seeds.py\n  python -m tests.simulation --seed {0} --shrink"


@pytest.mark.timeout(0)
def test_the_invariants_hold_under_every_seed(request: pytest.FixtureRequest) -> None:
    """D5, D7, F5. Faults 1-31, 33-42, 44-54, 56, 58-62, 66, 67, 69-72 at random; invariants I1-I8."""
    with workers() as pool:
        if one := os.environ.get("UPLOADS_SEED"):
            story = pool.submit(explain_seed, int(one), shrunk=False).result()
            assert story.endswith("nothing broke"), story
            return
        report = run_seeds(0, SEEDS, pool)
        request.config.stash[TABLE] = report.table()
        if report.failures:
            seed = min(report.failures)
            story = pool.submit(explain_seed, seed, shrunk=True).result()
            pytest.fail(
                f"seed {seed}: {report.failures[seed]}\n  {REPLAY.format(seed)}\n{story}", pytrace=False
            )
    if report.seeds >= ENOUGH:
        assert report.never_struck() == [], "a fault that never struck proves nothing"


def test_a_seed_is_played_alike_in_every_process() -> None:
    seeds = [3, 14, 159, 2653, 5897]
    with workers(count=1) as pool:
        once = list(pool.map(fingerprint, seeds))
    with workers(count=1) as pool:
        assert list(pool.map(fingerprint, reversed(seeds))) == once[::-1]


def test_a_plan_is_a_function_of_its_seed() -> None:
    assert plan_for(17) == plan_for(17)
    assert len({str(plan_for(seed)) for seed in range(100)}) == 100


def test_a_failing_plan_is_shrunk_to_what_it_takes() -> None:
    plan = next(plan for plan in map(plan_for, range(1000)) if len(plan.items) > 8)
    needed = plan.items[2], plan.items[7]

    def fails(smaller: Plan) -> bool:
        return set(needed) <= set(smaller.items)

    assert set(shrink(plan, fails).items) == set(needed)


def test_what_breaks_is_described_by_its_cause() -> None:
    plan = Plan(
        0, (), (Item("user: pauses", "time", 1.0, file=7),), 2.0, 1e6, 0.02, 900.0, Dialect(), _CONFIG
    )
    assert describe(play(plan)).startswith("IndexError")
    assert describe(play(plan.without(*plan.items))) == "nothing broke"


_CONFIG = (("progress_interval", 1000),)


def test_every_fault_has_its_name_once_and_whoever_performs_it() -> None:
    names = [fault.name for fault in PLAYED]
    assert len(set(names)) == len(names)
    assert {name.partition(":")[0] for name in names} == {
        *(
            "put",
            "call",
            "create",
            "list",
            "complete",
            "line",
            "store",
            "signer",
            "browser",
            "file",
            "user",
            "state",
        )
    }
    deeds = {"browser", "file", "user"}
    undone = [
        fault.name for fault in CATALOGUE if fault.name.partition(":")[0] in deeds and fault.name not in DEEDS
    ]
    assert undone == []
