"""How many parts at once. (Faults 11, 12, 16)"""

import pytest
from upload_engine.core.concurrency import HOLD_ROUNDS, Window


def rounds(window: Window, count: int, goodput: float = 0.0) -> None:
    for _ in range(count):
        for _ in range(window.size):
            window.landed(goodput)


def test_it_starts_with_three_and_widens_by_one_a_round_to_its_limit() -> None:
    window = Window(5)
    seen = [window.size]
    for _ in range(4):
        rounds(window, 1)
        seen.append(window.size)
    assert seen == [3, 4, 5, 5, 5]
    assert Window(2).size == 2


def test_a_round_is_as_many_parts_as_the_window_is_wide() -> None:
    window = Window(5)
    window.landed(0.0)
    window.landed(0.0)
    assert window.size == 3
    window.landed(0.0)
    assert window.size == 4


def test_throttling_halves_it_once_a_round_and_never_below_one() -> None:
    """Fault 16."""
    window = Window(5)
    rounds(window, 2)
    window.trouble(started_at=1.0, now=10.0)
    assert window.size == 2
    window.trouble(started_at=10.0, now=11.0)
    assert window.size == 2, "it had started before the window was narrowed"
    window.trouble(started_at=10.1, now=12.0)
    assert window.size == 1
    window.trouble(started_at=13.0, now=14.0)
    assert window.size == 1
    rounds(window, 1)
    assert window.size == 2, "and it comes back"


def test_trouble_begins_a_new_round() -> None:
    window = Window(5)
    window.landed(0.0)
    window.landed(0.0)
    window.trouble(1.0, 2.0)
    assert window.size == 1
    window.landed(0.0)
    assert window.size == 2


def test_a_step_that_made_it_slower_is_taken_back_for_a_while() -> None:
    """Fault 11."""
    window = Window(5)
    rounds(window, 1, goodput=100.0)
    assert window.size == 4
    rounds(window, 1, goodput=89.0)
    assert window.size == 3
    rounds(window, HOLD_ROUNDS, goodput=100.0)
    assert window.size == 3
    rounds(window, 1, goodput=100.0)
    assert window.size == 4
    rounds(window, 1, goodput=90.0)
    assert window.size == 5, "just worth it"


def test_at_its_limit_it_still_notices_that_a_step_did_not_help() -> None:
    window = Window(4)
    rounds(window, 1, goodput=100.0)
    rounds(window, 1, goodput=50.0)
    assert window.size == 3


def test_trouble_forgets_what_was_before() -> None:
    window = Window(5)
    rounds(window, 1, goodput=100.0)
    window.trouble(1.0, 2.0)
    rounds(window, 1, goodput=10.0)
    assert window.size == 3, "the goodput of another time says nothing"


@pytest.mark.parametrize(
    ("part_size", "goodput", "allowed"),
    [
        (8_000_000, 0.0, 3),  # nothing is known
        (8_000_000, 12_500_000, 3),  # 100 Mbit/s
        (8_000_000, 550_000, 2),
        (8_000_000, 125_000, 1),  # 1 Mbit/s: a part takes a minute as it is
        (10_000, 1_000, 3),  # small files on a slow line
        (0, 1, 3),
    ],
)
def test_on_a_slow_line_fewer_parts_go_at_a_time(part_size: int, goodput: float, allowed: int) -> None:
    """Faults 11, 12."""
    assert Window(5).allows(part_size, goodput) == allowed
