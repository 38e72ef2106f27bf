"""A volume server of a SeaweedFS cluster is killed in mid-upload (``-m long``; ACCEPTANCE N9)."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.browser.uploads_page import UploadsPage, random_file, sha256
from tests.fakes.background import Background
from tests.fakes.tcp_proxy import TcpProxy
from tests.harness.browser import Visitor
from tests.harness.cluster import VOLUME_SERVERS, open_cluster
from tests.harness.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.long]

BUCKET = "cluster"


def test_a_volume_server_is_killed_and_only_the_log_notices(visitor: Visitor, tmp_path: Path) -> None:
    """N9; fault 15: everything is there twice, and what is new goes elsewhere."""
    film = random_file(tmp_path / "film.bin", 200_000_000)
    with Background() as background, ExitStack() as stack:
        cluster = stack.enter_context(open_cluster(tmp_path / "cluster", BUCKET))
        line = background.run(TcpProxy("127.0.0.1", int(cluster.rig.url.rpartition(":")[2])).__aenter__())
        stack.callback(lambda: background.run(line.__aexit__()))
        server = ServerProcess(
            tmp_path / "data",
            port=None,
            **cluster.rig.settings,
            UPLOADS_BUCKET=BUCKET,
            UPLOADS_PUBLIC_ENDPOINT=line.url,
        )
        stack.callback(server.discard)
        server.start()
        page = UploadsPage(visitor, server)
        line.bandwidth = 20e6
        page.choose(film)
        page.until_percent(film.name, 30)
        written = [cluster.written_by(number) for number in range(VOLUME_SERVERS)]
        busiest = max(range(VOLUME_SERVERS), key=lambda number: written[number])
        assert written[busiest] > 0, "there is something to lose"
        cluster.kill_volume_server(busiest)
        page.until(film.name, "completed", "failed")
        assert page.state(film.name)[0] == "completed", page.row(film.name).inner_text()
        phases = {phase for _, phase, _ in page.timeline(film.name)}
        assert phases <= {"queued", "creating", "uploading", "finalising", "completed"}, (
            "no trouble was shown"
        )
        (key,) = [
            one["Key"] for one in cluster.rig.s3.list_objects_v2(Bucket=BUCKET, Prefix="uploads/")["Contents"]
        ]
        assert sha256(cluster.rig.object_bytes(BUCKET, key)) == sha256(film)
        assert visitor.console == []
        gone = f"unregister disconnected volume server 127.0.0.1:{cluster.volumes[busiest]}"
        assert gone in cluster.log_of("master"), "the log has noticed"
