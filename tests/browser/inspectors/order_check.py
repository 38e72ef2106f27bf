"""Inspectors of the tests' site: what the tutorial shows, and what goes wrong."""

import csv
import io

from upload_inspectors import InspectedFile, Verdict, accept, reject


def inspect(file: InspectedFile) -> Verdict:
    rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
    for number, row in enumerate(rows, 2):
        if not row["amount"].replace(".", "", 1).isdecimal():
            return reject(f'Row {number}, column "amount": "{row["amount"]}" is no amount.')
    return accept({"checked": "yes"})


def for_ever(file: InspectedFile) -> Verdict:
    while True:
        pass


def wrong(file: InspectedFile) -> Verdict:
    raise KeyError("a bug of the inspector")


def greedy(file: InspectedFile) -> Verdict:
    return accept({"bytes": str(len(bytearray(2_000_000_000)))})
