"""Draws the table of an upload's phases: ``.venv/bin/python -m tests.states_diagram --write``.

Everything on the page ``worker/upload_engine/STATES.md`` comes out of ``core/states.py``: the theory of operation is
its docstring, the diagram and the tables are its ``TABLE``. A test holds the page against it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "worker"), str(ROOT / "py")]

from upload_engine.core import events as e  # noqa: E402 - run as a program, the engine has to be found first
from upload_engine.core import states  # noqa: E402 - as above
from upload_engine.core.states import ENDED, HOLDS_SLOT, RESUMABLE, TABLE, TRANSITIONS, Phase  # noqa: E402 - as above

PAGE = ROOT / "worker" / "upload_engine" / "STATES.md"
COMMAND = ".venv/bin/python -m tests.states_diagram --write"
WISHES = (e.PauseRequested, e.CancelRequested)
"""Possible nearly everywhere: as arrows they would hide all others, so they have a table of their own."""
HUBS = {"trouble": HOLDS_SLOT, "going_on": RESUMABLE}
"""Phases with several targets in common: their arrows meet in a diamond, and leave it together."""

Edges = dict[tuple[str, str], list[str]]


def page() -> str:
    """The whole page."""
    paragraphs = (
        "# An upload's states",
        f"<!-- Made from core/states.py by `{COMMAND}`: change that file, then run this again. -->",
        _theory(),
        "## The diagram",
        "Only what changes the phase. Arrows that meet in a diamond leave it by any of its ways out.",
        f"```mermaid\n{diagram()}\n```",
        "What a person asks for is possible nearly everywhere:",
        _markdown_table(("from", "asked", "to"), _wishes()),
        "## The table",
        "What is not listed for a phase is a bug there. Between the phases under *to* the event's content decides.",
        _markdown_table(("from", "event", "to"), _rows()),
    )
    return "\n\n".join(paragraphs) + "\n"


def diagram() -> str:
    """The arrows as a Mermaid state diagram. The diamonds come last: so the main line is drawn from top to bottom."""
    arrows = {True: [f"    state {hub} <<choice>>" for hub in HUBS], False: []}
    for edge, labels in _edges().items():
        words = f": {', '.join(dict.fromkeys(labels))}" if labels else ""
        arrows[not HUBS.keys().isdisjoint(edge)].append(f"    {' --> '.join(edge)}{words}")
    begin = [
        "stateDiagram-v2",
        "    [*] --> queued: file chosen",
        "    [*] --> waiting_for_file: session restored",
    ]
    end = [f"    {_name(phase)} --> [*]" for phase in Phase if phase in ENDED]
    return "\n".join(begin + arrows[False] + arrows[True] + end)


def _edges() -> Edges:
    """Labels by arrow."""
    edges: Edges = {}
    for (source, event), targets in TRANSITIONS.items():
        for target in (phase for phase in Phase if phase in targets and event not in WISHES):
            edges.setdefault((_name(source), _name(target)), []).append(_words(event))
    for hub, sources in HUBS.items():
        for target in (phase for phase in Phase if phase not in sources):
            arrows = [(_name(source), _name(target)) for source in Phase if source in sources]
            if all(arrow in edges for arrow in arrows):
                for arrow in arrows:
                    edges.setdefault((arrow[0], hub), []).extend(edges.pop(arrow))
                edges[hub, _name(target)] = []
    return edges


def _wishes() -> Iterable[tuple[str, str, str]]:
    """What a pause or a cancel does, phases that it leads to the same place taken together."""
    for event in WISHES:
        sources: dict[frozenset[Phase], list[Phase]] = {}
        for phase in Phase:
            if targets := TRANSITIONS.get((phase, event)):
                sources.setdefault(targets, []).append(phase)
        for targets, phases in sources.items():
            yield _phases(phases), _words(event), _phases(targets, " or ")


def _rows() -> Iterable[tuple[str, str, str]]:
    for row in TABLE:
        yield _phases(row.sources), _words(row.event), _phases(row.targets, " or ") or "–"


def _phases(phases: Iterable[Phase], between: str = ", ") -> str:
    """Phases by name, in their order; of nearly all, those that are missing."""
    named = [phase for phase in Phase if phase in set(phases)]
    missing = [phase for phase in Phase if phase not in named]
    if not missing:
        return "any"
    if len(missing) < len(named) and between == ", ":
        return f"any but {', '.join(missing)}"
    return between.join(named)


def _name(phase: Phase) -> str:
    """Mermaid takes no hyphens in a name."""
    return phase.replace("-", "_")


def _words(event: type[e.Event]) -> str:
    """``PartUploaded`` as "part uploaded"."""
    return " ".join(re.findall("[A-Z][a-z]*", event.__name__)).lower()


def _theory() -> str:
    """The docstring without its title, as Markdown."""
    lines = (states.__doc__ or "").strip().splitlines()[2:]
    text: list[str] = []
    for line in lines:
        if line and set(line) == {"-"}:
            text[-1] = f"## {text[-1]}\n"
        else:
            text.append(line)
    return "\n".join(text).replace("``", "`")


def _markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
