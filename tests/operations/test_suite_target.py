"""Input of a suite, from the one Secret that the application names."""

from __future__ import annotations

from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest

from azora.config.application import SecretKey
from azora.errors import BadInput
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


def test_suite_secret_in_print() -> None:
    """The secret is in no printed form."""
    assert "sesame" not in repr(UnderTest("http://shop", None, None, None, "open sesame"))
