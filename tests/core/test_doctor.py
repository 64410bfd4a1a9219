"""Findings of the doctor, which goes on with the other checks when one fails."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from azora.config.environment import Environment, Hosts
from azora.config.permissions import Right, needed, user_of
from azora.config.settings import Settings
from azora.core import doctor, doctor_cluster
from azora.core.doctor import GIB, Finding, Level, exit_code
from azora.core.heartbeat import Automated
from azora.core.registered import Pool, Registered
from azora.errors import Refused, Unreachable
from azora.gateways.kubernetes.access_review import token_expiry
from azora.gateways.kubernetes.namespace import Namespace
from azora.operations import doctor as examining
from azora.operations.doctor import examine, examine_machine

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
SHOP = Environment(
    name="staging", namespace="shop-staging", hosts=Hosts(live="shop.localhost", preview="next.localhost")
)
STEPS = [{"prefect.deployments.steps.set_working_directory": {"directory": "/srv/azora"}}]
RELEASE, E2E = (Registered(name, f"flows/{name}.py:{name}", STEPS, queue="shop") for name in ("release", "e2e"))
GOOD, WEAK, UNKNOWN, BAD = Level.GOOD, Level.WEAK, Level.UNKNOWN, Level.BAD


@pytest.mark.parametrize(
    ("finding", "level", "says"),
    [
        pytest.param(
            doctor_cluster.account(user_of("shop"), "shop", "staging"), GOOD, "azora-system:shop", id="own account"
        ),
        pytest.param(
            doctor_cluster.account("admin", "shop", "staging"),
            WEAK,
            "is admin, not a dedicated account",
            id="administrator",
        ),
        pytest.param(
            doctor_cluster.account(user_of("other"), "shop", "staging"),
            WEAK,
            "azora-system:other",
            id="another's account",
        ),
        pytest.param(
            doctor_cluster.permissions([], 60, "shop", "staging"), GOOD, "all 60 rights in shop", id="all rights"
        ),
        pytest.param(
            doctor_cluster.permissions([Right("apps", "deployments", "patch")], 60, "shop", "staging"),
            BAD,
            "1 of 60 rights are missing in shop: patch deployments.apps",
            id="a right is missing",
        ),
        pytest.param(doctor_cluster.excess([], "staging"), GOOD, "nothing outside", id="nothing more"),
        pytest.param(
            doctor_cluster.excess(["create namespaces"], "staging"), WEAK, "may also create namespaces", id="more"
        ),
        pytest.param(
            doctor_cluster.pod_security({"pod-security.kubernetes.io/enforce": "restricted"}, "shop", "staging"),
            GOOD,
            "enforces Pod Security restricted",
            id="restricted",
        ),
        pytest.param(
            doctor_cluster.pod_security({}, "shop", "staging"), WEAK, "privileged, not restricted", id="no label"
        ),
        pytest.param(
            doctor_cluster.pod_security({"pod-security.kubernetes.io/enforce": "baseline"}, "shop", "staging"),
            WEAK,
            "baseline, not restricted",
            id="baseline",
        ),
        pytest.param(
            doctor_cluster.pod_security(None, "shop", "staging"), WEAK, "does not exist, or", id="no namespace"
        ),
        pytest.param(doctor_cluster.storage({"folders": True, "fast": False}), GOOD, "folders", id="default class"),
        pytest.param(doctor_cluster.storage({"fast": False}), WEAK, "there are: fast", id="no default class"),
        pytest.param(doctor_cluster.storage({}), BAD, "there are: none", id="no class"),
        pytest.param(doctor_cluster.network([], embedded=True), WEAK, "not enforced", id="embedded network"),
        pytest.param(
            doctor_cluster.network(["calico-node"], embedded=True), WEAK, "not enforced", id="embedded, whatever runs"
        ),
        pytest.param(
            doctor_cluster.network(["kube-proxy", "cilium"], embedded=False), GOOD, "by Cilium", id="enforced"
        ),
        pytest.param(
            doctor_cluster.network(["kube-proxy"], embedded=False),
            UNKNOWN,
            "no DaemonSet of a network plugin",
            id="who knows",
        ),
        pytest.param(doctor_cluster.ingress("http://shop", 200), GOOD, "http://shop answers 200", id="answers"),
        pytest.param(doctor_cluster.ingress("http://shop", 404), GOOD, "nothing released yet", id="no route"),
        pytest.param(doctor_cluster.ingress("http://shop", 503), WEAK, "answers 503", id="no pod behind"),
        pytest.param(
            doctor_cluster.ingress("http://shop", None, "refused"), BAD, "does not answer: refused", id="no ingress"
        ),
        pytest.param(doctor.kubernetes("v1.36.3"), GOOD, "v1.36.3", id="Kubernetes"),
        pytest.param(doctor.kubernetes("v1.34.0-eks-1"), GOOD, "v1.34.0", id="oldest Kubernetes"),
        pytest.param(doctor.kubernetes("v1.33.9"), WEAK, "older than this Helm", id="older Kubernetes"),
        pytest.param(doctor.kubernetes("strange"), UNKNOWN, "strange", id="unknown Kubernetes"),
        pytest.param(doctor.helm("v4.3.1"), GOOD, "v4.3.1", id="Helm"),
        pytest.param(doctor.helm("v3.19.0"), BAD, "not Helm 4", id="Helm 3"),
        pytest.param(doctor.buildah("1.28.2"), GOOD, "1.28.2; here-documents in a Dockerfile", id="older buildah"),
        pytest.param(doctor.buildah("1.41.0"), GOOD, "1.41.0", id="buildah"),
        pytest.param(doctor.buildah(""), BAD, "it is not there", id="no buildah"),
        pytest.param(doctor.sandbox("util-linux", is_off=False), GOOD, "util-linux, as a user", id="sandbox of root"),
        pytest.param(doctor.sandbox("bubblewrap", is_off=False), GOOD, "bubblewrap, as the worker", id="sandbox"),
        pytest.param(doctor.sandbox("", is_off=True), WEAK, "can read the pipeline's credentials", id="no sandbox"),
        pytest.param(doctor.worker_user(""), GOOD, "cannot read the cluster's keys", id="user of the worker"),
        pytest.param(doctor.worker_user("root: Invalid argument"), WEAK, "root: Invalid arg", id="worker of root"),
        pytest.param(doctor.helm(""), BAD, "prints no version", id="no Helm"),
        pytest.param(doctor.prefect("3.9.1", "3.9.1"), GOOD, "3.9.1", id="Prefect"),
        pytest.param(doctor.prefect("3.9.0", "3.9.1"), WEAK, "the client 3.9.1", id="another patch"),
        pytest.param(doctor.prefect("3.8.8", "3.9.1"), BAD, "the server is 3.8.8", id="another minor"),
        pytest.param(doctor.clock("X", timedelta(seconds=-1)), GOOD, "within 2 s", id="clock"),
        pytest.param(doctor.clock("X", timedelta(seconds=4)), WEAK, "4 s ahead of", id="clock ahead"),
        pytest.param(doctor.clock("X", timedelta(seconds=-70)), BAD, "70 s behind", id="clock behind"),
        pytest.param(doctor.workers(["b", "a"], "azora", "shop", is_served=True), GOOD, "a, b", id="workers"),
        pytest.param(doctor.workers([], "azora", "shop", is_served=False), BAD, "runs would wait", id="no worker"),
        pytest.param(doctor.workers(["a"], "azora", "shop", is_served=False), BAD, "queue shop", id="another's worker"),
        pytest.param(doctor.work_pool(Pool.CLOSED, "azora"), GOOD, "accepts no job variables", id="work pool"),
        pytest.param(doctor.work_pool(Pool.OPEN, "azora"), BAD, "runs commands on the worker", id="open pool"),
        pytest.param(doctor.work_pool(Pool.FOREIGN, "azora"), BAD, "azora is of another type", id="foreign pool"),
        pytest.param(doctor.work_pool(Pool.MISSING, "azora"), BAD, "azora is missing", id="no pool"),
        pytest.param(doctor.deployments([RELEASE], [RELEASE]), GOOD, "all 1", id="deployments"),
        pytest.param(
            doctor.deployments([E2E], [RELEASE, E2E]), BAD, "not registered in Prefect: release", id="unregistered"
        ),
        pytest.param(
            doctor.deployments([replace(RELEASE, entrypoint="evil.py:run")], [RELEASE]),
            BAD,
            "not as this checkout registers them: release (entrypoint)",
            id="other entrypoint",
        ),
        pytest.param(
            doctor.deployments([RELEASE, replace(RELEASE, pull_steps=[], job_variables={"env": {}})], [RELEASE]),
            BAD,
            "release (pull steps, job variables)",
            id="second of that name",
        ),
        pytest.param(
            doctor.deployments([RELEASE, E2E], [RELEASE]), WEAK, "so that the worker runs them: e2e", id="on our queue"
        ),
        pytest.param(
            doctor.deployments([RELEASE, replace(E2E, queue="default")], [RELEASE]),
            GOOD,
            "all 1",
            id="on another queue",
        ),
        pytest.param(doctor.dead_runs(Automated.SET_UP), GOOD, "ends runs whose process was killed", id="automation"),
        pytest.param(doctor.dead_runs(Automated.MISSING), WEAK, "is missing: such a run stays", id="no automation"),
        pytest.param(doctor.dead_runs(Automated.DISABLED), WEAK, "is disabled", id="automation switched off"),
        pytest.param(doctor.registry("r:5000", 200), GOOD, "r:5000 responds", id="registry"),
        pytest.param(doctor.registry("r:5000", 401), GOOD, "r:5000 responds", id="registry with logins"),
        pytest.param(doctor.registry("r:5000", 200, is_open=True), WEAK, "without a login", id="open registry"),
        pytest.param(doctor.registry("r:5000", 404), BAD, "404", id="not a registry"),
        pytest.param(doctor.registry("", 0), BAD, "AZORA_REGISTRY is not set", id="no registry"),
        pytest.param(doctor.base_image("", None), WEAK, "AZORA_BASE_IMAGE", id="no base image"),
        pytest.param(doctor.base_image("r/x:1", None), BAD, "r/x:1 does not exist", id="base image away"),
        pytest.param(doctor.base_image("r/x:1", "sha256:" + 64 * "a"), GOOD, "r/x:1 is sha256:a", id="base image"),
        pytest.param(doctor.expiry("c", NOW + timedelta(days=31), NOW, "renew"), GOOD, "2026-12-25", id="valid"),
        pytest.param(doctor.expiry("c", NOW + timedelta(days=3), NOW, "renew"), WEAK, "2026-11-27", id="soon over"),
        pytest.param(doctor.expiry("c", NOW, NOW, "renew"), BAD, "expired on 2026-11-24", id="over"),
        pytest.param(doctor.disk("/s", 20 * GIB, 100 * GIB), GOOD, "20.0 of 100 GiB", id="room"),
        pytest.param(doctor.disk("/s", 5 * GIB, 100 * GIB), WEAK, "5.0 of 100 GiB", id="narrow"),
        pytest.param(doctor.disk("/s", GIB, 100 * GIB), BAD, "1.0 of 100 GiB", id="full"),
    ],
)
def test_finding(finding: Finding, level: Level, says: str) -> None:
    """A finding has a level, a sentence and, where it is not good, an advice."""
    assert finding.level is level
    assert says in finding.said
    assert bool(finding.advice) == (level is not GOOD) or finding == doctor.kubernetes("strange")


def test_finding_of_a_missing_right() -> None:
    """The advice has the command, the Role and the rule that gives the right."""
    finding = doctor_cluster.permissions([Right("apps", "deployments", "patch")], 60, "shop", "staging")
    assert "azora rights apply staging" in finding.advice
    assert "Role azora-release of shop" in finding.advice
    assert finding.advice.endswith('- {apiGroups: ["apps"], resources: [deployments], verbs: [patch]}')


@pytest.mark.parametrize(
    ("levels", "code"), [([], 0), ([GOOD, WEAK, UNKNOWN], 0), ([GOOD, BAD], 1)], ids=["nothing", "well enough", "bad"]
)
def test_exit_code_of_the_findings(levels: list[Level], code: int) -> None:
    """Only a bad finding makes the exit code 1."""
    assert exit_code(Finding("x", level, "") for level in levels) == code


# -- the looks


class Cluster:
    """API server with one account that has all rights that *has* names.

    The rights come as a list, or only in answers about one right at a time.
    """

    host = "https://10.0.0.1:6443"
    authority = None

    def __init__(self, has: list[Right], *, listed: bool = True) -> None:
        self.has = has
        self.listed = listed

    def get(self, path: str) -> dict[str, Any]:
        return {
            "/version": {"gitVersion": "v1.36.3"},
            "/apis/storage.k8s.io/v1/storageclasses": {"items": []},
            "/apis/apps/v1/daemonsets": {"items": [{"metadata": {"name": "calico-node"}}]},
        }[path]

    def find(self, path: str) -> dict[str, Any]:
        assert path == "/api/v1/namespaces/shop-staging"
        return {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}

    def clock(self) -> datetime:
        return datetime.now(UTC)

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        kind = path.rsplit("/", 1)[-1]
        if kind == "selfsubjectreviews":
            return {"status": {"userInfo": {"username": user_of("shop-staging")}}}
        if kind == "selfsubjectrulesreviews":
            shown = [{"apiGroups": [r.group], "resources": [r.resource], "verbs": [r.verb]} for r in self.has]
            return {"status": {"resourceRules": shown if self.listed else None}}
        asked = body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, [asked["resource"], asked["subresource"]]))
        here = asked.get("namespace") == "shop-staging"
        return {"status": {"allowed": here and Right(asked["group"], resource, asked["verb"]) in self.has}}


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Findings of the doctor about an environment in *cluster*."""

    def look(cluster: Cluster, **changes: Any) -> dict[str, Finding]:
        connected = SimpleNamespace(namespace=Namespace(cluster, SHOP, "shop"))  # type: ignore[arg-type]
        monkeypatch.setattr(examining, "connect", lambda *_: connected)
        settings = Settings(node="none", identities=None, kube_context="mine", ingress_address="127.0.0.1:9", **changes)
        return {finding.check: finding for finding in examine(SHOP, settings)}

    return look


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "asked one by one"])
def test_account_with_the_needed_rights(looked: Any, listed: bool) -> None:
    """An account with exactly the needed rights is good."""
    found = looked(Cluster(list(needed()), listed=listed))
    levels = {check: finding.level for check, finding in found.items()}
    assert levels == {
        "Kubernetes": GOOD,
        "clock of the API server": GOOD,
        "account": GOOD,
        "rights": GOOD,
        "excess": GOOD,
        "namespace": GOOD,
        "ingress": BAD,
        "network policy": GOOD,
        "storage": BAD,
    }


@pytest.mark.parametrize("lost", [Right("", "pods/log", "get"), Right("", "services", "patch")], ids=str)
def test_account_without_one_right(looked: Any, lost: Right) -> None:
    """Each right that is missing is found."""
    rights = looked(Cluster([right for right in needed() if right != lost]))["rights"]
    assert rights.level is BAD
    assert rights.said.endswith(f"missing in shop-staging: {lost}")


def test_look_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that fails is a finding, and the other looks go on."""

    def away(*_: object) -> None:
        raise Unreachable("could not reach the API server", advice="start it")

    monkeypatch.setattr(examining, "connect", away)
    found = examine(SHOP, Settings(node="none", identities=None, kube_context="mine", ingress_address="127.0.0.1:9"))
    assert [(one.check, one.level) for one in found] == [
        ("cluster", BAD),
        ("ingress", BAD),
        ("network policy", UNKNOWN),
        ("storage", UNKNOWN),
    ]
    assert found[0].said == "could not reach the API server"
    assert found[0].advice == "start it"


def test_look_that_fails_later(looked: Any) -> None:
    """Findings from before a failed look stay."""

    class Away(Cluster):
        def clock(self) -> datetime:
            raise Unreachable("could not reach the API server")

    found = looked(Away([]))
    assert (found["Kubernetes"].level, found["cluster"].level, found["ingress"].level) == (GOOD, BAD, BAD)


def test_look_at_a_forbidden_namespace(looked: Any) -> None:
    """A namespace that may not be read is a finding of its own."""

    class Gone(Cluster):
        def find(self, path: str) -> dict[str, Any]:
            raise Refused(f"could not read {path}: forbidden")

    found = looked(Gone([]))
    assert (found["namespace"].level, found["rights"].level) == (WEAK, BAD)
    assert "cluster" not in found


def test_look_at_a_forbidden_cluster(looked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing right to read the whole cluster makes its findings unknown."""

    def forbidden(*_: object) -> None:
        raise Refused("could not read storageclasses: forbidden")

    monkeypatch.setattr(examining, "_as_person", forbidden)
    storage = looked(Cluster(list(needed())))["storage"]
    assert (storage.level, storage.said) == (UNKNOWN, "could not read storageclasses: forbidden")


def test_token_expiry_without_a_request() -> None:
    """A token's expiry is read from the token itself; an opaque token has none."""

    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    token = f"{part({})}.{part({'exp': NOW.timestamp()})}.signature"
    assert token_expiry(token) == NOW
    assert [token_expiry(other) for other in ("", "opaque", "a.b.c", f"{part({})}.{part({})}.x")] == [None] * 4


def test_machine_without_a_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a registry setting and a node, no request goes to the default address."""
    monkeypatch.delenv("AZORA_REGISTRY", raising=False)
    monkeypatch.setattr(examining, "status_of_registry", lambda place: pytest.fail(f"asked {place}"))
    monkeypatch.setattr(examining, "_prefect", lambda _: iter(()))
    found = {
        one.check: one for one in examine_machine(Settings(node="none", state=tmp_path, base_image="", helm="nothing"))
    }
    assert found["registry"].said == "AZORA_REGISTRY is not set"
    assert found["Helm"].level is BAD
    assert found["disk"].said.endswith(f"at {tmp_path}")
