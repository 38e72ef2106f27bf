"""PartTransport, for transports that are subject to CORS: what the store does not show is not there."""

from __future__ import annotations

from upload_engine.core.errors import NetworkFault

from tests.contracts.roles import raised
from tests.contracts.roles.transport import Bench


async def a_hidden_etag_is_not_in_the_answer(bench: Bench) -> None:
    await bench.script({"expose": False})
    answer = await bench.put(b"abc")
    assert (answer.status, "etag" in answer.headers) == (200, False), answer


async def a_failed_preflight_is_a_network_fault(bench: Bench) -> None:
    await bench.script({"preflight": False})
    await raised(NetworkFault, bench.put(b"abc"))
    assert await bench.log() == []


async def a_form_that_nobody_watches_needs_no_preflight(bench: Bench) -> None:
    """Fetch standard, "CORS-safelisted request-header": the type of a form is one. XHR's listeners ask for a preflight."""
    await bench.script({"preflight": False})
    if bench.reports_progress:
        await raised(NetworkFault, bench.put(b"abc", fields={"key": "k"}))
    else:
        assert (await bench.put(b"abc", fields={"key": "k"})).status == 200


async def a_refusal_without_cors_is_a_network_fault(bench: Bench) -> None:
    await bench.script({"status": 403, "cors": False})
    await raised(NetworkFault, bench.put(b"abc"))
    [exchange] = await bench.log()
    assert exchange["status"] == 403, exchange
