"""The tutorial of README is a file that works as it stands (ACCEPTANCE X3)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from uploads.server import page_bundle, site

from tests.unit.inspectors.memory import a_file

ROOT = Path(__file__).parents[3]
ORDERS = ROOT / "examples" / "inspectors" / "orders.py"


def test_readme_shows_it_as_it_is() -> None:
    assert f"```python\n{ORDERS.read_text()}```" in (ROOT / "README.md").read_text()


def test_it_refuses_a_bad_file_and_counts_a_good_one() -> None:
    spec = importlib.util.spec_from_file_location("orders", ORDERS)
    assert spec
    assert spec.loader
    orders = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(orders)
    assert orders.inspect(a_file(b"order,day\n1,x\nx1,y\n")).reason == "Row 3: 'x1' is no number of an order."
    assert orders.inspect(a_file(b"order,day\n1,x\n2,y\n")).metadata == {"orders": "2"}


def test_the_build_takes_the_files_that_the_settings_name(monkeypatch: pytest.MonkeyPatch) -> None:
    named = [
        "examples/inspectors/orders.py",
        "pillow",
        "../outside.py",
        "/etc/passwd.py",
        "none.py",
        "https://a.example/b.py",
    ]
    settings = {"uploads": {"inspectors": [{"packages": named}, "odd", {"packages": "odd"}]}}
    before = site.stamp_of_inputs()
    monkeypatch.setattr(page_bundle, "read_settings", lambda: {"files": {}} | settings)
    assert page_bundle.inspector_files() == {"examples/inspectors/orders.py": ORDERS}
    assert site.stamp_of_inputs() != before
    monkeypatch.setattr(page_bundle, "read_settings", lambda: {"files": {}, "uploads": 5})
    assert page_bundle.inspector_files() == {}
