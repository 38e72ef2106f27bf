"""A failing plan made smaller: what can be left out of it while something still breaks."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.drama import Outcome, play
from tests.simulation.plan import Plan

STORY_LINES = 150


def shrink(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """Leave out halves, then quarters, and so on down to single items, while the plan still ``fails``."""
    size = max(1, len(plan.items) // 2)
    while True:
        start = 0
        while start < len(plan.items):
            smaller = plan.without(*plan.items[start : start + size])
            if fails(smaller):
                plan = smaller
            else:
                start += size
        if size == 1:
            return plan
        size //= 2


def cause(error: BaseException) -> BaseException:
    """What is at the bottom of a group of exceptions."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def describe(outcome: Outcome) -> str:
    """What broke, in one line."""
    if outcome.error is None:
        return "nothing broke"
    error = cause(outcome.error)
    return _plain(f"{type(error).__name__}: {error}")


def explain(plan: Plan, *, shrunk: bool) -> str:
    """The plan, its story and what broke at the end of it; ``shrunk``: of the smallest plan that breaks."""
    if shrunk and play(plan).error is not None:
        plan = shrink(plan, lambda smaller: play(smaller).error is not None)
    outcome = play(plan, tell=True)
    left_out = max(0, len(outcome.story) - STORY_LINES)
    story = [line[:170] for line in outcome.story[left_out:]]
    head = [f"… {left_out} lines before …"] if left_out else []
    return _plain("\n".join([str(plan), *head, *story, describe(outcome)]))


def _plain(text: str) -> str:
    """Fit for any terminal: a damaged record may hold half a character."""
    return text.encode("utf-8", "backslashreplace").decode()
