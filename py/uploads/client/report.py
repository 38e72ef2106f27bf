"""What a developer needs to hear of a page's uploads, as text for a bug tracker. Pure functions of plain data.

It names no file, no key, no person and no address: whoever presses the button cannot know who will read it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploads.protocol import EngineCapabilities, SessionSnapshot, UploadError, UploadProgress

PRIVATE = ("signer_url", "analytics_url")
"""Settings of which only is told that they are set."""
_KINDS = "abcdefghijklmnopqrstuvwxyz0123456789"


def report(
    engine: str,
    capabilities: "EngineCapabilities",
    settings: "Mapping[str, object]",
    sessions: "Mapping[str, SessionSnapshot]",
    progress: "Mapping[str, UploadProgress]",
    errors: "Mapping[str, UploadError]",
) -> str:
    """`settings`: those that differ from the defaults. Times in the stories are seconds on the engine's clock."""
    transports = ", ".join(capabilities["transports"]) or "?"
    python = capabilities["python"] or "?"
    lines = [
        f"engine: {engine}, worker {capabilities['worker']}, storage {capabilities['storage']}",
        f"Python {python} ({capabilities['boot']} start), transports {transports}",
    ]
    lines += [f"warning: {warning}" for warning in capabilities["warnings"]]
    for name in sorted(settings):
        lines.append(f"setting: {name} = {'(set)' if name in PRIVATE else repr(settings[name])}")
    for upload_id in sessions:
        lines += _upload(sessions[upload_id], progress[upload_id], errors.get(upload_id))
    return "\n".join(lines) + "\n"


def _upload(
    session: "SessionSnapshot", progress: "UploadProgress", error: "UploadError | None"
) -> "list[str]":
    lines = [
        "",
        f"upload {session['upload_id']}: {session['status']}, {session['phase']}",
        f"  file: {_kind(session['file_name'])}, {session['content_type'] or '?'}, {session['file_size']} bytes",
        f"  parts: {session['parts_uploaded']} of {progress['total_chunks']} stored, {session['chunk_size']} bytes each",
        f"  progress: {progress['progress']} %, {progress['speed']} bytes/s",
        f"  milliseconds from start to last activity: {session['last_activity'] - session['started_at']}",
    ]
    if error is not None:
        lines.append(
            f"  error: {error['type']}, status {error['status']}, code {error['code']}, "
            f"request id {error['request_id']}: {error['message']}"
        )
        lines += ["  " + line for line in error["story"]]
    return lines


def _kind(file_name: str) -> str:
    """A file's name without the name."""
    kind = file_name.split(".")[-1].lower() if "." in file_name else ""
    plain = 0 < len(kind) <= 8 and all(letter in _KINDS for letter in kind)
    return f"*.{kind}" if plain else "*"
