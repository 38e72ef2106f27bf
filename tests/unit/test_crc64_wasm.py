"""worker/crc64.wat, run in Node, against awscrt as an independent oracle."""

from __future__ import annotations

import json
import random
from functools import reduce
from operator import xor
from pathlib import Path

import pytest
from upload_engine.core.crc64 import combine
from uploads.server.errors import SetUpError
from uploads.server.pyodide_node import run_in_node
from uploads.server.site import CHECKSUMS
from uploads.server.wasm import assemble

from tests.fakes.s3_bucket import crc64nvme

RUN = """
import {readFileSync, writeFileSync} from "node:fs";
const read = (name) => readFileSync(`${process.env.WORK}/${name}`);
const {memory, room, update} = (await WebAssembly.instantiate(read("crc64.wasm"))).instance.exports;
const bytes = new Uint8Array(memory.buffer, room.value);
const content = new Uint8Array(read("content"));
const found = JSON.parse(read("pieces")).map((lengths) => {
  let crc = -1n, at = 0;
  for (const length of lengths) {
    bytes.set(content.subarray(at, at + length));
    crc = update(crc, length);
    at += length;
  }
  const answer = Buffer.alloc(8);
  answer.writeBigUInt64BE(BigInt.asUintN(64, ~crc));
  return answer.toString("base64");
});
writeFileSync(`${process.env.WORK}/found`, JSON.stringify([bytes.length, found]));
"""
ROOM = 131_072
MUCH = 8_192  # bytes that are worth dividing by a multiple first
TERMS = (0, 168, 598, 725, 1_482, 1_627, 2_061, 2_210)  # of that, in bytes


def test_any_bytes_in_pieces_of_any_length_have_the_checksum_that_others_compute(tmp_path: Path) -> None:
    """Lengths around what it takes at once (eight bytes, sixteen, the multiple), and as large as there is room for."""
    chance = random.Random(64)
    content = chance.randbytes(40 * ROOM)
    short = [[length] for length in range(70)] + [[length, length + 1] for length in range(40)]
    much = [[MUCH + more] for more in range(-20, 40)] + [[MUCH + more, TERMS[-1]] for more in range(20)]
    long = [[ROOM - less] for less in range(20)] + [[ROOM] * times for times in (2, 7)]
    mixed = [
        [
            chance.choice((0, 1, 7, 8, 15, 16, 17, 1_000, MUCH, ROOM, chance.randrange(ROOM)))
            for _ in range(12)
        ]
        for _ in range(200)
    ]
    pieces = [*short, *much, *long, *mixed]
    (tmp_path / "crc64.wasm").write_bytes(assemble(CHECKSUMS))
    (tmp_path / "content").write_bytes(content)
    (tmp_path / "pieces").write_text(json.dumps(pieces))
    run_in_node(RUN, tmp_path)
    room, found = json.loads((tmp_path / "found").read_text())
    assert room == ROOM
    assert found == [crc64nvme(content[: sum(lengths)]) for lengths in pieces]


def test_the_eight_terms_are_a_multiple_of_the_polynomial() -> None:
    """Each is as many zero bytes behind the polynomial 1; their sum has no remainder."""
    assert reduce(xor, (combine(1 << 63, 0, term) for term in TERMS)) == 0


def test_text_that_is_no_module_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "broken.wat").write_text("(module (func (result i64) (i32.const 1)))")
    with pytest.raises(SetUpError, match=r"broken\.wat:1:"):
        assemble(tmp_path / "broken.wat")
