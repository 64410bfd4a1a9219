"""The people of a trial."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import delete

from auth.models import AccountRow
from auth.passwords import hashed
from auth.routes import Login, Registration
from common.database import Database
from common.problems import Problem
from common.sessions import Account, Sessions
from common.trials import Age, Trial, belongs, older, trial_of

router = APIRouter()

_LIFETIME = timedelta(hours=1)  # nobody is there to log out after a killed run
_RESERVED = AccountRow.email.endswith("@trial.invalid")


def _sessions(request: Request) -> Sessions:
    found: Sessions = request.app.state.sessions
    return found


@router.post("/{trial}/accounts", status_code=201, summary="Make a person of the trial, logged in")
def make_account(
    trial: Trial, person: Registration, database: Database, sessions: Annotated[Sessions, Depends(_sessions)]
) -> Login:
    if trial_of(person.email) != trial:
        raise Problem(422, "not_of_the_trial", f"The address of a trial's person is {trial}-…@trial.invalid.")
    row = AccountRow(email=person.email, name=person.name, password_hash=hashed(person.password.get_secret_value()))
    database.add(row)
    database.commit()
    account = Account.model_validate(row, from_attributes=True)
    token = sessions.open(account, _LIFETIME)
    return Login(token=token, expires_in=int(_LIFETIME.total_seconds()), account=account)


@router.delete("/{trial}", status_code=204, summary="Remove the trial's people")
def remove(trial: Trial, database: Database) -> None:
    database.execute(delete(AccountRow).where(belongs(AccountRow.email, trial), _RESERVED))
    database.commit()


@router.delete("", status_code=204, summary="Remove the people of old trials")
def sweep(older_than_hours: Age, database: Database) -> None:
    database.execute(delete(AccountRow).where(older(AccountRow.email, older_than_hours), _RESERVED))
    database.commit()
