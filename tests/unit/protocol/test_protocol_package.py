"""What importing the package does, and does not do."""

import subprocess
import sys

import pytest
import uploads
import uploads.protocol.types


def test_importing_the_protocol_loads_neither_the_hook_nor_the_server() -> None:
    """The worker imports only the protocol; the page's side must not come along."""
    program = "import sys, uploads.protocol; print(sorted(m for m in sys.modules if m.startswith('uploads')))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert "client" not in done.stdout
    assert "server" not in done.stdout


def test_the_types_cost_nothing_at_run_time() -> None:
    """MicroPython has no `typing`: the shapes exist for type checkers alone."""
    assert not hasattr(uploads.protocol.types, "UploadSession")


def test_the_hook_is_found_on_first_use() -> None:
    from uploads.client import UploadClient, use_upload_worker

    assert uploads.UploadClient is UploadClient
    assert uploads.use_upload_worker is use_upload_worker


def test_an_unknown_name_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="'uploads' has no attribute 'use_upload_wrker'"):
        _ = uploads.use_upload_wrker
