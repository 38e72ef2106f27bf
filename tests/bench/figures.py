"""What a run of the bench came to: the table, the ratios with their budgets, and a drawing of them.

    .venv/bin/python -m tests.bench.figures FIGURES.json… [--svg chart.svg]

puts together what several runs have written with `--out`: all of it takes hours.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from tests.bench.contestants import BARE, OURS, UNCHECKED, UPPY5, UPPY6

BUDGETS = {
    ("1 file of 1 GiB, 0 ms", BARE): 1 / 0.95,
    ("1 file of 1 GiB, 0 ms", UPPY5): 1.0,
    ("1 file of 1 GiB, 0 ms", UNCHECKED): 1 / 0.9,
    ("1 file of 1 GiB, 50 ms", UPPY6): 1 / 1.5,
    ("1,000 files of 10 KiB, 50 ms", UPPY5): 0.6,
    ("1,000 files of 10 KiB, 50 ms", UPPY6): 0.6,
    ("1,000 files of 10 KiB, 150 ms", UPPY5): 0.5,
    ("1,000 files of 10 KiB, 150 ms", UPPY6): 0.5,
}
"""The most that our time may be of theirs."""
BUSY_BUDGET = 1 / 0.95
"""Of our time with an idle page."""
MEMORY_BUDGETS = {"1 file of 5 GiB, 0 ms": 3 * 32 * 1.048576 + 20}
"""The most MB of PSS over idle: as many parts as are on the way at once, and 20."""
QUEUE_BUDGET = 20.0
"""The same, of ten thousand queued files."""
STATES = ("busy", "hidden")
ROW, BAR, LEFT, TOP = 22, 300, 330, 46
"""Pixels of the drawing: a row's height, how long 1.0 is, the text's width, the head's height."""
WORST = 1.6
"""Ratios beyond that are drawn as long as this."""


STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #222 } .bar { fill: #2f6fde } .slower { fill: #c8641c } line { stroke: #888 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
</style>"""


@dataclass
class Figures:
    """Of one run. seconds; first_byte (seconds until it was on the line to the store); cpu_seconds (of all the browser's processes);

    memory: MB of PSS at most over before; tasks: of the page's main thread, of more than 50 ms; megabytes: on both lines, both
    ways; requests: by method and host ("signer" or "store").
    """

    seconds: float
    first_byte: float
    cpu_seconds: float
    memory: float
    tasks: int
    megabytes: float
    requests: dict[str, int]


@dataclass(frozen=True)
class Ratio:
    """Our time to that of `who` (below 1: we are faster), in one case; `budget`: the most that it may be, if anybody says."""

    case: str
    who: str
    value: float
    budget: float | None

    @property
    def verdict(self) -> str:
        if self.budget is None:
            return ""
        return f"budget {self.budget:.2f}: {'met' if self.value <= self.budget else 'MISSED'}"


def middle(runs: list[Figures]) -> float:
    return statistics.median(run.seconds for run in runs)


def ratios(found: dict[str, list[Figures]]) -> Iterator[Ratio]:
    for name, runs in found.items():
        case, _, who = name.rpartition(", ")
        ours = found.get(f"{case}, {OURS}")
        if who != OURS and ours:
            yield Ratio(case, who, middle(ours) / middle(runs), BUDGETS.get((case, who)))
        plain, _, state = case.rpartition(", ")
        idle = found.get(f"{plain}, {who}")
        if state in STATES and idle:
            yield Ratio(
                case, f"{who}, idle", middle(runs) / middle(idle), BUSY_BUDGET if who == OURS else None
            )


def report(found: dict[str, list[Figures]]) -> None:
    """The table: medians with their range, and the ratios."""
    print(
        f"\n{'':46} {'seconds (range)':>26} {'first byte':>10} {'CPU s':>7} {'MB PSS':>6} {'tasks':>6} {'MB sent':>8}  requests"
    )
    for name, runs in found.items():
        seconds = [run.seconds for run in runs]
        requests = ", ".join(f"{count} {what}" for what, count in sorted(runs[-1].requests.items()))
        told = f"{middle(runs):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"
        first, cpu, memory, tasks, sent = (
            statistics.median(getattr(run, what) for run in runs)
            for what in ("first_byte", "cpu_seconds", "memory", "tasks", "megabytes")
        )
        print(
            f"{name:46} {told:>26} {first:10.2f} {cpu:7.1f} {memory:6.0f} {tasks:6.0f} {sent:8.1f}  {requests}"
        )
    print("\nratios of medians: our time to theirs (below 1: we are faster)")
    for ratio in ratios(found):
        print(f"  {ratio.case:36} {ratio.value:5.2f} of {ratio.who:14} {ratio.verdict}".rstrip())
    report_memory(found)


def report_memory(found: dict[str, list[Figures]]) -> None:
    for case, budget in MEMORY_BUDGETS.items():
        if runs := found.get(f"{case}, {OURS}"):
            most = statistics.median(run.memory for run in runs)
            told = "met" if most <= budget else "MISSED"
            print(f"  {case:36} {most:5.0f} MB over idle   budget {budget:.0f}: {told}")


def draw(found: dict[str, list[Figures]]) -> str:
    """The ratios as an SVG that follows the reader's light or dark."""
    rows = [ratio for ratio in ratios(found) if not ratio.who.endswith("idle") and ratio.who != UNCHECKED]
    width, height = LEFT + int(BAR * WORST) + 60, TOP + ROW * len(rows) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" aria-labelledby="title">',
        "<title id='title'>Time of our uploads as a share of others' time; less is better</title>",
        STYLE,
        f'<text x="{LEFT}" y="18">Our time as a share of theirs (less is better; the line is 1.0)</text>',
        f'<line x1="{LEFT + BAR}" x2="{LEFT + BAR}" y1="{TOP - 14}" y2="{height - 8}" />',
    ]
    for number, ratio in enumerate(rows):
        top = TOP + ROW * number
        length = int(BAR * min(ratio.value, WORST))
        kind = "bar" if ratio.value <= 1 else "bar slower"
        parts += [
            f'<text x="{LEFT - 8}" y="{top + 5}" text-anchor="end">{escape(ratio.case)} — {escape(ratio.who)}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{top - 7}" width="{length}" height="14" rx="2" />',
            f'<text x="{LEFT + length + 6}" y="{top + 5}">{ratio.value:.2f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def read(paths: Iterable[Path]) -> dict[str, list[Figures]]:
    """What was written with `--out`; of a case that is in several files the last one's."""
    found: dict[str, list[Figures]] = {}
    for path in paths:
        told = json.loads(path.read_text(encoding="utf-8"))
        found |= {name: [Figures(**run) for run in runs] for name, runs in told.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path, nargs="+")
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    found = read(options.figures)
    report(found)
    if options.svg:
        options.svg.write_text(draw(found), encoding="utf-8")


if __name__ == "__main__":
    main()
