"""The exporter in a cluster: its rendered chart, and its rights, which are those in use and no more."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from azora.config.environment import ApprovalPolicy, Environment, load_environment
from azora.config.settings import ROOT
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.namespace import Namespace
from tests.support.kubernetes_schema import checked
from tests.support.rendering import Rendering, Values, helm_program, image

CHART = ROOT / "deployments/monitoring/exporter"
ENVIRONMENTS = ROOT / "deployments/environments"
FILES: dict[str, Values] = {file.stem: yaml.safe_load(file.read_text()) for file in ENVIRONMENTS.glob("*.yaml")}
VALUES: Values = {"image": image("azora"), "environments": FILES}


def run_helm(command: str, values: Values) -> subprocess.CompletedProcess[str]:
    release = ["azora-exporter", "--namespace", "watching"] if command == "template" else []
    argv = [helm_program(), command, *release, str(CHART), "--values", "-"]
    return subprocess.run(argv, input=json.dumps(values), capture_output=True, text=True, timeout=60, check=False)


@cache
def rendered(*, targets: bool = False) -> Rendering:
    done = run_helm("template", {**VALUES, "targets": targets})
    assert done.returncode == 0, done.stderr
    return Rendering(done.stdout)


def test_lint_and_schemas() -> None:
    """`helm lint` has no error, and each object matches the schema of its kind."""
    done = run_helm("lint", VALUES)
    assert done.returncode == 0, done.stdout + done.stderr
    for found in rendered(targets=True).objects:
        checked(found)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"image": "azora:latest"}, "image", id="an image without a digest"),
        pytest.param({"environments": {}}, "environments", id="nothing to look at"),
        pytest.param({"imagee": "x"}, "imagee", id="a key it does not know"),
    ],
)
def test_values_that_are_wrong(changes: Values, says: str) -> None:
    """Wrong values are refused with the reason."""
    done = run_helm("template", {**VALUES, **changes})
    assert done.returncode != 0
    assert says in done.stderr


def test_environment_files(tmp_path: Path) -> None:
    """The ConfigMap has the environments' own files."""
    (file,) = rendered().of("ConfigMap").values()
    for name in FILES:
        (tmp_path / f"{name}.yaml").write_text(file["data"][f"{name}.yaml"])
        assert load_environment(name, tmp_path) == load_environment(name, ENVIRONMENTS)


def test_pod_security() -> None:
    """The pod runs without root, capabilities and a writable root file system."""
    (pod,) = rendered().pods().values()
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


class Asked:
    """Writes down which right each request needs, and answers like an empty namespace."""

    def __init__(self) -> None:
        self.rights: set[tuple[str, str, str, str]] = set()

    def get(self, path: str, **_query: str) -> dict[str, Any]:
        *_, resource = path.split("/")
        self.rights.add((_group(path), resource, "", "list"))
        return {"items": []}

    def find(self, path: str) -> dict[str, Any]:
        *_, resource, name = path.split("/")
        self.rights.add((_group(path), resource, name, "get"))
        return {"metadata": {"resourceVersion": "1"}, "spec": {"selector": {}}}


def _group(path: str) -> str:
    return "" if path.startswith("/api/") else path.split("/")[2]


def granted(
    environment: Environment, *, targets: bool = False, found: Rendering | None = None
) -> set[tuple[str, str, str, str]]:
    roles = [r for r in (found or rendered(targets=targets)).objects if r["kind"] == "Role"]
    (role,) = [role for role in roles if role["metadata"]["namespace"] == environment.namespace]
    return {
        (group, resource, name, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("name", FILES)
def test_rights_in_use(name: str) -> None:
    """The exporter has exactly the rights that it uses."""
    environment, asked = load_environment(name, ENVIRONMENTS), Asked()
    cluster = Cluster(Namespace(asked, environment, "azora"))  # type: ignore[arg-type]
    cluster.look(with_helm=False)
    assert granted(environment) == asked.rights
    cluster.pods()
    assert granted(environment, targets=True) == asked.rights


def test_rights_behind_a_gate() -> None:
    """Behind a gate the exporter lists StatefulSets, too: a person may have overridden it there."""
    gate = {"by": "cluster", "approvers": {"users": ["oidc:ada"]}}
    done = run_helm("template", VALUES | {"environments": {"production": FILES["production"] | {"approval": gate}}})
    environment, asked = load_environment("production", ENVIRONMENTS), Asked()
    policy = ApprovalPolicy.model_validate(gate)
    Cluster(Namespace(asked, environment.model_copy(update={"approval": policy}), "azora")).look(with_helm=False)  # type: ignore[arg-type]
    assert granted(environment, found=Rendering(done.stdout)) == asked.rights
    assert ("apps", "statefulsets", "", "list") in asked.rights


def test_rights_by_namespace() -> None:
    """The rights are in the environments' namespaces only, and none is cluster-wide."""
    kinds = {found["kind"] for found in rendered(targets=True).objects}
    assert not {kind for kind in kinds if kind.startswith("Cluster")}
    bound = [found for found in rendered().objects if found["kind"] == "RoleBinding"]
    assert {b["metadata"]["namespace"] for b in bound} == {file["namespace"] for file in FILES.values()}
    assert {subject["namespace"] for b in bound for subject in b["subjects"]} == {"watching"}
