"""The plain shapes of a call and of an answer, shared by the core's requests and the adapters that send them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call to the signing server. ``path`` begins with ``/`` and is relative to the server's address."""

    method: str
    path: str
    json: Any = None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer that could be read, whatever its status.

    headers: lower-case names, only those that CORS lets the page read; text: the body, cut where the adapter says.
    """

    status: int
    headers: Mapping[str, str]
    text: str
