"""One request, followed by its id from the edge through what the pods of every service write."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from azora.core.colors import COLOR_LABEL
from tests.support import pipeline
from tests.support.crowd import Person, new_crowd, visitor
from tests.support.polling import until_it_is

pytestmark = pytest.mark.usefixtures("platform")

# What a person's page of courses asks of whom.
ASKED = {
    "web": {"/learning"},
    "api": {"/api/auth/sessions/current", "/api/edu/enrollments"},
    "auth": {"/auth/sessions/current"},
    "edu": {"/edu/enrollments"},
    "pay": {"/pay/purchases"},
}


def answered(identity: str) -> dict[str, set[str]]:
    """The paths that each service of staging answered for that request."""
    flags = ("--selector", COLOR_LABEL, "--since=1m", "--tail=-1", "--max-log-requests=60")
    said = pipeline.kubectl("-n", pipeline.cluster("staging").namespace.name, "logs", *flags)
    found: dict[str, set[str]] = {}
    for line in map(json.loads, said.splitlines()):
        if line["log"]["logger"] == "access" and line["http"]["request"]["id"] == identity:
            found.setdefault(line["service"]["name"], set()).add(line["url"]["path"])
    return found


def test_request_id() -> None:
    """The log of every service has the lines of a page, by its id."""
    identity, email = f"page-{uuid4().hex}", f"{new_crowd()}@example.test"
    with visitor() as client:
        person = Person(client)
        person.register(email)
        token = person.log_in(email)
        page = client.get("/learning", headers={"Cookie": f"azora_session={token}", "X-Request-Id": identity})
    assert page.is_success
    assert page.headers["X-Request-Id"] == identity
    what = f"{identity} in the log of each service"
    until_it_is(ASKED, lambda: answered(identity), seconds=10, what=what, every=0.5)
