"""`azora freeze` and `azora unfreeze`: no promotion begins until a time, or until somebody lifts it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from azora.cli.apps import App
from azora.cli.options import ME, Approver, AsJson, EnvironmentName, environment_called
from azora.cli.output import done, emit, note
from azora.config.environment import Environment
from azora.config.settings import settings
from azora.core.cluster.freeze import DIGITS
from azora.core.promotion.approval import REASON_LETTERS, REASON_LETTERS_AT_MOST
from azora.errors import BadInput
from azora.operations import freezing

app = App()

Reason = Annotated[str, typer.Option("--reason", "-m", help="Why, in at least 8 letters; shown and recorded.")]


@app.command()
def freeze(
    environment: EnvironmentName,
    until: Annotated[str, typer.Option(metavar="TIME", help="Such as 2026-12-01T08:00 (UTC) or …T08:00+01:00.")],
    reason: Reason,
    by: Approver = ME,
    as_json: AsJson = False,
) -> None:
    """Keep promotions to ENV from beginning until TIME. Rollbacks go on."""
    here, end = environment_called(environment), _time(until)
    who = freezing.freeze(here, settings(), until=end, reason=_long_enough(reason), by=by)
    sentence = f"{environment} is frozen until {end:%Y-%m-%d %H:%M} UTC"
    _finish(here, sentence, {"environment": environment, "until": end, "by": who}, who, as_json=as_json)


@app.command()
def unfreeze(
    environment: EnvironmentName,
    reason: Reason,
    only: Annotated[
        str, typer.Option(metavar="RELEASE|RUN", help="Let this one through; the freeze stays for all others.")
    ] = "",
    by: Approver = ME,
    as_json: AsJson = False,
) -> None:
    """Lift the freeze of ENV, or let one release or run through."""
    here, subject = environment_called(environment), _subject(only)
    who = freezing.unfreeze(here, settings(), reason=_long_enough(reason), by=by, only=subject)
    sentence = f"{subject} may be promoted in the freeze" if subject else f"the freeze of {environment} is lifted"
    _finish(here, sentence, {"environment": environment, "only": subject, "by": who}, who, as_json=as_json)


def _finish(environment: Environment, sentence: str, data: dict[str, object], who: str, *, as_json: bool) -> None:
    done(sentence, data, as_json=as_json)
    note(sentence, environment=environment.name, by=who)
    for trouble in freezing.record_acts(environment, settings(), by=who):
        emit(f"  {trouble}", as_json=as_json)


def _time(text: str) -> datetime:
    """Raises BadInput: *text* is no time. Without a zone it is UTC, as everywhere in Azora."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError as error:
        raise BadInput(f"could not use the time {text!r}: it is too far away", advice="name an earlier year") from error
    except ValueError as error:
        raise BadInput(
            f"could not read the time {text!r}: it is not in ISO 8601",
            advice="such as 2026-12-01T08:00 (UTC) or 2026-12-01T08:00+01:00",
        ) from error


def _subject(text: str) -> str:
    """Raises BadInput: *text* is not the beginning of an id."""
    if text and not re.fullmatch(rf"[0-9a-f-]{{{DIGITS},64}}", text):
        raise BadInput(
            f"could not let {text!r} through: it is no id of a release or run",
            advice=f"give at least {DIGITS} digits of the id: the plan shows the release, the run's address the run",
        )
    return text


def _long_enough(reason: str) -> str:
    if not REASON_LETTERS <= len(reason.strip()) <= REASON_LETTERS_AT_MOST:
        raise BadInput(
            f"could not use the reason {reason[:80]!r}: it has {len(reason.strip())} letters",
            advice=f"give {REASON_LETTERS} to {REASON_LETTERS_AT_MOST} letters (-m); the text is shown on the plan and recorded",
        )
    return reason.strip()
