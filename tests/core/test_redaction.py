"""Credentials that a process read are in no text that leaves it."""

from __future__ import annotations

import base64
import json
import logging
from urllib.parse import quote

import pytest

from azora import redaction
from azora.config import settings as configuration
from azora.errors import Failed, storable
from azora.redaction import redacted, remember, remember_address, remember_auth_string
from tasks.logs import Storable

VALUE = 'pä$s/w"rd 7'
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param(
            "https://ada:p4ss@git.example/a.git", "https://ada:***@git.example/a.git", id="a password in a URL"
        ),
        pytest.param("postgresql://azora:p4ss@db/azora", "postgresql://azora:***@db/azora", id="of any scheme"),
        pytest.param(
            "fatal: 'https://ghp_1a2b@git.example/'", "fatal: 'https://***@git.example/'", id="a token as user"
        ),
        pytest.param("ssh://git@git.example/a", "ssh://git@git.example/a", id="a user of SSH"),
        pytest.param("http://127.0.0.1:4200/v2/runs@b", "http://127.0.0.1:4200/v2/runs@b", id="@ in a path"),
        pytest.param("Authorization: Bearer abcdefgh12", "Authorization: Bearer ***", id="a header"),
        pytest.param("authorization: basic YWRhOnNlY3JldA==", "authorization: basic ***", id="the other one"),
        pytest.param("the registry wants basic authentication", "the registry wants basic authentication", id="words"),
    ],
)
def test_texts_with_credentials(text: str, left: str) -> None:
    """Credentials are masked where addresses and headers have them, and nothing else."""
    assert redacted(text) == left


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(VALUE, id="as it is"),
        pytest.param(quote(VALUE, safe=""), id="in a URL"),
        pytest.param(json.dumps(VALUE)[1:-1], id="in JSON"),
        pytest.param(base64.b64encode(VALUE.encode()).decode(), id="in base64"),
        pytest.param(base64.urlsafe_b64encode(VALUE.encode()).decode().rstrip("="), id="in base64 without its end"),
    ],
)
def test_forms_of_a_credential(form: str) -> None:
    """A credential is masked in each form in which programs write it."""
    remember(VALUE)
    assert redacted(f"a {form} b") == "a *** b"


@pytest.mark.parametrize(
    "value",
    [pytest.param("12345", id="short"), pytest.param("Production", id="a common word"), pytest.param("", id="empty")],
)
def test_values_that_stay(value: str) -> None:
    """Short values and common words are not masked."""
    remember(value, None)
    assert redacted(f"{value} 12345 Production") == f"{value} 12345 Production"


def test_auth_string() -> None:
    """The pair, the password alone and the header's form are masked, the user is not."""
    remember_auth_string("admin:Zm9vYmFy8")
    header = base64.b64encode(b"admin:Zm9vYmFy8").decode()
    assert redacted(f"admin, Zm9vYmFy8, admin:Zm9vYmFy8, {header}") == "admin, ***, ***, ***"


def test_address_of_a_service() -> None:
    """Password and tokens of a notification's address are masked, its host is not."""
    remember_address("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#releases")
    remember_address("json://ada:hunter42@hooks.example.org/release")
    said = "release at hooks.example.org: hunter42, TIiajkdnlazkcOXrIdevi7FQ"
    assert redacted(said) == "release at hooks.example.org: ***, ***"


def test_credential_in_an_error() -> None:
    """An error has no credential; a text is masked before it is cut."""
    remember(JWT)
    error = Failed(f"could not do it: 401 for {JWT}", advice=f"renew {JWT}")
    assert str(error) == "could not do it: 401 for ***\n  → renew ***"
    assert JWT[-5:] not in storable("x" * 100 + JWT, 40)


def test_credential_in_a_log_line() -> None:
    """A line of a run, with its traceback, has none either."""
    remember(JWT)
    error = ValueError(JWT)
    line = logging.LogRecord("a", logging.ERROR, "a.py", 1, "got %s", (JWT,), (ValueError, error, None))
    Storable().filter(line)
    assert line.getMessage() == "got ***"
    assert JWT not in str(line.exc_text)


def test_credentials_that_are_renewed() -> None:
    """A new token is masked beside the old one; of very many the oldest are forgotten."""
    for number in range(redaction.MOST_REMEMBERED + 1):
        remember(f"token-{number:06}")
    assert redacted("token-000000 token-000001 token-000500") == "token-000000 *** ***"


def test_credentials_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of the settings are masked once they are read."""
    given = {
        "AZORA_SETTINGS": "",
        "AZORA_KUBE_CONTEXT": "c",
        "AZORA_REPORTS_AUTH_STRING": "reader:r3ports-pass",
        "AZORA_GRAFANA_TOKEN": "glsa_t0ken",
        "AZORA_NOTIFY": "json://ada:n0tify-pass@hooks.example.org/x",
        "AZORA_GRAFANA_URL": "https://ada:gr4fana-pass@grafana.example.org",
        "PREFECT_API_AUTH_STRING": "admin:pr3fect-pass",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    configuration.settings.__wrapped__()
    for value in ("r3ports-pass", "glsa_t0ken", "n0tify-pass", "gr4fana-pass", "pr3fect-pass"):
        assert redacted(f"<{value}>") == "<***>"
