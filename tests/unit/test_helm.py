"""Values as Helm merges them, and what Helm said as our errors."""

from __future__ import annotations

import pytest

from azora.errors import BadInput, HelmFailed, TransientError, Unreachable
from azora.gateways.helm import classified, merged


@pytest.mark.parametrize(
    ("layers", "result"),
    [
        pytest.param([{"a": {"b": 1}}, {"a": {"c": 2}}], {"a": {"b": 1, "c": 2}}, id="maps merge"),
        pytest.param([{"a": [1, 2]}, {"a": [3]}], {"a": [3]}, id="lists are replaced"),
        pytest.param([{"a": {"b": 1, "c": 2}}, {"a": {"b": None}}], {"a": {"c": 2}}, id="None removes"),
        pytest.param([{"a": 1}, {}], {"a": 1}, id="nothing over something"),
        pytest.param([{"a": {"b": 1}}, {"a": 2}], {"a": 2}, id="a scalar over a map"),
    ],
)
def test_values_are_laid_over_each_other_as_helm_does(
    layers: list[dict[str, object]], result: dict[str, object]
) -> None:
    assert merged(*layers) == result


def test_merging_leaves_the_layers_alone() -> None:
    under: dict[str, object] = {"a": {"b": 1}}
    merged(under, {"a": {"b": 2}})
    assert under == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param(
            "Error: values don't meet the specifications of the schema(s) in the following chart(s): additional properties 'x' not allowed",
            BadInput,
            id="schema",
        ),
        pytest.param(
            "Error: kubernetes cluster unreachable: dial tcp 10.0.0.1:6443: connect: connection refused",
            Unreachable,
            id="away",
        ),
        pytest.param(
            "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
            TransientError,
            id="pending",
        ),
        pytest.param(
            "Error: UPGRADE FAILED: resource Deployment/n/web not ready. status: InProgress", HelmFailed, id="not ready"
        ),
        pytest.param("Error: parse error at (azora/templates/x.yaml:1): unexpected {{end}}", BadInput, id="template"),
    ],
)
def test_what_helm_said_decides_what_is_tried_again(said: str, kind: type[Exception]) -> None:
    assert type(classified("helm upgrade azora", said)) is kind
