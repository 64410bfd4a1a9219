"""Rendered objects: what is left out of a comparison, and how a difference reads."""

from __future__ import annotations

import pytest

from azora.config.json_object import Json
from azora.core.release.rendered import Normal, difference, digest_of_objects, normal, objects_of


def deployment(**more: object) -> Json:
    """A Deployment of two pods with a password's hash on them."""
    template = {
        "metadata": {"annotations": {"checksum/secret": "a1", "team": "shop"}},
        "spec": {"containers": [{"name": "web", "args": ["a"]}]},
    }
    spec = {"replicas": 2, "template": template, **more}
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def annotated(**annotations: str) -> Json:
    """The same with other annotations of its pods."""
    changed = deployment()
    changed["spec"]["template"]["metadata"]["annotations"] = annotations
    return changed


def secret(**data: str) -> Json:
    return {"kind": "Secret", "metadata": {"name": "login"}, "type": "Opaque", "data": data, "stringData": {"x": "y"}}


def settings(**data: str) -> Json:
    return {"kind": "ConfigMap", "metadata": {"name": "settings", "annotations": {"checksum/x": "1"}}, "data": data}


@pytest.mark.parametrize(
    ("shown", "now", "is_same"),
    [
        pytest.param([secret(password="YQ==")], [secret(password="Yg==")], True, id="a Secret's value"),
        pytest.param([secret(password="YQ==")], [secret(token="YQ==")], False, id="a Secret's key"),
        pytest.param([deployment()], [deployment(replicas=5)], True, id="replicas"),
        pytest.param([deployment()], [deployment(paused=True)], False, id="another field"),
        pytest.param([annotated(team="shop")], [annotated(**{"team": "shop", "checksum/config": "2"})], True, id="checksum"),
        pytest.param([annotated()], [annotated(**{"checksum/config": "2"})], True, id="the only annotation is a checksum"),
        pytest.param([annotated(team="shop")], [annotated(team="x")], False, id="another annotation"),
        pytest.param([settings(at="1")], [settings(at="2")], False, id="a ConfigMap's value"),
        pytest.param([settings(a="1"), secret()], [secret(), settings(a="1")], True, id="another order"),
        pytest.param([settings()], [settings(), secret()], False, id="an object more"),
        pytest.param([settings(a="1")], [settings(a="1"), settings(a="2")], False, id="two of one name"),
        pytest.param([{"kind": "Thing", "metadata": {"name": "a"}, "spec": {"replicas": 1}}],
                     [{"kind": "Thing", "metadata": {"name": "a"}, "spec": {"replicas": 2}}], False, id="replicas of no pods"),
    ],
)  # fmt: skip
def test_objects_that_are_compared(shown: list[Json], now: list[Json], *, is_same: bool) -> None:
    """Values of Secrets, checksums on pods and replicas play no part; everything else does."""
    before, after = normal(shown), normal(now)
    assert (digest_of_objects(before) == digest_of_objects(after)) is is_same
    assert (difference(before, after) == "") is is_same


def test_difference_of_objects() -> None:
    """It begins with the names; values of Secrets are not in it."""
    before = normal([settings(made="Monday", note="one\ntwo\n"), secret(password="YQ==")])
    after = normal([settings(made="Tuesday", note="one\n2\n"), secret(token="c2VjcmV0")])
    assert difference(before, after).splitlines() == [
        "ConfigMap settings",
        "Secret login",
        "--- shown: ConfigMap settings",
        "+++ now: ConfigMap settings",
        "@@ -1,7 +1,7 @@",
        " data:",
        "-  made: Monday",
        "+  made: Tuesday",
        "   note: |",
        "     one",
        "-    two",
        "+    2",
        " kind: ConfigMap",
        " metadata:",
        "--- shown: Secret login",
        "+++ now: Secret login",
        "@@ -1,4 +1,4 @@",
        " data:",
        "-  password: (masked)",
        "+  token: (masked)",
        " kind: Secret",
        " metadata:",
    ]


def test_difference_that_is_long() -> None:
    """At most eight names and forty lines, and how many more."""
    shown: Normal = normal([])
    now = normal({"kind": "ConfigMap", "metadata": {"name": f"c{number:02}"}} for number in range(20))
    lines = difference(shown, now).splitlines()
    assert lines[8] == "… and 12 more"
    assert len(lines) == 8 + 1 + 40 + 1


def test_objects_of_a_normal_form() -> None:
    """Each object is read back, also two of one name; a Secret without its values."""
    hook = {"kind": "ConfigMap", "metadata": {"name": "settings", "annotations": {"helm.sh/hook": "pre-install"}}}
    found = objects_of(normal([settings(a="multi\nline: x"), hook, secret(password="YQ==")]))
    assert {one["kind"] for one in found} == {"ConfigMap", "Secret"}
    assert len(found) == 3
    assert settings(a="multi\nline: x") in found
    assert {"password": "(masked)"} in [one.get("data") for one in found]
