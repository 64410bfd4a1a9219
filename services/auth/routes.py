"""Register, log in, who am I, log out."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, Field, SecretStr, StringConstraints
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from auth.models import AccountRow
from auth.passwords import Lockout, hashed, matches, outdated
from common.database import Database
from common.problems import Problem
from common.sessions import Account, Sessions, SignedIn, Token

router = APIRouter(prefix="/auth", tags=["auth"])

ONE_MINUTE = timedelta(minutes=1)

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
    AfterValidator(str.lower),
]


class Registration(BaseModel):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)] = Field(
        description="What the person wants to be called."
    )
    email: Email = Field(description="Capitals make no difference.")
    password: SecretStr = Field(min_length=10, max_length=200, description="At least ten characters of any kind.")


class Credentials(BaseModel):
    email: Email = Field(description="Of an account.")
    password: SecretStr = Field(max_length=200, description="Its password.")


class Login(BaseModel):
    token: str = Field(description="Send it as `Authorization: Bearer …`.")
    expires_in: int = Field(description="Seconds until it ends.")
    account: Account = Field(description="Who has logged in.")


def _sessions(request: Request) -> Sessions:
    found: Sessions = request.app.state.sessions
    return found


def _lockout(request: Request) -> Lockout:
    found: Lockout = request.app.state.lockout
    return found


@router.post("/accounts", status_code=201, summary="Register")
def register(registration: Registration, database: Database) -> Account:
    row = AccountRow(
        email=registration.email,
        name=registration.name,
        password_hash=hashed(registration.password.get_secret_value()),
    )
    database.add(row)
    try:
        database.commit()
    except IntegrityError:
        raise Problem(409, "email_taken", "There is an account with this e-mail address already.") from None
    return Account.model_validate(row, from_attributes=True)


@router.post("/sessions", status_code=201, summary="Log in")
def log_in(
    credentials: Credentials,
    database: Database,
    sessions: Annotated[Sessions, Depends(_sessions)],
    lockout: Annotated[Lockout, Depends(_lockout)],
) -> Login:
    if left := lockout.attempt(credentials.email):
        detail = f"Too many wrong passwords for this e-mail address. Try again in {ceil(left / ONE_MINUTE)} min."
        raise Problem(429, "locked", detail, {"Retry-After": str(int(left.total_seconds()))})
    row = database.scalar(select(AccountRow).where(AccountRow.email == credentials.email))
    database.close()  # the hash takes a while: others need the connection
    password = credentials.password.get_secret_value()
    try:
        right = matches(row.password_hash if row else None, password)
    except Problem:
        lockout.not_counted(credentials.email)
        raise
    if not right or row is None:
        raise Problem(401, "invalid_credentials", "E-mail address or password is wrong.")
    lockout.succeeded(credentials.email)
    account = Account.model_validate(row, from_attributes=True)
    if outdated(row.password_hash):
        _hash_again(database, account, password)
    return Login(token=sessions.open(account), expires_in=int(sessions.lifetime.total_seconds()), account=account)


def _hash_again(database: Database, account: Account, password: str) -> None:
    """With today's parameters: only now is the password known."""
    database.execute(update(AccountRow).where(AccountRow.id == account.id).values(password_hash=hashed(password)))
    database.commit()


@router.get("/sessions/current", summary="Who am I")
def current(account: SignedIn) -> Account:
    return account


@router.delete("/sessions/current", status_code=204, summary="Log out")
def log_out(token: Token, sessions: Annotated[Sessions, Depends(_sessions)]) -> None:
    if token:
        sessions.close(token)
