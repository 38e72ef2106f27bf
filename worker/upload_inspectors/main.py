"""The entry: a page's jobs in, one at a time, and what inspectors say out. Called once by `upload_worker.js`.

A job is one inspector for one file. What the inspector does with the processor and the memory is its own affair: the page ends
this worker when it takes too long, and its heap has a limit.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import time
import traceback
from collections.abc import Callable
from typing import Any

from pyodide.ffi import create_proxy
from uploads.protocol import inspection as p

from upload_inspectors.browser import BlobSink, FileSource, file_of
from upload_inspectors.files import InspectedFile
from upload_inspectors.packages import install
from upload_inspectors.verdict import Verdict

TELL_EVERY = 0.25
"""Seconds between two words on how far it is."""


async def start(js_host: Any) -> None:
    """Serve one page for ever."""
    jobs: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    js_host.onJob(create_proxy(lambda body, js_file: jobs.put_nowait((body, js_file))))
    while True:
        await _answer(js_host, *await jobs.get())


async def _answer(js_host: Any, body: str, js_file: Any) -> None:
    try:
        job = p.decode_job(body)
        await install(job["packages"], str(js_host.vendored), str(js_host.siteUrl))
        module, _, name = job["callable"].partition(":")
        inspector = getattr(importlib.import_module(module), name)
        js_file = await file_of(js_file)
        js_host.tell(p.encode_answer({"type": p.INSPECTION_BEGUN}))
        told, replacement = await _inspect(js_host, inspector, job["options"], js_file)
    except Exception as error:
        js_host.log(traceback.format_exc(), "error")
        words = str(error).strip() or type(error).__name__
        js_host.tell(
            p.encode_answer(
                {
                    "type": p.INSPECTION_FAILED,
                    "message": f"{type(error).__name__}: {words}"[: p.LONGEST_WORDS],
                }
            )
        )
        return
    if replacement is None:
        js_host.tell(told)
    else:
        js_host.tell(told, replacement)


async def _inspect(
    js_host: Any, inspector: Callable[..., Any], options: dict[str, Any], js_file: Any
) -> tuple[str, Any]:
    told_at = time.monotonic()
    source = FileSource(js_file)

    def on_read(position: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= TELL_EVERY:
            told_at = time.monotonic()
            share = round(100 * position / max(1, source.size), 1)
            js_host.tell(p.encode_answer({"type": p.INSPECTION_PROGRESSED, "checked": share}))

    name, last_modified = str(js_file.name), int(js_file.lastModified)
    file = InspectedFile(
        source,
        name=name,
        content_type=str(js_file.type),
        last_modified=last_modified,
        new_sink=BlobSink,
        on_read=on_read,
    )
    found = inspector(file, **options)
    if inspect.isawaitable(found):
        found = await found
    verdict = Verdict() if found is None else found
    if not isinstance(verdict, Verdict):
        raise TypeError(f"an inspector has to return a Verdict or None, not {type(verdict).__name__}")
    js_replacement = None
    if verdict.replacement is not None:
        js_replacement = verdict.replacement.finish().to_file(
            verdict.name or name, verdict.content_type or str(js_file.type), last_modified
        )
    answer = {
        "type": p.INSPECTION_DONE,
        "reason": verdict.reason[: p.LONGEST_WORDS],
        "metadata": {str(key): str(value) for key, value in verdict.metadata.items()},
        "content_encoding": verdict.content_encoding,
    }
    return p.encode_answer(answer), js_replacement
