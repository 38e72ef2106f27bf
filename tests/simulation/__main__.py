"""``python -m tests.simulation --seeds 1000000 --from 0``: more seeds than the suite plays; ``--seed 17``: just one.

A seed that fails is shrunk and told. ``--failures`` says after how many of them to stop, ``--plant`` breaks the engine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "py"), str(ROOT / "worker")]


def main() -> int:
    from tests.simulation.runner import Report, explain_seed, run_seeds, workers

    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--shrink", action="store_true")
    parser.add_argument("--failures", type=int, default=1)
    parser.add_argument("--plant", default="")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()

    def progress(report: Report) -> None:
        if not options.quiet:
            print(
                f"\r{report.seeds:,} seeds, {len(report.failures)} failed",
                end="",
                file=sys.stderr,
                flush=True,
            )

    with workers(options.plant) as pool:
        if options.seed is not None:
            print(pool.submit(explain_seed, options.seed, shrunk=options.shrink).result())
            return 0
        report = run_seeds(
            options.first, options.seeds, pool, most_failures=options.failures, on_progress=progress
        )
        print(f"\n{report.table()}")
        for seed, what in sorted(report.failures.items()):
            print(f"\nseed {seed}: {what}\n  python -m tests.simulation --seed {seed} --shrink")
        if report.failures:
            print(pool.submit(explain_seed, min(report.failures), shrunk=True).result())
    never = report.never_struck()
    if never:
        print(f"never struck: {', '.join(never)}")
    return 1 if report.failures or never else 0


if __name__ == "__main__":
    sys.exit(main())
