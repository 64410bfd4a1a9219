"""Exit codes of the command line.

0 success · 1 failure · 2 wrong usage or input · 3 refused · 4 unreachable · 5 something would change.
"""

from __future__ import annotations

from azora.errors import AzoraError, BadInput, Refused, TransientError

SOMETHING_CHANGES = 5
_OF_ERRORS: tuple[tuple[type[AzoraError], int], ...] = (
    (BadInput, 2),
    (Refused, 3),
    (TransientError, 4),
    (AzoraError, 1),
)


def exit_code(error: AzoraError) -> int:
    """The exit code for *error*."""
    return next(code for kind, code in _OF_ERRORS if isinstance(error, kind))
