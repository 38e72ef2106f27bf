"""What was read a moment ago is sent without being read again."""

from __future__ import annotations

from upload_engine.browser.just_read import MOMENT, MOST_KEPT, JustRead
from upload_engine.interfaces import PartBody, WholeFile


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def of(size: int) -> WholeFile:
    return WholeFile(PartBody(b"", size), "")


def test_what_is_kept_is_given_once() -> None:
    kept, whole = JustRead(), WholeFile(PartBody(b"abc", 3), "md5")
    assert kept.keep("a", whole)
    assert not kept.keep("a", whole), "it is kept already"
    assert kept.take("a") == whole
    assert kept.take("a") is None


def test_there_is_room_for_so_many_bytes_and_the_first_to_be_sent_stay() -> None:
    kept, half = JustRead(), of(MOST_KEPT // 2)
    assert kept.keep("a", half)
    assert kept.keep("b", half)
    assert not kept.keep("c", of(1))
    assert kept.take("a") is not None
    assert kept.keep("c", half), "what was taken makes room"


def test_after_a_moment_it_is_read_again() -> None:
    clock = Clock()
    kept = JustRead(clock)
    assert kept.keep("a", of(MOST_KEPT))
    clock.now = MOMENT + 1
    assert kept.keep("b", of(MOST_KEPT)), "what is old makes room"
    clock.now += MOMENT
    assert kept.take("a") is None
    assert kept.take("b") is not None, "it is exactly as old as it may be"
