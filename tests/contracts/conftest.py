"""What the contracts of all browsers stand beside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.site import Site
from tests.fakes.background import Background
from tests.fakes.s3_server import ScriptedS3


@pytest.fixture(scope="module")
def store() -> Iterator[ScriptedS3]:
    with Background() as background:
        s3 = background.run(ScriptedS3().__aenter__())
        yield s3
        background.run(s3.__aexit__())


@pytest.fixture(scope="module")
def contracts_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("chosen")) as site:
        yield site
