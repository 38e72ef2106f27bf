"""A volume server of a SeaweedFS cluster is killed in mid-upload (``-m long``; ACCEPTANCE N9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.any_store import open_any_store
from tests.browser.uploads_page import UploadsPage, random_file, sha256
from tests.harness.browser import Visitor
from tests.harness.cluster import VOLUME_SERVERS, open_cluster

pytestmark = [pytest.mark.browser, pytest.mark.long]

BUCKET = "cluster"


def test_a_volume_server_is_killed_and_only_the_log_notices(visitor: Visitor, tmp_path: Path) -> None:
    """N9; fault 15: everything is there twice, and what is new goes elsewhere."""
    film = random_file(tmp_path / "film.bin", 200_000_000)
    with (
        open_cluster(tmp_path / "cluster", BUCKET) as cluster,
        open_any_store(cluster.rig, tmp_path, BUCKET) as store,
    ):
        page = UploadsPage(visitor, store.server)
        store.limit(20e6)
        page.choose(film)
        page.until_percent(film.name, 30)
        written = [cluster.written_by(number) for number in range(VOLUME_SERVERS)]
        busiest = max(range(VOLUME_SERVERS), key=lambda number: written[number])
        assert written[busiest] > 0, "there is something to lose"
        cluster.kill_volume_server(busiest)
        page.must_complete(film.name)
        phases = {phase for _, phase, _ in page.timeline(film.name)}
        assert phases <= {"queued", "creating", "uploading", "finalising", "completed"}, (
            "no trouble was shown"
        )
        (key,) = store.stored()
        assert sha256(store.object_bytes(key)) == sha256(film)
        assert visitor.console == []
        gone = f"unregister disconnected volume server 127.0.0.1:{cluster.volumes[busiest]}"
        assert gone in cluster.log_of("master"), "the log has noticed"
