"""Input of a suite, from the one Secret that the application names."""

from __future__ import annotations

from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest

from azora.config.application import ProbedPath, SecretKey
from azora.errors import BadInput
from azora.operations.promotion.live_probe import probed
from azora.operations.suite_target import UnderTest, suite_secret

WHERE = SecretKey(name="shop-data", key="trials")


def namespace(secrets: dict[str, Any]) -> Any:
    core = "/api/v1/namespaces/shop-staging"
    return SimpleNamespace(
        core=core,
        name="shop-staging",
        api=SimpleNamespace(find=lambda path: secrets.get(path.removeprefix(f"{core}/secrets/"))),
    )


def test_suite_secret() -> None:
    """The secret is read from the environment's namespace."""
    held = {"shop-data": {"data": {"trials": b64encode(b"open sesame").decode()}}}

    assert suite_secret(namespace(held), WHERE) == "open sesame"
    assert suite_secret(namespace(held), None) is None


@pytest.mark.parametrize("held", [{}, {"shop-data": {}}, {"shop-data": {"data": {"other": "eA=="}}}], ids=str)
def test_suite_secret_that_is_missing(held: dict[str, Any]) -> None:
    """The error names key, Secret and namespace."""
    with pytest.raises(BadInput, match="could not find key 'trials' of Secret 'shop-data' in shop-staging"):
        suite_secret(namespace(held), WHERE)


@pytest.mark.parametrize("value", [b"\xff\xfe", b"a\0b"], ids=["not UTF-8", "NUL"])
def test_suite_secret_that_is_no_text(value: bytes) -> None:
    """The error names key, Secret and namespace, not the value."""
    held = {"shop-data": {"data": {"trials": b64encode(value).decode()}}}
    with pytest.raises(BadInput, match="key 'trials' of Secret 'shop-data' in shop-staging: no text in UTF-8"):
        suite_secret(namespace(held), WHERE)


@pytest.mark.parametrize("value", ["t0ken", "t0ken\n", "t0ken\r\n"])
def test_header_from_a_secret(value: str) -> None:
    """A line end after the value, as `echo` writes it, is not sent."""
    assert headers_from(value) == {"X-Key": "t0ken"}


@pytest.mark.parametrize("value", ["t0ken\n\n", "t0\nken", "t0ken\x7f"])
def test_header_that_cannot_be_sent(value: str) -> None:
    """The error names header, key and Secret, not the value."""
    with pytest.raises(
        BadInput, match="the header 'X-Key': key 'trials' of Secret 'shop-data' in shop-staging"
    ) as caught:
        headers_from(value)
    assert "t0" not in str(caught.value)


def headers_from(value: str) -> Any:
    held = {"shop-data": {"data": {"trials": b64encode(value.encode()).decode()}}}
    application: Any = SimpleNamespace(probe=ProbedPath(path="/", headers={"X-Key": WHERE}))
    return probed(application, namespace(held))["headers"]


def test_suite_secret_in_print() -> None:
    """The secret is in no printed form."""
    assert "sesame" not in repr(UnderTest("http://shop", None, None, None, "open sesame"))
