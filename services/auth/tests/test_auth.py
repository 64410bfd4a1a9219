"""Accounts and logins."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from fakeredis import FakeRedis
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

from auth import passwords
from auth.app import create
from auth.settings import Settings

ADA = {"name": "Ada", "email": "Ada@Example.test", "password": "correct horse battery"}
LOGIN = {"email": "ada@example.test", "password": "correct horse battery"}


@pytest.fixture
def client(emptied: str) -> Iterator[TestClient]:
    service = create(Settings(database_url=emptied, redis_url="redis://nowhere", lockout_failures=3))  # type: ignore[arg-type]
    with TestClient(service) as client:
        yield client


@pytest.fixture
def ada(client: TestClient) -> TestClient:
    assert client.post("/auth/accounts", json=ADA).status_code == 201
    return client


def _token(client: TestClient) -> str:
    token: str = client.post("/auth/sessions", json=LOGIN).json()["token"]
    return token


def test_registration(ada: TestClient) -> None:
    """A registered person can log in."""
    headers = {"authorization": f"Bearer {_token(ada)}"}
    assert ada.get("/auth/sessions/current", headers=headers).json()["email"] == "ada@example.test"


def test_registration_of_a_known_address(ada: TestClient) -> None:
    """An e-mail address registers once, whatever its case."""
    answer = ada.post("/auth/accounts", json={**ADA, "email": "ADA@example.TEST"})
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    "wrong",
    [{"email": "not an address"}, {"password": "short"}, {"name": "  "}],
    ids=["email", "password", "name"],
)
def test_registration_that_is_wrong(client: TestClient, wrong: dict[str, str]) -> None:
    """The error names the wrong field and repeats nothing of what was sent."""
    answer = client.post("/auth/accounts", json=ADA | wrong)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == list(wrong)
    assert ADA["password"] not in answer.text


@pytest.mark.parametrize(
    "wrong", [{"password": "wrong horse battery"}, {"email": "nobody@example.test"}], ids=["password", "email"]
)
def test_login_with_wrong_credentials(ada: TestClient, wrong: dict[str, str]) -> None:
    """A wrong password and an unknown address get the same answer."""
    answer = ada.post("/auth/sessions", json=LOGIN | wrong)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert answer.json()["detail"] == "E-mail address or password is wrong."


def test_logout(ada: TestClient) -> None:
    """A logout ends the session."""
    headers = {"authorization": f"Bearer {_token(ada)}"}
    assert ada.delete("/auth/sessions/current", headers=headers).status_code == 204
    assert ada.get("/auth/sessions/current", headers=headers).status_code == 401


def test_login_after_failures(ada: TestClient, redis: FakeRedis) -> None:
    """After three failures the right password is locked out, too."""
    for _ in range(3):
        ada.post("/auth/sessions", json=LOGIN | {"password": "wrong horse battery"})
    locked = ada.post("/auth/sessions", json=LOGIN)
    assert (locked.status_code, locked.json()["code"]) == (429, "locked")
    assert 0 < int(locked.headers["retry-after"]) <= 15 * 60
    assert "Try again in 15 min." in locked.json()["detail"]
    (key,) = redis.scan_iter("failures:*")
    assert 0 < redis.ttl(key) <= 15 * 60
    redis.delete(key)
    assert ada.post("/auth/sessions", json=LOGIN).status_code == 201


def test_login_guesses_at_once(ada: TestClient) -> None:
    """Parallel guesses do not get around the lock."""
    with ThreadPoolExecutor(8) as pool:
        wrong = LOGIN | {"password": "wrong horse battery"}
        answers = list(pool.map(lambda _: ada.post("/auth/sessions", json=wrong).status_code, range(8)))
    assert sorted(answers) == [401] * 3 + [429] * 5


def test_login_without_a_free_slot(ada: TestClient, redis: FakeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waits too long for a hash is refused as busy and changes nothing."""
    monkeypatch.setattr(passwords, "_LONGEST_WAIT_SECONDS", 0.01)
    bob = {**ADA, "email": "bob@example.test"}
    with passwords._slots.one(), passwords._slots.one():
        answers = [ada.post("/auth/accounts", json=bob), *(ada.post("/auth/sessions", json=LOGIN) for _ in range(4))]
    assert {(answer.status_code, answer.json()["code"], answer.headers["retry-after"]) for answer in answers} == {
        (503, "busy", "1")
    }
    assert not int(redis.get(next(redis.scan_iter("failures:*"))) or 0)
    assert ada.post("/auth/accounts", json=bob).status_code == 201
    assert _token(ada)


def test_login_with_an_old_hash(ada: TestClient, emptied: str) -> None:
    """A login replaces a hash with older parameters."""
    engine = create_engine(emptied)
    with engine.begin() as database:
        old = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(ADA["password"])
        database.execute(text("UPDATE auth.accounts SET password_hash = :old"), {"old": old})
    assert _token(ada)
    with engine.connect() as database:
        stored = database.execute(text("SELECT password_hash FROM auth.accounts")).scalar_one()
    engine.dispose()
    assert "m=19456,t=2,p=1" in stored
    assert _token(ada)


def test_login_that_succeeds(ada: TestClient, redis: FakeRedis) -> None:
    """A login resets the count of failures."""
    ada.post("/auth/sessions", json=LOGIN | {"password": "wrong horse battery"})
    _token(ada)
    assert not list(redis.scan_iter("failures:*"))


def test_stored_secrets(ada: TestClient, redis: FakeRedis, emptied: str) -> None:
    """Neither Redis nor the database holds a token or a password to log in with."""
    token = _token(ada)
    assert token not in " ".join([*redis.scan_iter(), *(str(redis.get(key)) for key in redis.scan_iter())])
    engine = create_engine(emptied)
    with engine.connect() as connection:
        stored = connection.execute(text("SELECT password_hash FROM auth.accounts")).scalar_one()
    engine.dispose()
    assert stored.startswith("$argon2id$")


def test_logged_secrets(ada: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """No password is in the log."""
    caplog.set_level(logging.DEBUG)
    ada.post("/auth/accounts", json=ADA)
    _token(ada)
    assert ADA["password"] not in caplog.text


def test_login_after_a_database_restart(ada: TestClient, emptied: str) -> None:
    """Connections that PostgreSQL closed are replaced without an error."""
    engine = create_engine(emptied)
    with engine.connect() as connection:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        assert connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}")).all()
    engine.dispose()
    assert _token(ada)


def test_readiness(client: TestClient, emptied: str) -> None:
    """The service is ready only with its databases."""
    assert client.get("/readyz").json()["checks"] == {"postgresql": "ok", "redis": "ok"}
    away = create(Settings(database_url="postgresql://127.0.0.1:9/none", redis_url="redis://nowhere"))  # type: ignore[arg-type]
    assert TestClient(away).get("/readyz").json()["checks"] == {"postgresql": "failing", "redis": "ok"}
    assert TestClient(away).post("/auth/sessions", json=LOGIN).status_code == 503
