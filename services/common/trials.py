"""Trials: runs of the end-to-end cases, with people and courses of their own among all others.

A trial is called `trial-<UTC minute>-<word>`, everything in it begins with that, and its people have addresses in a domain
that nobody can own (RFC 6761). So the name alone says what may be removed and how old it is. The interface is there only
where `TRIALS_TOKEN` is set, for who holds that token.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute

from common.problems import Problem
from common.sessions import Token

_NAME = r"trial-\d{8}t\d{4}-[0-9a-f]{8,32}"
_SOMETHING_OF_A_TRIAL = rf"^{_NAME}-"
EMAIL = re.compile(rf"^({_NAME})-[a-z0-9-]+@trial\.invalid$")

Trial = Annotated[str, Path(pattern=rf"^{_NAME}$", description="Name of the trial.")]
Age = Annotated[int, Query(ge=1, description="Hours since the trial began, by its name.")]


class TrialSettings(BaseSettings):
    """Read apart from a service's own settings: most environments have none of it."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    trials_token: SecretStr | None = Field(None, min_length=20, description="Who sends it may make and remove trials.")


def trial_of(email: str) -> str | None:
    """The trial that the person belongs to; None for everybody else."""
    found = EMAIL.match(email)
    return found.group(1) if found else None


def belongs(column: InstrumentedAttribute[str], trial: str) -> ColumnElement[bool]:
    """SQL condition that *column* names something of *trial*."""
    return column.startswith(f"{trial}-", autoescape=True)


def belongs_to_any(column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """SQL condition that *column* names something of any trial."""
    return column.regexp_match(_SOMETHING_OF_A_TRIAL)


def older(column: InstrumentedAttribute[str], hours: int) -> ColumnElement[bool]:
    """SQL condition that *column* names something of a trial that began more than *hours* ago."""
    began_before = datetime.now(UTC) - timedelta(hours=hours)
    return and_(belongs_to_any(column), column < f"trial-{began_before:%Y%m%dt%H%M}")


def must_belong(name: str, trial: str) -> None:
    """Raise Problem unless *name* is one of *trial*'s."""
    if not name.startswith(f"{trial}-"):
        raise Problem(422, "not_of_the_trial", f"What belongs to a trial has a name that begins with {trial}-.")


def _guard(expected: str) -> Callable[[Token], None]:
    def guard(token: Token) -> None:
        if not hmac.compare_digest((token or "").encode(), expected.encode()):
            raise Problem(401, "not_allowed", "This needs the token for trials.")

    return guard


def guarded(service: str, router: APIRouter) -> list[APIRouter]:
    """*router* under `/<service>/trials`, for who has the token; nothing where there is none."""
    token = TrialSettings().trials_token
    if token is None:
        return []
    guard = Depends(_guard(token.get_secret_value()))
    outer = APIRouter(tags=["trials"], dependencies=[guard])
    outer.include_router(router, prefix=f"/{service}/trials")
    return [outer]
