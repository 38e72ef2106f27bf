"""The commands, once `.venv` is there: run, build, decrypt, test, bench."""

from __future__ import annotations

from uploads.server import site
from uploads.server.console import say
from uploads.server.options import Options


def main(options: Options) -> int:
    """Carry out what was asked; returns the exit status. Raises `UserError` with the sentence for a person."""
    if options.command == "build":
        made = site.build(options.out, options.signer_url)
        say(f"{'Built' if made else 'Already fresh:'} {options.out}")
        return 0
    if options.command == "decrypt" and options.locked is not None:
        from uploads.server import decrypting

        say(f"Written: {decrypting.decrypt_file(options.locked, options.opened, options.key_file)}")
        return 0
    if options.command == "test":
        from uploads.server import checks

        return checks.main(options.further)
    if options.command == "bench":
        from uploads.server import checks

        return checks.bench(options.further)
    from uploads.server import run, settings

    return run.serve(settings.load(options))
