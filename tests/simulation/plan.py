"""What is to happen in one run: a plan is a pure function of its seed, and a list of items that can be left out."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from upload_engine.core.limits import MIB

from tests.simulation.bucket import Dialect
from tests.simulation.catalogue import BY_NAME, CATALOGUE, Fault

_WEIGHTS = [fault.weight for fault in CATALOGUE]
EDGES = (0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 15 * MIB)


@dataclass(frozen=True, slots=True)
class Item:
    """One fault or deed. It happens when ``counter`` (or the time, in seconds) reaches ``at``.

    ``amount``: seconds, a fraction or a place, as the fault says; ``file``: the number of the file it is about.
    """

    fault: str
    counter: str
    at: float
    amount: float = 0.0
    file: int = 0

    def __str__(self) -> str:
        when = f"at {self.at:.2f} s" if self.counter == "time" else f"at {self.counter} {self.at:.0f}"
        return f"{self.fault} ({when}, amount {self.amount:.3g}, file {self.file})"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """``lazy``: its bytes are read while they are sent (Chromium), not before; ``dropped``: it comes with a handle."""

    size: int
    key: str = ""
    lazy: bool = False
    dropped: bool = False


@dataclass(frozen=True)
class Plan:
    """``calm_at``: seconds; from then on nothing goes wrong any more. ``small_files``: bytes up to which the server takes them

    whole.
    """

    seed: int
    files: tuple[PlannedFile, ...]
    items: tuple[Item, ...]
    calm_at: float
    bytes_per_second: float
    latency: float
    url_lifetime: float
    dialect: Dialect
    config: tuple[tuple[str, Any], ...]
    small_files: int = 0

    def without(self, *items: Item) -> Plan:
        return replace(self, items=tuple(item for item in self.items if item not in items))

    def __str__(self) -> str:
        head = (
            f"seed {self.seed}: files {[file.size for file in self.files]}, {self.bytes_per_second:g} bytes/s, "
            f"calm after {self.calm_at:.0f} s, {self.dialect}, {dict(self.config)}, small: {self.small_files}"
        )
        return "\n".join([head, *(f"  {item}" for item in self.items)])


def plan_for(seed: int) -> Plan:
    """The plan of a seed: one to three files, a line, a store, and a handful of faults of the catalogue.

    The faults of the catalogue take turns, so that each of them is in a plan often enough, however rare it is by chance.
    """
    rng = random.Random(seed)
    files = tuple(_file(rng, number) for number in range(rng.choices((1, 2, 3), (6, 3, 1))[0]))
    small_files, files = _with_small_files(random.Random(f"small {seed}"), files)
    speed = rng.choice((1e6, 5e6, 2e7))
    duration = sum(file.size for file in files) / speed + 1.0
    number_of_faults = rng.choices((1, 2, 3, 4, 6, 9), (2, 3, 4, 3, 2, 1))[0]
    faults = rng.choices(CATALOGUE, _WEIGHTS, k=number_of_faults)
    turn, place = divmod(seed, len(CATALOGUE))
    if turn % CATALOGUE[place].turns == 0:
        faults[0] = CATALOGUE[place]
    faults += [BY_NAME[rng.choice(fault.needs)] for fault in faults if fault.needs]
    items = tuple(
        sorted(
            (
                _item(rng, fault, files, duration, is_early=not 0 < number < number_of_faults)
                for number, fault in enumerate(faults)
            ),
            key=_order,
        )
    )
    calm_at = duration * rng.uniform(1.0, 3.0) + 1.0
    for item in items:
        if item.counter == "time":
            calm_at = max(calm_at, item.at + 1.0)
            if BY_NAME[item.fault].is_window:
                calm_at = max(calm_at, item.at + item.amount + 1.0)
    config: dict[str, Any] = {
        "chunk_size": 5 * MIB,
        "progress_interval": rng.choice((500, 2000, 4000, 4000)),
        "max_concurrent_chunks": rng.choice((1, 2, 3, 3, 5)),
        "max_concurrent_uploads": rng.choice((1, 2, 3)),
    }
    if rng.random() < 0.3:
        config["keep_offline"] = rng.choice((0, 10 * MIB))
    if rng.random() < 0.05:
        config["bandwidth_limit"] = rng.choice((500_000, 4_000_000))
    return Plan(
        seed=seed,
        files=files,
        items=items,
        calm_at=calm_at,
        bytes_per_second=speed,
        latency=rng.choice((0.02, 0.2)),
        url_lifetime=rng.choice((40.0, 60.0, 900.0, 900.0)),
        dialect=_dialect(rng, random.Random(f"checksums {seed}").random()),
        config=tuple(config.items()),
        small_files=small_files,
    )


def _with_small_files(
    rng: random.Random, files: tuple[PlannedFile, ...]
) -> tuple[int, tuple[PlannedFile, ...]]:
    """With a third of the seeds the server takes small files whole: there most of the files are, and there are more."""
    if rng.random() > 1 / 3:
        return 0, files
    more = tuple(_file(rng, len(files) + number) for number in range(rng.choice((0, 0, 1, 3, 9))))
    return 5 * MIB, tuple(
        replace(file, size=int(rng.triangular(0, 5 * MIB, 200_000))) if rng.random() < 0.8 else file
        for file in (*files, *more)
    )


def _dialect(rng: random.Random, checksums: float) -> Dialect:
    """``checksums``: half of the stores keep them of whole objects, and half of those tell them of the parts."""
    keeps, lists, twice, conditional = (rng.random() < 0.3 for _ in range(4))
    return Dialect(
        keeps, lists, twice, conditional, keeps_checksums=checksums < 0.5, tells_checksums=checksums < 0.25
    )


def _file(rng: random.Random, number: int) -> PlannedFile:
    size = rng.choice(EDGES) if rng.random() < 0.15 else int(rng.triangular(1, 40 * MIB, 12 * MIB))
    return PlannedFile(
        size, f"key-{number}" if rng.random() < 0.2 else "", rng.random() < 0.5, rng.random() < 0.3
    )


def _item(
    rng: random.Random, fault: Fault, files: tuple[PlannedFile, ...], duration: float, *, is_early: bool
) -> Item:
    """``is_early``: it strikes where there is almost always something to strike."""
    counter = rng.choice(fault.counters[:2] if is_early else fault.counters)
    if fault.when:
        at = rng.uniform(*fault.when)
    elif counter == "time":
        at = rng.uniform(0.4, 0.8 * duration) if is_early else rng.uniform(0.0, 1.2 * duration)
    elif counter == "put":
        parts = sum(max(1, -(-file.size // (5 * MIB))) for file in files)
        at = rng.randint(1, parts if is_early else parts + 2)
    else:
        at = min(fault.places) if is_early else rng.choice(fault.places)
    low, high = fault.amount
    amount = rng.uniform(low, high) if high <= 2 * low + 2 else _spread(rng, low, high)
    return Item(fault.name, counter, at, amount, rng.randrange(len(files)))


def _spread(rng: random.Random, low: float, high: float) -> float:
    """Small amounts are as frequent as large ones."""
    low = low or 0.01
    return float(low * (high / low) ** rng.random())


def _order(item: Item) -> tuple[str, float, str]:
    return item.counter, item.at, item.fault
