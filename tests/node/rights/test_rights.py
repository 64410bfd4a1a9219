"""The pipeline's accounts in the cluster: they have the rights of the list, in their namespace alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from azora.config.environment import Environment, load_environment
from azora.config.permissions import Right, needed, user_of
from azora.config.settings import settings
from azora.errors import NotReadyYet, Refused
from azora.gateways.kubernetes import rbac
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.cluster import connect
from tests.support import pipeline

AZORA = str(Path(sys.executable).parent / "azora")
GOING = "azora-going"
EVERYBODY_S = {"selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"}
each_environment = pytest.mark.parametrize("environment", ["staging", "production"])

pytestmark = pytest.mark.usefixtures("book")


def namespace_of(environment: str) -> str:
    return pipeline.cluster(environment).namespace.name


def listed(environment: str, namespace: str) -> set[Right]:
    """Rights of the environment's account in *namespace*, without what everybody may do.

    `kubectl auth can-i --list` prints them.
    """
    user = f"--as={user_of(namespace_of(environment))}"
    lines = pipeline.kubectl("auth", "can-i", "--list", user, "--namespace", namespace, "--no-headers").splitlines()
    found: set[Right] = set()
    for line in lines:
        resource, _, rest = line.partition(" ")
        name, _, group = resource.partition(".")
        verbs = re.findall(r"\[([^]]*)\]", rest)[-1].split()
        if not resource.startswith("[") and line[0] != " " and name not in EVERYBODY_S:
            name, _, part = name.partition("/")
            group, _, late = group.partition("/")  # printed as `pods/log`, or with a group as `things.group/part`
            whole = "/".join(filter(None, [name, part or late]))
            found |= {Right(group, whole, verb) for verb in verbs}
    return found


@each_environment
def test_rights_in_its_namespace(environment: str) -> None:
    """An account may do exactly what docs/rights.md lists."""
    assert listed(environment, namespace_of(environment)) == set(needed())


@each_environment
@pytest.mark.parametrize("elsewhere", ["default", "kube-system", "azora-system", "the other environment"])
def test_rights_elsewhere(environment: str, elsewhere: str) -> None:
    """An account may do nothing in another namespace, but make tokens for itself."""
    other = namespace_of("production" if environment == "staging" else "staging")
    own = {Right("", "serviceaccounts/token", "create")} if elsewhere == "azora-system" else set()
    assert listed(environment, other if elsewhere.startswith("the ") else elsewhere) == own


@each_environment
def test_token_of_another_account(environment: str) -> None:
    """An account makes a token for itself, and for no other one."""
    api = connect(load_environment(environment, settings().environments), settings()).namespace.api
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    accounts = "/api/v1/namespaces/azora-system/serviceaccounts"
    assert api.create(f"{accounts}/{namespace_of(environment)}/token", request)["status"]["token"]
    with pytest.raises(Refused, match="forbidden"):
        api.create(f"{accounts}/{namespace_of('production' if environment == 'staging' else 'staging')}/token", request)


def as_staging() -> Api:
    return connect(load_environment("staging", settings().environments), settings()).namespace.api


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces",
        "/api/v1/namespaces/kube-system/secrets",
        "/api/v1/namespaces/{production}/services",
        "/api/v1/namespaces/{production}/secrets/data",
        "/api/v1/nodes",
        "/api/v1/secrets",
    ],
)
def test_reading_what_is_foreign(path: str) -> None:
    """The cluster refuses it."""
    with pytest.raises(Refused, match="forbidden"):
        as_staging().get(path.format(production=namespace_of("production")))


def test_switch_of_another_environment() -> None:
    """The cluster refuses it."""
    path = f"/api/v1/namespaces/{namespace_of('production')}/services/{pipeline.cluster('production').namespace.live_service}"
    with pytest.raises(Refused, match="forbidden"):
        as_staging().patch(path, {"spec": {"selector": {"azora.dev/color": "blue"}}})


def test_more_rights() -> None:
    """No account can give itself more."""
    binding = {"metadata": {"name": "more"}, "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}
    for path, body in (
        ("/api/v1/namespaces", {"metadata": {"name": "more"}}),
        (f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace_of('staging')}/rolebindings", binding),
        (f"/api/v1/namespaces/azora-system/serviceaccounts/{namespace_of('production')}/token", {}),
    ):
        with pytest.raises(Refused, match="forbidden"):
            as_staging().create(path, body)
    with pytest.raises(Refused, match="forbidden"):
        as_staging().patch(f"/api/v1/namespaces/{namespace_of('staging')}", {"metadata": {"labels": {"more": "yes"}}})


def test_pod_that_wants_root() -> None:
    """The namespace refuses it."""
    with pytest.raises(subprocess.CalledProcessError) as refused:
        pipeline.kubectl("-n", namespace_of("staging"), "run", "root", "--image=x", "--dry-run=server")
    assert 'violates PodSecurity "restricted' in refused.value.stderr


def test_doctor() -> None:
    """And says what the embedded node does not do."""
    done = subprocess.run([AZORA, "doctor", "--json"], capture_output=True, text=True, check=False)
    found = {(row["where"], row["check"]): row for row in json.loads(done.stdout)}
    assert [row for row in found.values() if row["level"] == "bad"] == []
    assert done.returncode == 0
    for environment in ("staging", "production"):
        assert {found[environment, check]["level"] for check in ("account", "rights", "excess", "namespace")} == {
            "good"
        }
        assert found[environment, "network policy"]["level"] == "weak"


def test_doctor_about_a_missing_right() -> None:
    """Taken away for a moment and given back by the command that the finding names."""
    role = ["-n", namespace_of("staging"), "role", "azora-release"]
    rules = json.loads(pipeline.kubectl("get", *role, "-o", "json"))["rules"]
    kept = [rule for rule in rules if "leases" not in rule["resources"]]
    pipeline.kubectl("patch", *role, "--type=merge", "-p", json.dumps({"rules": kept}))
    try:
        done = subprocess.run([AZORA, "doctor", "staging"], capture_output=True, text=True, check=False)
    finally:
        given = subprocess.run([AZORA, "rights", "apply", "staging"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "update leases.coordination.k8s.io" in done.stdout
    assert 'apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [create, get, patch, update]' in done.stdout
    assert given.returncode == 0, given.stderr
    assert listed("staging", namespace_of("staging")) == set(needed())


@pytest.fixture
def going(tmp_path: Path) -> Iterator[Environment]:
    """An environment whose namespace is being deleted and does not go, as a killed run may leave one."""
    found = load_environment("staging", settings().environments).model_copy(update={"namespace": GOING})
    rbac.let_in(found, pipeline.cluster("staging").namespace.api, tmp_path)
    pipeline.kubectl("-n", GOING, "create", "configmap", "held")
    pipeline.kubectl("-n", GOING, "patch", "configmap", "held", "-p", '{"metadata":{"finalizers":["azora.dev/test"]}}')
    pipeline.kubectl("delete", "namespace", GOING, "--wait=false")
    pipeline.kubectl("wait", "namespace/azora-going", "--for=jsonpath={.status.phase}=Terminating")
    yield found
    let_it_go()
    pipeline.kubectl("delete", "namespace", GOING, "--ignore-not-found")


def let_it_go() -> None:
    held = ["-n", GOING, "configmap", "held"]
    if pipeline.kubectl("get", *held, "--ignore-not-found"):
        pipeline.kubectl("patch", *held, "-p", '{"metadata":{"finalizers":null}}')


def test_namespace_under_deletion(going: Environment, tmp_path: Path) -> None:
    """`rights apply` waits for its end, then makes it anew."""
    with ThreadPoolExecutor() as pool:
        given = pool.submit(rbac.let_in, going, pipeline.cluster("staging").namespace.api, tmp_path)
        with pytest.raises(TimeoutError):
            given.result(3)
        let_it_go()
        assert given.result(60).kubeconfig.is_file()
    assert pipeline.kubectl("-n", GOING, "get", "role", "azora-release")


def test_namespace_that_stays_under_deletion(
    going: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says so."""
    monkeypatch.setattr(rbac, "GONE_WITHIN_SECONDS", 0)
    with pytest.raises(NotReadyYet, match="is being deleted"):
        rbac.let_in(going, pipeline.cluster("staging").namespace.api, tmp_path)
