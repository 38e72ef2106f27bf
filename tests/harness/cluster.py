"""A SeaweedFS cluster on loopback: a master, three volume servers that keep everything twice (001), a filer, `weed s3`."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from uploads.server.embedded import program

from tests.harness.rigs import Rig
from tests.harness.secrets import EVIDENCE
from tests.harness.server import free_port

REPLICATION = "001"
"""One more copy, on another server of the same rack."""

VOLUME_SERVERS = 3
KEYS = ("AKofCluster", "the-secret-key-of-the-cluster")
_START_LIMIT = 60.0


@dataclass
class Cluster:
    """One that runs. ``volumes``: the ports of the volume servers, in the order of their processes."""

    folder: Path
    rig: Rig
    volumes: list[int]
    master: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def written_by(self, number: int) -> int:
        """The bytes that a volume server has on its disk."""
        return sum(file.stat().st_size for file in (self.folder / f"volume{number}").glob("*.dat"))

    def kill_volume_server(self, number: int) -> None:
        """`kill -9`."""
        process = self.processes[f"volume{number}"]
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def open_cluster(folder: Path, bucket: str) -> Iterator[Cluster]:
    """Started in order, and its bucket made. Raises `AssertionError` with the logs when it does not start."""
    folder.mkdir(parents=True)
    EVIDENCE.keep_secret("key of the cluster", KEYS[1])
    master, filer, s3, *volumes = (free_port() for _ in range(3 + VOLUME_SERVERS))
    master_grpc, filer_grpc, *volume_grpc = (free_port() for _ in range(2 + VOLUME_SERVERS))
    pair = {"accessKey": KEYS[0], "secretKey": KEYS[1]}
    identity = {
        "name": "all",
        "credentials": [pair],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    cluster = Cluster(folder, Rig("seaweedfs cluster", f"http://127.0.0.1:{s3}", KEYS), volumes, master)
    here = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    masters = f"127.0.0.1:{master}.{master_grpc}"
    commands = {
        "master": [
            "master",
            *here,
            f"-port={master}",
            f"-port.grpc={master_grpc}",
            f"-mdir={folder / 'master'}",
            f"-defaultReplication={REPLICATION}",
            "-volumeSizeLimitMB=256",
            "-telemetry=false",
        ],
        **{
            f"volume{number}": [
                "volume",
                *here,
                f"-port={port}",
                f"-port.grpc={volume_grpc[number]}",
                f"-master={masters}",
                f"-dir={folder / f'volume{number}'}",
                "-max=40",
                "-dataCenter=here",
                "-rack=one",
            ]
            for number, port in enumerate(volumes)
        },
        "filer": [
            "filer",
            *here,
            f"-port={filer}",
            f"-port.grpc={filer_grpc}",
            f"-master={masters}",
            f"-defaultReplicaPlacement={REPLICATION}",
            f"-defaultStoreDir={folder / 'filer'}",
            "-localSocket=filer.sock",
        ],
        "s3": [
            "s3",
            "-ip.bind=127.0.0.1",
            f"-port={s3}",
            f"-port.grpc={free_port()}",
            "-port.iceberg=0",
            f"-filer=127.0.0.1:{filer}.{filer_grpc}",
            f"-config={folder / 's3.json'}",
        ],
    }
    try:
        for name, arguments in commands.items():
            (folder / name).mkdir(exist_ok=True)
            with (folder / f"{name}.log").open("wb") as log:
                cluster.processes[name] = subprocess.Popen(
                    [str(program()), f"-logdir={folder / name}", "-alsologtostderr=true", *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    start_new_session=True,
                )
        _make_bucket(cluster, bucket)
        yield cluster
    finally:
        for process in reversed(cluster.processes.values()):
            process.kill()
            process.wait()


def _make_bucket(cluster: Cluster, bucket: str) -> None:
    client = cluster.rig.s3
    limit = time.monotonic() + _START_LIMIT
    while True:
        try:
            nodes = httpx.get(f"http://127.0.0.1:{cluster.master}/dir/status").json()["Topology"][
                "DataCenters"
            ]
            if sum(len(rack["DataNodes"]) for center in nodes for rack in center["Racks"]) == VOLUME_SERVERS:
                client.create_bucket(Bucket=bucket)
                return
        except Exception:
            if time.monotonic() > limit:
                raise AssertionError("".join(map(cluster.log_of, cluster.processes))[-4000:]) from None
        time.sleep(0.2)
