"""Which of a browser's two ways a part takes: ``fetch`` costs less, and only ``XMLHttpRequest`` tells how far it is."""

from __future__ import annotations

from typing import cast

import pytest
from upload_engine.core.limits import LITTLE, MIB
from upload_engine.interfaces import PartTransport
from upload_engine.operations import FETCH_BELOW_SECONDS, Transports

FETCH, XHR = cast(PartTransport, "fetch"), cast(PartTransport, "xhr")


@pytest.mark.parametrize(
    ("size", "step_seconds", "chosen"),
    [
        (LITTLE, None, FETCH),
        (LITTLE + 1, None, XHR),
        (32 * MIB, None, XHR),
        (32 * MIB, FETCH_BELOW_SECONDS, XHR),
        (32 * MIB, FETCH_BELOW_SECONDS - 0.01, FETCH),
        (32 * MIB, 0.0, FETCH),
    ],
)
def test_a_part_goes_by_fetch_where_the_upload_is_seen_to_move_without_it(
    size: int, step_seconds: float | None, chosen: PartTransport
) -> None:
    assert Transports(FETCH, XHR).choose(size, step_seconds) is chosen


@pytest.mark.parametrize(("forced", "chosen"), [("fetch", FETCH), ("xhr", XHR)])
def test_a_setting_takes_the_choice_away(forced: str, chosen: PartTransport) -> None:
    transports = Transports(FETCH, XHR, forced)
    assert {transports.choose(size, seconds) for size in (1, 32 * MIB) for seconds in (None, 0.1, 10.0)} == {
        chosen
    }
