"""Processes that nobody tells us of (a driver its browser's, a server its workers): found below one that is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def below(root: int, name: str) -> set[int]:
    """The ids of the processes of this name that ``root`` has started, itself or through others.

    ``name``: as the system keeps it, 15 characters at the most.
    """
    parents: dict[int, int] = {}
    named: set[int] = set()
    for pid in _all():
        try:
            words = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:  # it has ended since
            continue
        found, _, rest = words.partition("(")[2].rpartition(") ")
        parents[pid] = int(rest.split()[1])
        if found == name:
            named.add(pid)
    return {pid for pid in named if root in _line(pid, parents)}


def children(parent: int) -> dict[int, str]:
    """The processes that ``parent`` itself has started and that have not ended: id and command line."""
    found = {}
    for pid in _all():
        try:
            words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()
        except OSError:  # it has ended since
            continue
        if int(words[1]) == parent and words[0] != "Z":
            found[pid] = " ".join(_arguments(pid))
    return found


def started_with(argument: str) -> int:
    """The id of the one process that has this among its arguments."""
    (pid,) = [pid for pid in _all() if argument in _arguments(pid)]
    return pid


def _all() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []


def _line(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid := parents.get(pid, 0):
        yield pid
