"""The users of an application, known to the server by its tokens."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import jwt

from tests.harness.secrets import EVIDENCE
from tests.harness.server import ServerProcess

JWT_SECRET = "the secret of an application, shared"
"""For ``UPLOADS_JWT_SECRET``."""


@contextmanager
def new_user(server: ServerProcess, test: str) -> Iterator[httpx.Client]:
    """Somebody new of this test's, so that nothing is used up."""
    user = f"{re.sub(r'[^A-Za-z0-9_]', '-', test[:60])}-{time.time_ns()}"
    text = jwt.encode({"sub": user, "exp": time.time() + 600}, JWT_SECRET, algorithm="HS256")
    EVIDENCE.keep_secret("token of an application", text)
    headers = {"Authorization": f"Bearer {text}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        yield client
