"""How many parts a second are signed for many uploads at once: by our server, and by an Uppy Companion in the same run.

    python -m tests.bench.signing [--uploads 200] [--parts 1000] [--batch 100] [--rounds 3] [--workers 1] [--out figures.json]

So many uploads are open at once, each of a guest of its own where the server knows guests, over a connection of its own.
Each asks for the URLs of all its parts: with `batch` parts a call, and once more with one part a call for a tenth of them.
The two servers take turns; both sign for the same store, on the same machine, one process each unless `--workers` says
otherwise. Printed are signatures a second (median of the rounds, and range), the calls' p50 and p99 with all uploads asking
at once, errors, what memory the servers' processes have (resident, MB) before and after each quarter, and the ratios of the
medians. Nothing is asserted; the exit status is 1 when any call failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.harness.companion import open_companion
from tests.harness.processes import children, started_with
from tests.harness.server import ServerProcess

PART = 8 * 1024 * 1024
QUARTERS = 4


class Caller:
    """One keep-alive connection that asks for JSON: as little work as can be, since both share the machine with it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._cookie = ""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=2**22)

    def close(self) -> None:
        self._writer.close()

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n{self._cookie}"
        if content:
            head += f"content-type: application/json\r\ncontent-length: {len(content)}\r\n"
        request = head.encode() + b"\r\n" + content
        try:
            lines = await self._send(request)
        except (
            asyncio.IncompleteReadError,
            ConnectionError,
        ):  # servers close connections that idle for seconds
            await self.open()
            lines = await self._send(request)
        length = 0
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            if name.lower() == "content-length":
                length = int(value)
            elif name.lower() == "set-cookie":
                self._cookie = f"cookie: {value.partition(';')[0]}\r\n"
        answer = await self._reader.readexactly(length) if length else b""
        return int(lines[0].split()[1]), answer

    async def _send(self, request: bytes) -> list[str]:
        self._writer.write(request)
        return (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")


@dataclass
class Upload:
    caller: Caller
    path: str
    key: str


@dataclass
class Server:
    """One of the two. ``pids``: its processes, whose memory is looked at."""

    name: str
    url: str
    knows_guests: bool
    pids: Callable[[], Iterable[int]]


@dataclass
class Round:
    """What one round has shown: signatures, seconds in all, seconds of each call, and megabytes at each quarter."""

    signatures: int = 0
    seconds: float = 0.0
    calls: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


async def begin(server: Server, number: int, parts: int) -> Upload:
    caller = Caller(server.url)
    await caller.open()
    if server.knows_guests:
        await caller.ask("GET", "/s3/uploads")
    wanted: dict[str, Any] = {"filename": f"{number}.bin", "type": "application/octet-stream", "metadata": {}}
    if server.knows_guests:
        wanted |= {"size": parts * PART, "partSize": PART}
    status, answer = await caller.ask("POST", "/s3/multipart", wanted)
    if status != 200:
        raise SystemExit(f"{server.name} creates no uploads: {status} {answer[:200]!r}")
    created = json.loads(answer)
    return Upload(
        caller, f"/s3/multipart/{quote(created['uploadId'], safe='')}", quote(created["key"], safe="")
    )


async def sign(upload: Upload, numbers: list[int], seen: Round) -> None:
    listed = ",".join(map(str, numbers))
    tail = (
        f"/batch?key={upload.key}&partNumbers={listed}" if len(numbers) > 1 else f"/{listed}?key={upload.key}"
    )
    start = time.perf_counter()
    status, answer = await upload.caller.ask("GET", upload.path + tail)
    seen.calls.append(time.perf_counter() - start)
    found = answer.count(b"X-Amz-Signature=")
    seen.signatures += found
    if status != 200 or found != len(numbers):
        seen.errors.append(f"{status}: {found} of {len(numbers)}, {answer[:100]!r}")


async def run_round(server: Server, uploads: int, parts: int, batch: int) -> Round:
    """All uploads ask at once, each one call after the other."""
    seen = Round()
    opened = await asyncio.gather(*(begin(server, number, max(parts, 1000)) for number in range(uploads)))
    numbers = list(range(1, parts + 1))
    groups = [numbers[at : at + batch] for at in range(0, parts, batch)]
    seen.memory.append(megabytes(server.pids()))
    quarter = -(-len(groups) // QUARTERS)

    async def ask_for(upload: Upload, wanted: list[list[int]]) -> None:
        for group in wanted:
            await sign(upload, group, seen)

    for at in range(0, len(groups), quarter):
        start = time.perf_counter()
        await together(ask_for(upload, groups[at : at + quarter]) for upload in opened)
        seen.seconds += time.perf_counter() - start
        seen.memory.append(megabytes(server.pids()))
    await together(end(upload) for upload in opened)
    return seen


async def together(tasks: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*tasks)


async def end(upload: Upload) -> None:
    await upload.caller.ask("DELETE", f"{upload.path}?key={upload.key}")
    upload.caller.close()


def megabytes(pids: Iterable[int]) -> float:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * 4096 / 1e6


@contextmanager
def open_servers(folder: Path, workers: int) -> Iterator[list[Server]]:
    ours = ServerProcess(folder / "data", UPLOADS_WORKERS=str(workers))
    ours.start()
    keys = ours.signer_keys["access_key"], ours.signer_keys["secret_key"]

    def our_processes() -> list[int]:
        made = [pid for pid, command in children(ours.pid).items() if "spawn_main" in command]
        return [ours.pid, *made]

    try:
        with open_companion(folder / "companion", ours.store_url, ours.bucket, keys) as url:
            theirs = started_with("main.js")
            yield [
                Server("Upload Worker", ours.url, True, our_processes),
                Server("Companion", url, False, lambda: [theirs]),
            ]
    finally:
        ours.discard()


def of_all(values: list[float]) -> str:
    return f"{statistics.median(values):8,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def show(kind: str, figures: dict[str, list[Round]]) -> dict[str, Any]:
    """One table; the figures as they are kept."""
    print(f"\n{kind}")
    kept: dict[str, Any] = {}
    for name, rounds in figures.items():
        rates = [one.signatures / one.seconds for one in rounds]
        calls = sorted(call for one in rounds for call in one.calls)
        p50, p99 = (1000 * calls[int(share * (len(calls) - 1))] for share in (0.5, 0.99))
        errors = [error for one in rounds for error in one.errors]
        memory = [[round(at) for at in one.memory] for one in rounds]
        print(
            f"  {name:14} {of_all(rates)} signatures/s   p50 {p50:6.0f} ms   p99 {p99:6.0f} ms   errors {len(errors)}"
        )
        print(f"  {'':14} memory, MB: {'; '.join(' '.join(map(str, one)) for one in memory)}")
        for error in errors[:3]:
            print(f"  {'':14} {error}")
        kept[name] = {
            "signaturesPerSecond": rates,
            "p50": p50,
            "p99": p99,
            "errors": len(errors),
            "memory": memory,
        }
    ours, theirs = (statistics.median(one["signaturesPerSecond"]) for one in kept.values())
    print(f"  ratio          {ours / theirs:8.2f}")
    return kept | {"ratio": ours / theirs}


def main(argv: list[str]) -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.signing", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--uploads", type=int, default=200, help="open at once (200)")
    parser.add_argument("--parts", type=int, default=1000, help="of each (1000)")
    parser.add_argument("--batch", type=int, default=100, help="parts a call (100)")
    parser.add_argument("--rounds", type=int, default=3, help="of each server (3)")
    parser.add_argument("--workers", type=int, default=1, help="our server's processes (1)")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    args = parser.parse_args(argv)
    kinds = {
        f"{args.uploads} uploads at once, {args.batch} parts a call": (args.parts, args.batch),
        f"{args.uploads} uploads at once, one part a call": (max(args.parts // 10, QUARTERS), 1),
    }
    kept: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, open_servers(Path(folder), args.workers) as servers:
        for server in servers:
            asyncio.run(
                run_round(server, min(args.uploads, 20), args.batch * QUARTERS, args.batch)
            )  # warm-up
        for kind, (parts, batch) in kinds.items():
            figures: dict[str, list[Round]] = {server.name: [] for server in servers}
            for _ in range(args.rounds):
                for server in servers:
                    figures[server.name].append(asyncio.run(run_round(server, args.uploads, parts, batch)))
            kept[kind] = show(kind, figures)
    if args.out:
        args.out.write_text(json.dumps(kept, indent=2))
    return int(any(one["errors"] for kind in kept.values() for one in kind.values() if isinstance(one, dict)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
