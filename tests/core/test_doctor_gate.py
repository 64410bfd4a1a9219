"""Findings of the doctor about approvals, from what was seen of the cluster."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from azora.config.gate_objects import policies
from azora.core import doctor_gate
from azora.core.doctor import Finding, Level
from azora.core.gate.policy_differences import differences

GOOD, WEAK, BAD = Level.GOOD, Level.WEAK, Level.BAD
FILE = "the cluster's minimum is 1, the file's 2"


@pytest.mark.parametrize(
    ("finding", "level", "says"),
    [
        pytest.param(doctor_gate.by_form("production"), WEAK, "whoever has Prefect's password", id="by form"),
        pytest.param(doctor_gate.version("v1.29.4"), BAD, "v1.29.4 has no ValidatingAdmission", id="an old cluster"),
        pytest.param(doctor_gate.gate(True, [], "production"), GOOD, "on, as the", id="on"),
        pytest.param(doctor_gate.gate(False, ["no label"], "production"), BAD, "off: the cluster enforces", id="off"),
        pytest.param(doctor_gate.gate(True, [FILE], "production"), BAD, FILE, id="another file"),
        pytest.param(doctor_gate.left_on("staging"), BAD, "no `by: cluster`", id="left on"),
        pytest.param(doctor_gate.policies([], "production"), GOOD, "all as in", id="policies"),
        pytest.param(doctor_gate.policies(["one is missing"], "production"), BAD, "one is missing", id="no policy"),
        pytest.param(doctor_gate.own_account([], "production"), GOOD, "neither approve", id="a bound account"),
        pytest.param(
            doctor_gate.own_account(["approve", "override"], "production"),
            BAD,
            "may approve, override: the gate does not bind it",
            id="an account that approves",
        ),
        pytest.param(doctor_gate.pods([]), GOOD, "every image", id="approved pods"),
        pytest.param(doctor_gate.pods(["mesh:1"]), BAD, "which run: mesh:1", id="a sidecar by tag"),
    ],
)
def test_finding_about_the_gate(finding: Finding, level: Level, says: str) -> None:
    """Each finding has its level and text; what is not good has advice."""
    assert finding.level is level
    assert says in finding.said
    assert bool(finding.advice) == (level is not GOOD)


@pytest.mark.parametrize("version", ["v1.30.0", "v1.36.3", "1.31+", "unknown"])
def test_version_with_policies(version: str) -> None:
    """Kubernetes 1.30 and newer enforce policies; for the rest another check speaks."""
    assert doctor_gate.version(version) is None


def stored(found: dict[str, Any]) -> dict[str, Any]:
    """*found* as an API server stores it, with its defaults."""
    kept = deepcopy(found)
    kept["metadata"] |= {"uid": "1"}
    if "matchConstraints" in kept["spec"]:
        kept["spec"]["matchConstraints"] |= {"matchPolicy": "Equivalent", "objectSelector": {}, "namespaceSelector": {}}
        for rule in kept["spec"]["matchConstraints"]["resourceRules"]:
            rule["scope"] = "*"
    return kept


LIVE = next(one for one in policies() if one["metadata"]["name"] == "azora-live")
CHANGED = "ValidatingAdmissionPolicy azora-live is not as in this version: "


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, [], id="as in the file"),
        pytest.param({"failurePolicy": "Ignore"}, [f"{CHANGED}failurePolicy"], id="errors let through"),
        pytest.param({"validations": LIVE["spec"]["validations"][:1]}, [f"{CHANGED}validations"], id="fewer rules"),
        pytest.param(
            {
                "matchConstraints": stored(LIVE)["spec"]["matchConstraints"]
                | {"objectSelector": {"matchLabels": {"a": "b"}}}
            },
            [f"{CHANGED}matchConstraints"],
            id="some objects only",
        ),
    ],
)
def test_changed_policy(changes: dict[str, Any], said: list[str]) -> None:
    """Defaults of the API server are no difference; every other field is."""
    found = stored(LIVE)
    found["spec"] |= changes
    assert list(differences([(LIVE, found)])) == said


def test_missing_policy() -> None:
    """A policy or binding that is not there is named."""
    assert list(differences([(LIVE, None)])) == ["ValidatingAdmissionPolicy azora-live is missing"]
