"""What the server says when it cannot go on.

    UserError            start-up or build cannot go on; its text is the one sentence that a person reads
    └── SetUpError       the environment could not be made (network, wheels, rights)

Errors of single requests are in `uploads.server.problems`.
"""

from pathlib import Path


class UserError(Exception):
    """A condition that a person must change: printed as one sentence on stderr, exit status 2."""


class SetUpError(UserError):
    """The environment, the browser assets or the site could not be made."""


def place_of(error: BaseException) -> str:
    """Kind and place of an error, for the log: its text may hold anything, so that is not told."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {place}"
