"""Masks of rendered objects: no value of a secret is shown, and a changed one is marked."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from azora.config.json_object import Json
from azora.core.release.masked import CHANGED, masked_pair, secret_forms
from azora.core.release.rendered import MASK


def secret(**values: str) -> Json:
    return {"kind": "Secret", "metadata": {"name": "login"}, "stringData": values}


def settings(**values: Any) -> Json:
    return {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": values}


def variable(name: str, **value: Any) -> Json:
    container = {"name": "web", "env": [{"name": name, **value}]}
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"containers": [container]}}


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        pytest.param(secret(user="ada"), secret(user=MASK), id="a Secret's value"),
        pytest.param(settings(DB_PASSWORD="pw"), settings(DB_PASSWORD=MASK), id="a name"),
        pytest.param(settings(apiToken="pw"), settings(apiToken=MASK), id="a name in camel case"),
        pytest.param(settings(PASSWORD_FILE="/run/pw"), settings(PASSWORD_FILE="/run/pw"), id="a place"),
        pytest.param(settings(USES_TOKEN=True), settings(USES_TOKEN=True), id="a switch"),
        pytest.param(variable("API_KEY", value="pw"), variable("API_KEY", value=MASK), id="a variable"),
        pytest.param(variable("COLOR", value="blue"), variable("COLOR", value="blue"), id="another variable"),
        pytest.param(
            variable("API_KEY", valueFrom={"secretKeyRef": {"name": "login", "key": "user"}}),
            variable("API_KEY", valueFrom={"secretKeyRef": {"name": "login", "key": "user"}}),
            id="a reference",
        ),
        pytest.param(
            settings(ini="host = a\npassword = 'p w'\nx=1"),
            settings(ini=f"host = a\npassword = '{MASK} w'\nx=1"),
            id="a line of a file",
        ),
        pytest.param(settings(url="/?token=abc&a=b"), settings(url=f"/?token={MASK}&a=b"), id="an address"),
    ],
)
def test_masked_values(found: Json, shown: Json) -> None:
    """Values of Secrets and of keys that are called like one are masked; references and places are not."""
    assert masked_pair([found], [found]) == ([shown], [shown])


@pytest.mark.parametrize("of", [secret, settings])
def test_changed_value(of: Any) -> None:
    """A value that changed is marked as another one, in neither of its two readings."""
    before, after = masked_pair([of(password="one")], [of(password="two", token="new")])
    assert before == [of(password=MASK)]
    assert after == [of(password=CHANGED, token=MASK)]


def test_values_that_occur_elsewhere() -> None:
    """Values of Secrets are masked by their forms, but for names of objects and short or common words."""
    encoded = {"kind": "Secret", "metadata": {"name": "shop-db"}, "data": {"a": base64.b64encode(b"tiger-9").decode()}}
    forms = secret_forms([encoded, secret(b="s3cret/word", c="shop-db", d="short", e="localhost")])
    assert {"tiger-9", "s3cret/word", "s3cret%2Fword"} <= forms
    assert not {"shop-db", "short", "localhost"} & forms
