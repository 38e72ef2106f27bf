"""What the server says when it cannot go on.

    UserError            start-up or build cannot go on; its text is the one sentence that a person reads
    └── SetUpError       the environment could not be made (network, wheels, rights)

Errors of single requests are in `uploads.server.problems`.
"""


class UserError(Exception):
    """A condition that a person must change: printed as one sentence on stderr, exit status 2."""


class SetUpError(UserError):
    """The environment, the browser assets or the site could not be made."""
