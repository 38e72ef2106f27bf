"""The page that draws an upload's phases says what the table says."""

from __future__ import annotations

import re

from upload_engine.core.states import TRANSITIONS, Phase

from tests.states_diagram import COMMAND, HUBS, PAGE, WISHES, diagram, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"run {COMMAND}"


def test_the_diagram_has_the_arrows_of_the_table_and_no_others() -> None:
    arrows = set(re.findall(r"^    (\w+) --> (\w+)", diagram(), re.MULTILINE))
    through = {(a, d) for a, hub in arrows for b, d in arrows if hub == b and hub in HUBS}
    drawn = {arrow for arrow in arrows | through if HUBS.keys().isdisjoint(arrow)}
    table = {
        (str(source), str(target))
        for (source, event), targets in TRANSITIONS.items()
        if event not in WISHES
        for target in targets
    }
    assert {(a.replace("_", "-"), b.replace("_", "-")) for a, b in drawn} == table
    assert {phase for arrow in table for phase in arrow} | {"cancelling", "paused"} == set(Phase)
