"""Answers of the API server as our errors: which are retried, and their messages for a person."""

from __future__ import annotations

import json

import pytest

from azora.errors import AzoraError, Conflict, Failed, Refused, TransientError
from azora.gateways.kubernetes.api import Missing, translated


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(404, Missing, id="not there"),
        pytest.param(409, Conflict, id="changed under us"),
        pytest.param(401, Refused, id="unknown account"),
        pytest.param(403, Refused, id="forbidden namespace"),
        pytest.param(429, TransientError, id="too many requests"),
        pytest.param(503, TransientError, id="starting"),
        pytest.param(422, Failed, id="invalid object"),
    ],
)
def test_error_of_an_answer(status: int, kind: type[AzoraError]) -> None:
    """The error has the answer's kind and text, and what to do."""
    error = translated("read /api/v1/namespaces/x/pods", status, json.dumps({"message": "because of y"}).encode())
    assert type(error) is kind
    assert error.message.startswith("could not read /api/v1/namespaces/x/pods: ")
    assert error.message.endswith("because of y")
    assert error.advice


def test_error_of_an_expired_token() -> None:
    """An expired token and a missing right have different advice."""
    unknown, forbidden = (translated("read /x", status, b'{"message": "no"}') for status in (401, 403))
    assert "azora rights apply ENV" in unknown.advice
    assert "azora doctor ENV" not in unknown.advice
    assert "azora doctor ENV" in forbidden.advice


def test_field_that_the_schema_lacks() -> None:
    """The API server answers 500 to such an apply: no later try helps."""
    said = "failed to create typed patch object (n/x; apps/v1, Kind=Deployment): .spec.y: field not declared in schema"
    assert type(translated("change /x", 500, json.dumps({"message": said}).encode())) is Failed


def test_refusal_by_a_broken_policy() -> None:
    """A policy that cannot be evaluated answers 422: a refusal by the gate, with its advice."""
    said = "services \"x\" is forbidden: ValidatingAdmissionPolicy 'azora-live' with binding 'azora-live' denied request: no such key"
    error = translated("change /x", 422, json.dumps({"message": said}).encode())
    assert type(error) is Refused
    assert "docs/approvals.md" in error.advice
