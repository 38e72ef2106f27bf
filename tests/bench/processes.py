"""What a browser's processes take of the machine while something runs: read from /proc."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

INTERVAL = 0.25
"""Seconds between two looks at the memory."""
_TICKS = os.sysconf("SC_CLK_TCK")


def group_of(leader: int) -> list[int]:
    """The processes of a group, by its leader's id."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            if int(fields[2]) == leader:
                found.append(int(entry.name))
    return found


def cpu_seconds(processes: list[int]) -> float:
    """Of user and system, since each began."""
    total = 0
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def thread_seconds(processes: list[int], name: str) -> float:
    """Processor time of the threads of this name (at most 15 characters), to the nanosecond; of those that live."""
    total = 0
    for process in processes:
        for thread in Path(f"/proc/{process}/task").glob("*"):
            try:
                if (thread / "comm").read_text().strip() == name:
                    total += int((thread / "schedstat").read_text().split()[0])
            except OSError:
                continue
    return total / 1e9


def memory(processes: list[int]) -> float:
    """Megabytes of PSS: what is shared counts once."""
    total = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024 / 1e6


class Watcher:
    """A context: `cpu_seconds` that went by in it, and `memory`: by how many MB it grew at most."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.cpu_seconds = 0.0
        self.memory = 0.0

    def __enter__(self) -> Watcher:
        processes = group_of(self._leader)
        self._cpu_before, self._memory_before = cpu_seconds(processes), memory(processes)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.cpu_seconds = cpu_seconds(group_of(self._leader)) - self._cpu_before

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL):
            self.memory = max(self.memory, memory(group_of(self._leader)) - self._memory_before)
