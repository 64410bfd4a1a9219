"""Annotations of the Namespace, and their differences from the environment's file."""

from __future__ import annotations

import pytest

from azora.config.json_object import Json
from azora.core.gate.marks import REQUIRED_LABEL, Gate, Marks
from azora.core.promotion.binding import policy_digest
from tests.support.gated import configuration

HERE = configuration("production", minimum=2)
FORM = HERE.model_copy(update={"approval": None})


def namespace(annotations: dict[str, str], *, on: bool = True) -> Json:
    return {"metadata": {"labels": {REQUIRED_LABEL: "required"} if on else {}, "annotations": annotations}}


def test_annotations() -> None:
    """Everything that the policies read, in text."""
    assert Marks.of(HERE, "shop").annotations == {
        "azora.dev/application": "shop",
        "azora.dev/hosts": "production.example.org next.production.example.org",
        "azora.dev/minimum": "2",
        "azora.dev/policy": policy_digest(HERE),
        "azora.dev/sidecars": "",
    }


def test_annotations_without_a_gate() -> None:
    """Application and hosts: another environment's host is refused there, too."""
    assert set(Marks.of(FORM, "shop").annotations) == {"azora.dev/application", "azora.dev/hosts"}


GOOD = Marks.of(HERE, "shop").annotations


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(namespace(GOOD), [], id="same"),
        pytest.param(namespace(GOOD, on=False), ["the namespace has no label azora.dev/approval=required"], id="off"),
        pytest.param(None, ["the namespace has no label azora.dev/approval=required"], id="no namespace"),
        pytest.param(namespace({}), ["the namespace has no annotation azora.dev/application"], id="label alone"),
        pytest.param(
            namespace(GOOD | {"azora.dev/minimum": "1"}), ["the cluster's minimum is 1, the file's 2"], id="one"
        ),
        pytest.param(
            namespace(GOOD | {"azora.dev/minimum": "x"}), ["the cluster's minimum is 0, the file's 2"], id="x"
        ),
        pytest.param(
            namespace(GOOD | {"azora.dev/policy": "b" * 64}),
            [f"the cluster's policy is {'b' * 64}, the file's {policy_digest(HERE)}"],
            id="another file",
        ),
    ],
)
def test_differences_from_the_file(found: Json | None, said: list[str]) -> None:
    """Each difference is a line, so that a refused run names it."""
    assert Gate.of(found).differences(HERE, "shop") == said


def test_gate_without_a_file() -> None:
    """A file without `by: cluster` over a gate that is on differs; without a gate nothing does."""
    assert Gate.of(namespace(GOOD)).differences(FORM, "shop")
    assert Gate.of(namespace({}, on=False)).differences(FORM, "shop") == []
