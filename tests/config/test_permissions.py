"""Rights of the pipeline: the file, the page that explains it, and the answers of a cluster."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from azora.config.environment import Environment, Hosts, load_environment
from azora.config.identity import Identity, of_pipeline, settings_by_hand
from azora.config.permissions import Right, granted, manifest_of, needed, objects_of, rights_of, rules_for, user_of
from azora.config.settings import ROOT, Settings
from azora.errors import BadInput, Refused
from azora.gateways.kubernetes.api import Missing
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.kubernetes.rbac import let_in

ROW = re.compile(r"^\| (?P<group>[a-z0-9.]+) \| `(?P<resource>[a-z/]+)` \| (?P<verbs>[a-z, ]+) \| .+ \|$", re.MULTILINE)
SHOP = Environment(name="staging", namespace="shop-staging", hosts=Hosts(live="shop", preview="next.shop"))


def test_documented_rights() -> None:
    """docs/rights.md lists exactly the rights that the Role gives."""
    rows = [row.groupdict() for row in ROW.finditer((ROOT / "docs/rights.md").read_text())]
    listed = {
        Right("" if row["group"] == "core" else row["group"], row["resource"], verb)
        for row in rows
        for verb in row["verbs"].split(", ")
    }
    assert listed == set(needed())


def test_role_within_its_namespace() -> None:
    """No right is cluster-wide, and none has a wildcard."""
    objects = objects_of("shop")
    assert [(found["kind"], found["metadata"].get("namespace"), found["metadata"]["name"]) for found in objects] == [
        ("Namespace", None, "azora-system"),
        ("Namespace", None, "shop"),
        ("ServiceAccount", "azora-system", "shop"),
        ("Role", "shop", "azora-release"),
        ("RoleBinding", "shop", "azora-release"),
        ("Role", "azora-system", "azora-token-shop"),
        ("RoleBinding", "azora-system", "azora-token-shop"),
    ]
    (own,) = (found for found in objects if found["metadata"]["name"] == "azora-token-shop" and found["kind"] == "Role")
    assert own["rules"] == [
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": ["shop"], "verbs": ["create"]}
    ]
    assert not {"*"} & {word for right in needed() for word in (right.group, right.resource, right.verb)}


@pytest.mark.parametrize(
    "resource", ["roles", "rolebindings", "serviceaccounts", "serviceaccounts/token", "pods/exec", "persistentvolumes"]
)
def test_role_without_escalation(resource: str) -> None:
    """The Role gives no way to more rights."""
    assert resource not in {right.resource for right in needed()}
    assert {right.verb for right in needed() if right.resource == "namespaces"} == {"get"}


def test_namespaces_with_pod_security() -> None:
    """Both namespaces enforce the restricted Pod Security Standard."""
    labels = [found["metadata"]["labels"] for found in objects_of("shop") if found["kind"] == "Namespace"]
    assert labels == [{"pod-security.kubernetes.io/enforce": "restricted"}] * 2


def test_role_for_each_rendered_kind() -> None:
    """Helm may get, list, watch, create, patch and delete each kind that a chart renders."""
    kinds = {
        found.lower()
        for file in (ROOT / "deployments/charts").glob("*/templates/*.yaml")
        for found in re.findall(r"^kind: (\w+)$", file.read_text(), re.MULTILINE)
    }
    plural = {kind + ("es" if kind.endswith("s") else "ies" if kind.endswith("y") else "s") for kind in kinds}
    plural = {name.replace("yies", "ies") for name in plural}
    for verb in ("get", "list", "watch", "create", "patch", "delete"):
        assert plural <= {right.resource for right in needed() if right.verb == verb}


RULES = [
    {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["one"]},
]


@pytest.mark.parametrize(
    ("right", "has"),
    [
        pytest.param(Right("apps", "deployments", "list"), True, id="named"),
        pytest.param(Right("apps", "deployments", "delete"), False, id="another verb"),
        pytest.param(Right("", "deployments", "list"), False, id="another group"),
        pytest.param(Right("", "pods", "delete"), True, id="all verbs"),
        pytest.param(Right("", "pods/log", "get"), False, id="a part is not the whole"),
        pytest.param(Right("", "secrets", "get"), False, id="one name is not all"),
    ],
)
def test_right_by_a_rule(right: Right, has: bool) -> None:
    """A right is granted when one rule gives it whole."""
    assert granted(right, RULES) is has


def test_rule_for_a_missing_right() -> None:
    """The rules for missing rights are grouped, and give exactly these rights."""
    lost = [Right("apps", "deployments", "patch"), Right("apps", "deployments", "create"), Right("", "pods", "list")]
    assert rules_for(lost) == [
        '- {apiGroups: [""], resources: [pods], verbs: [list]}',
        '- {apiGroups: ["apps"], resources: [deployments], verbs: [create, patch]}',
    ]
    assert rights_of(yaml.safe_load("\n".join(rules_for(lost)))) == tuple(sorted(lost))


def test_manifest_of_the_role() -> None:
    """The manifest that is shown is the one that is applied."""
    assert list(yaml.safe_load_all(manifest_of("shop"))) == objects_of("shop")
    assert "${" not in manifest_of("shop").split("apiVersion", 1)[1]


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "default", "azora-system"])
def test_namespace_of_the_cluster(namespace: str) -> None:
    """A namespace of the cluster itself is refused."""
    with pytest.raises(BadInput, match=namespace):
        objects_of(namespace)


# -- as whom


def test_identity_of_the_pipeline(tmp_path: Path) -> None:
    """The pipeline uses the environment's account, and nothing else in its place."""
    settings = Settings(identities=tmp_path, kubeconfig=Path("/admin"), kube_context="admin")
    with pytest.raises(BadInput, match=r"staging\.kubeconfig") as caught:
        of_pipeline(SHOP, settings)
    assert "azora rights apply staging" in caught.value.advice
    (tmp_path / "staging.kubeconfig").touch()
    assert of_pipeline(SHOP, settings) == Identity(tmp_path / "staging.kubeconfig", None)


@pytest.mark.parametrize(("named", "used"), [(None, "mine"), ("elsewhere", "elsewhere")])
def test_identity_without_accounts(named: str | None, used: str) -> None:
    """Without accounts the context of the environment or of the settings is used."""
    settings = Settings(identities=None, kubeconfig=None, kube_context="mine")
    assert of_pipeline(SHOP.model_copy(update={"context": named}), settings) == Identity(None, used)


@pytest.mark.parametrize(
    ("context", "here", "used"),
    [
        pytest.param("theirs", {"kube_context": "mine"}, Identity(None, "theirs"), id="context of the environment"),
        pytest.param(None, {"kubeconfig": Path("/mine")}, Identity(Path("/mine"), None), id="file of the settings"),
        pytest.param(None, {"kube_context": "mine"}, Identity(None, "mine"), id="context of the settings"),
        pytest.param(None, {}, Identity(Path("/accounts/staging.kubeconfig"), None), id="nothing named: the account"),
    ],
)
def test_identity_of_whoever_rolls_back(
    context: str | None, here: dict[str, Any], used: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person moves users as that person, where a kubeconfig of theirs is named."""
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    shop = SHOP.model_copy(update={"context": context})
    settings = Settings(identities=Path("/accounts"), **({"kubeconfig": None, "kube_context": None} | here))
    assert of_pipeline(shop, settings_by_hand(settings)) == used


# -- letting in


class Cluster:
    """An API that takes everything and hands out a token."""

    host = "https://10.0.0.1:6443"
    connection: ClassVar[dict[str, Any]] = {}

    def __init__(self, authority: Path) -> None:
        self.authority = authority
        self.applied: list[str] = []
        self.asked: dict[str, Any] = {}

    def apply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.applied.append(path)
        assert path.endswith(f"/{body['metadata']['name']}")
        return body

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked[path] = body["spec"]
        return {"status": {"token": "open-sesame", "expirationTimestamp": "2027-01-02T03:04:05Z"}}


def test_kubeconfig_of_the_account(tmp_path: Path) -> None:
    """The account gets a private kubeconfig with a token of one year."""
    (tmp_path / "ca").write_text("authority")
    cluster: Any = Cluster(tmp_path / "ca")
    granted = let_in(SHOP, cluster, tmp_path / "identities")

    assert cluster.applied == [
        "/api/v1/namespaces/azora-system",
        "/api/v1/namespaces/shop-staging",
        "/api/v1/namespaces/azora-system/serviceaccounts/shop-staging",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/shop-staging/roles/azora-release",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/shop-staging/rolebindings/azora-release",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/azora-system/roles/azora-token-shop-staging",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/azora-system/rolebindings/azora-token-shop-staging",
    ]
    assert cluster.asked == {
        "/api/v1/namespaces/azora-system/serviceaccounts/shop-staging/token": {"expirationSeconds": 365 * 86400}
    }
    assert granted.kubeconfig == tmp_path / "identities/staging.kubeconfig"
    assert granted.until.isoformat() == "2027-01-02T03:04:05+00:00"
    assert granted.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert granted.kubeconfig.parent.stat().st_mode & 0o777 == 0o700
    read = yaml.safe_load(granted.kubeconfig.read_text())
    assert read["users"] == [{"name": "shop-staging", "user": {"token": "open-sesame"}}]
    assert read["clusters"][0]["cluster"]["server"] == cluster.host
    assert read["contexts"][0]["context"]["namespace"] == "shop-staging"


def test_account_of_the_binding() -> None:
    """Each RoleBinding names the account."""
    bindings = [found for found in objects_of("shop") if found["kind"] == "RoleBinding"]
    for (subject,) in (binding["subjects"] for binding in bindings):
        assert user_of("shop") == f"system:serviceaccount:{subject['namespace']}:{subject['name']}"


def test_namespaces_of_the_environments() -> None:
    """No two environments share a namespace."""
    folder = ROOT / "deployments/environments"
    names = [load_environment(file.stem, folder).namespace for file in folder.glob("*.yaml")]
    assert len(set(names)) == len(names)


# -- a namespace that is not there


class Answering:
    """An API that knows no namespace: says so, or refuses to."""

    def __init__(self, refuses: bool) -> None:
        self.refuses = refuses
        self.created: list[dict[str, Any]] = []

    def find(self, path: str) -> None:
        if self.refuses:
            raise Refused(f"could not read {path}: namespaces is forbidden")

    def create(self, _path: str, body: dict[str, Any]) -> None:
        self.created.append(body)


def test_namespace_by_an_administrator() -> None:
    """An administrator creates the namespace with its labels."""
    api: Any = Answering(refuses=False)
    Namespace(api, SHOP, "shop").ensure()
    assert (
        api.created
        == [found for found in objects_of("shop-staging") if found["metadata"]["name"] == "shop-staging"][:1]
    )


def test_namespace_that_was_deleted() -> None:
    """The account's error names the command that creates the namespace again."""
    api: Any = Answering(refuses=True)
    with pytest.raises(Refused, match="could not enter the namespace shop-staging: namespaces is forbidden") as caught:
        Namespace(api, SHOP, "shop").ensure()
    assert "azora rights apply staging" in caught.value.advice
    assert not isinstance(caught.value, Missing)
