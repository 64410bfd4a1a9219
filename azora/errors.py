"""Errors, as a tree. The two branches decide whether a task is retried.

    AzoraError
    ├── TransientError          may be gone in a moment: tasks try again
    │   ├── Unreachable         nothing answered: API server, registry, Prefect, an ingress
    │   ├── Conflict            the object changed under us: look again, then decide
    │   └── NotReadyYet         asked for, not there yet
    └── PermanentError          trying again gives the same: stop and tell
        ├── BadInput            a ref, a file, a value that cannot be right
        ├── Refused             a rule of ours or of the cluster says no
        │   └── LeaseLost       another promotion or a rollback took over
        └── Failed              it was tried and did not work
            ├── TestsFailed
            ├── BuildFailed
            ├── HelmFailed
            └── CheckFailed     a proof before or after the switch said no

Text of each: ``could not <what we tried>: <what came back>``, then what to do, as `advice`.
"""

from __future__ import annotations

import re

from azora.redaction import redacted

MOST_LETTERS = 10_000
PAGE_LETTERS = 500_000  # Prefect keeps each page, and a browser shows it whole

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\r(?=\n)")  # colors of a terminal
_UNSTORED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]"
)  # PostgreSQL, JSON in UTF-8 or a page takes none of them


def storable(text: str, most: int = MOST_LETTERS) -> str:
    """Clean foreign *text* for a database or a page: about *most* letters, and no credentials.

    Control characters are replaced. The beginning and the end of a longer text are kept: what was tried, and what came of it.
    """
    visible = _UNSTORED.sub("\ufffd", _ESCAPES.sub("", redacted(text)))
    if len(visible) <= most:
        return visible
    head, tail = most // 4, most - most // 4
    return f"{visible[:head]}\n… {len(visible) - most} letters left out …\n{visible[-tail:]}"


class AzoraError(Exception):
    """An error with a sentence of advice for the person who reads it at night."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        message, advice = storable(message), storable(advice)
        super().__init__(f"{message}\n  → {advice}" if advice else message)
        self.message = message
        self.advice = advice

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuilt, (type(self), self.message, self.advice))


def _rebuilt(kind: type[AzoraError], message: str, advice: str) -> AzoraError:
    return kind(message, advice=advice)


class TransientError(AzoraError): ...


class Unreachable(TransientError): ...


class Conflict(TransientError): ...


class NotReadyYet(TransientError): ...


class PermanentError(AzoraError): ...


class BadInput(PermanentError): ...


class Refused(PermanentError): ...


class LeaseLost(Refused): ...


class Failed(PermanentError): ...


class TestsFailed(Failed):
    __test__ = False


class BuildFailed(Failed): ...


class HelmFailed(Failed): ...


class CheckFailed(Failed): ...
