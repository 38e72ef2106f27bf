"""The API is what its description says: made-up calls by the thousand, each answer as documented (ACCEPTANCE L6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.harness.server import ServerProcess

pytestmark = pytest.mark.stores

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@dataclass
class Described:
    """The server, a guest of it, and an upload of that guest's."""

    url: str
    cookie: str
    upload_id: str
    key: str

    def call(self, case: Any, real: bool) -> None:
        """Make the call; ``real``: about an upload that is there."""
        if real and "upload_id" in (case.path_parameters or {}):
            case.path_parameters["upload_id"] = self.upload_id
            case.query = {**(case.query or {}), "key": self.key}
        case.headers = {**(case.headers or {}), "Cookie": self.cookie}
        answer = case.call(base_url=self.url)
        case.validate_response(answer, checks=CHECKS)
        if real and case.method == "DELETE" and answer.status_code == 200:
            self.begin()

    def begin(self) -> None:
        with httpx.Client(base_url=self.url, headers={"Cookie": self.cookie}) as guest:
            created = guest.post("/s3/multipart", json={"filename": "a", "size": 5}).json()
        self.upload_id, self.key = created["uploadId"], created["key"]


@pytest.fixture(scope="module")
def described(server: ServerProcess) -> Iterator[Described]:
    with httpx.Client(base_url=server.url) as guest:
        guest.get("/").raise_for_status()
        cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    found = Described(server.url, cookie, "", "")
    found.begin()
    yield found
    server.abort_open_uploads()


QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


@pytest.mark.parametrize("real", [False, True], ids=["made up", "about an upload"])
@pytest.mark.parametrize("cases", [12, pytest.param(350, marks=pytest.mark.long)])
def test_every_answer_is_as_documented(described: Described, cases: int, real: bool) -> None:
    schema = schemathesis.openapi.from_url(f"{described.url}/openapi.json")
    asked = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if real and "{upload_id}" not in operation.path:
            continue
        asked.add(operation.path)

        @given(case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)))
        @settings(QUIET, max_examples=cases)
        def ask(case: Any) -> None:
            described.call(case, real)

        ask()
    assert len(asked) >= (5 if real else 12)
