"""The stored parts are a mapping like any other, whose sum, gap and texts are always those of what is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from upload_engine.core.parts import Part
from upload_engine.core.stored import BLOCK, StoredParts

NUMBERS = st.integers(1, 3 * BLOCK)
PARTS = st.builds(Part, st.sampled_from(["a", "b"]), st.integers(0, 5))
STEPS = st.one_of(
    st.tuples(st.just("put"), NUMBERS, PARTS),
    st.tuples(st.just("drop"), NUMBERS, st.none()),
    st.tuples(st.just("replace"), st.dictionaries(NUMBERS, PARTS, max_size=5), st.none()),
)


def numbers(parts: Mapping[int, Part]) -> str:
    return json.dumps([[number, part.etag, part.size] for number, part in parts.items()])


def sizes(parts: Mapping[int, Part]) -> str:
    return str(sum(part.size for part in parts.values()))


@given(st.lists(STEPS, max_size=30))
def test_they_are_what_was_put_in(steps: list[tuple[str, object, Part | None]]) -> None:
    stored, model = StoredParts(), dict[int, Part]()
    for what, subject, part in steps:
        before = dict(model)
        revision = stored.revision
        if isinstance(subject, dict):
            stored.replace(subject)
            model = dict(subject)
        elif isinstance(subject, int) and part:
            stored.put(subject, part)
            model[subject] = part
        elif isinstance(subject, int):
            stored.drop(subject)
            model.pop(subject, None)
        assert list(stored.items()) == sorted(model.items()), what
        assert len(stored) == len(model)
        assert stored.bytes == sum(one.size for one in model.values())
        assert stored.first_gap == next(n for n in range(1, 4 * BLOCK) if n not in model)
        assert stored.revision > revision or model == before
        texts = stored.written(numbers)
        assert [row[0] for text in texts for row in json.loads(text)] == sorted(model)
        assert [row for text in texts for row in json.loads(text)] == [
            [number, one.etag, one.size] for number, one in sorted(model.items())
        ]
        assert sum(map(int, stored.written(sizes))) == stored.bytes
    assert 0 not in stored
    assert object() not in stored


def test_another_part_has_one_block_written_anew() -> None:
    wrote: list[list[int]] = []

    def write(parts: Mapping[int, Part]) -> str:
        wrote.append(list(parts))
        return str(len(wrote))

    stored = StoredParts()
    stored.replace({number: Part("a", 1) for number in range(1, 4 * BLOCK)})
    assert stored.written(write) == ["1", "2", "3", "4"]
    wrote.clear()
    assert stored.written(write) == ["1", "2", "3", "4"]
    assert wrote == []
    stored.put(2 * BLOCK + 7, Part("b", 1))
    assert stored.written(write)[2] == "1"
    assert wrote == [list(range(2 * BLOCK, 3 * BLOCK))]
