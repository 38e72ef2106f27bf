"""What the documents say to operators is what the code does (ACCEPTANCE M8)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from uploads.server import bucket, diagnosis, parts
from uploads.server.options import Options
from uploads.server.settings import load

from tests.harness.server import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
BLOCKS: list[dict[str, Any]] = [
    json.loads(text) for text in re.findall(r"```json\n(.*?)```", DEPLOYMENT, re.DOTALL)
]


def block(name: str) -> Any:
    (found,) = [one[name] for one in BLOCKS if name in one]
    return found


def test_the_rights_on_aws_are_those_that_a_refusal_names() -> None:
    named = {action for statement in block("Statement") for action in statement["Action"]}
    assert named == set(diagnosis._RIGHTS.split(", "))


def test_the_rules_of_the_bucket_are_those_that_the_server_sets() -> None:
    (cors,) = block("CORSRules")
    ours = bucket._cors_rule(load(Options()))
    assert {**cors, "AllowedOrigins": None} == {**ours, "AllowedOrigins": None}
    assert cors["AllowedOrigins"][-1] == ours["AllowedOrigins"][-1]
    (lifecycle,) = block("Rules")
    assert lifecycle == bucket._lifecycle_rule(load(Options()))


def test_the_cost_of_a_part_size_is_what_it_comes_to() -> None:
    rows = re.findall(r"^\| (\d+) MiB \| .* \| ([\d,]+) \| (\d\.\d\d) \|$", README, re.MULTILINE)
    assert [int(size) for size, _, _ in rows] == [8, 16, 32, 64]
    for size, puts, dollars in rows:
        count = 2**40 // (int(size) * parts.MIB)
        assert int(puts.replace(",", "")) == count
        assert float(dollars) == pytest.approx(count / 1000 * 0.005, abs=0.005)


@pytest.mark.parametrize(
    ("size", "part_size"),
    [(99_999_999, 8), (100_000_000, 16), (1_000_000_000, 16), (1_000_000_001, 32), (335_000_000_000, 32), (336_000_000_000, 64)],
)  # fmt: skip
def test_the_files_that_a_part_size_is_used_for(size: int, part_size: int) -> None:
    assert parts.default_part_size(size) == part_size * parts.MIB
