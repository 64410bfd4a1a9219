"""The policy of the record on a real API server: the log grows, and nothing in it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import yaml
from _pytest.mark.structures import ParameterSet

from azora.config.environment import Environment
from azora.config.json_object import Json
from azora.config.permissions import objects_of, user_of
from azora.config.settings import ROOT
from azora.core.record.chain import broken_link
from azora.core.record.entry import note
from azora.core.record.events import Begun, Refused
from azora.errors import AzoraError
from azora.errors import Refused as RefusedError
from azora.gateways.kubernetes import log_store
from azora.gateways.kubernetes.api import MERGE, PLAIN, Api
from azora.gateways.kubernetes.log_store import LogStore
from azora.gateways.kubernetes.namespace import Namespace
from tests.support.api_server import ApiServer, api_server
from tests.support.polling import until

POLICY = ROOT / "deployments/rights/gate/record.yaml"
RBAC, ADMISSION = "/apis/rbac.authorization.k8s.io/v1", "/apis/admissionregistration.k8s.io/v1"
PATHS = {
    "Namespace": "/api/v1/namespaces/{name}",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts/{name}",
    "Role": RBAC + "/namespaces/{namespace}/roles/{name}",
    "RoleBinding": RBAC + "/namespaces/{namespace}/rolebindings/{name}",
    "ValidatingAdmissionPolicy": ADMISSION + "/validatingadmissionpolicies/{name}",
    "ValidatingAdmissionPolicyBinding": ADMISSION + "/validatingadmissionpolicybindings/{name}",
}
MAPS = "/api/v1/namespaces/shop/configmaps"
LOG = f"{MAPS}/azora-log-0001"
GROUP = "rbac.authorization.k8s.io"
DEVELOPER = (
    {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Role",
        "metadata": {"namespace": "shop", "name": "developer"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}],
    },
    {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"namespace": "shop", "name": "developer"},
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "developer"},
        "subjects": [{"apiGroup": GROUP, "kind": "User", "name": "eve"}],
    },
)


def apply(api: Api, found: Json) -> None:
    api.apply(PATHS[found["kind"]].format(**{"namespace": "", **found["metadata"]}), found)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A namespace with the pipeline's account, a developer and the policy, which holds."""
    with api_server(tmp_path_factory.mktemp("server"), controllers=True) as found:
        admin = found.api()
        for one in (*objects_of("shop"), *DEVELOPER, *yaml.safe_load_all(POLICY.read_text())):
            apply(admin, one)
        admin.patch("/api/v1/namespaces/shop", {"metadata": {"labels": {"azora.dev/approval": "required"}}})
        until(lambda: is_refused(admin, "POST", MAPS, log("azora-log-x"), dryRun="All"), seconds=30, what="the policy")
        until(
            lambda: not is_refused(found.api("eve"), "POST", MAPS, log("x"), dryRun="All"),
            seconds=30,
            what="her rights",
        )
        yield found


def log(name: str, **more: object) -> Json:
    metadata = {"name": name, "labels": {"azora.dev/log": "true"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"00000099": "forged"}, **more}


def refusal(api: Api, method: str, path: str, body: Json | None, **query: str) -> RefusedError | None:
    try:
        api._answered(method, path, body=body, query=query, content_type=MERGE if method == "PATCH" else PLAIN)
    except RefusedError as error:
        return error
    return None


def is_refused(api: Api, method: str, path: str, body: Json | None, **query: str) -> bool:
    return refusal(api, method, path, body, **query) is not None


def attack(
    who: str, method: str, path: str, body: Json | None, what: str, *, by: str = "policy azora-record"
) -> ParameterSet:
    """A case with its marker."""
    mark = pytest.mark.attack(f"{who} {what}", by=by)
    return pytest.param(method, path, body, id=what, marks=mark)


@pytest.fixture
def account(server: ApiServer) -> Api:
    """The pipeline's own account."""
    return server.api(user_of("shop"), "system:serviceaccounts", "system:authenticated")


@pytest.fixture
def store(account: Api) -> LogStore:
    """A log with three entries."""
    hosts = {"live": "a.localhost", "preview": "b.localhost"}
    environment = Environment.model_validate({"name": "staging", "namespace": "shop", "hosts": hosts})
    found = LogStore(Namespace(account, environment, "azora"))
    for number in range(2):
        append(found, str(number))
    return found


def append(store: LogStore, what: str) -> None:
    store.append(note(Refused(what=what), at=datetime.now(UTC), who="ada"), Begun)


def test_entries_of_the_account(store: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline's account adds entries, also in a new object."""
    monkeypatch.setattr(log_store, "FULL_BYTES", 10)
    before = len(store.lines())
    append(store, "next")
    assert len(store.lines()) == before + 1
    assert broken_link(store.lines(), {}) is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        attack("the pipeline", "PATCH", LOG, {"data": {"00000002": "forged"}}, "changes an entry of the record"),
        attack("the pipeline", "PATCH", LOG, {"data": {"00000002": None}}, "removes an entry of the record"),
        attack("the pipeline", "PATCH", LOG, {"data": None}, "removes all entries of the record"),
        attack("the pipeline", "PATCH", LOG, {"data": {"note": "x"}}, "adds another key to the record"),
        attack("the pipeline", "PATCH", LOG, {"binaryData": {"x": "eA=="}}, "adds binary data to the record"),
        attack("the pipeline", "PATCH", LOG, {"immutable": True}, "makes the record immutable"),
        attack(
            "the pipeline",
            "PATCH",
            LOG,
            {"metadata": {"labels": {"azora.dev/log": None}}},
            "takes the record's label away",
        ),
        attack("the pipeline", "DELETE", LOG, None, "deletes the record"),
        attack("the pipeline", "DELETE", MAPS, None, "deletes all ConfigMaps, the record among them", by="RBAC"),
        attack("the pipeline", "POST", MAPS, log("azora-log-next"), "makes an object of the record with another name"),
        attack(
            "the pipeline",
            "POST",
            MAPS,
            log("azora-log-0098", immutable=True),
            "makes an immutable object of the record",
        ),
    ],
)
def test_change_by_the_account(
    account: Api,
    store: LogStore,
    *,
    method: str,
    path: str,
    body: Json | None,
    refused_by: Callable[[AzoraError], None],
) -> None:
    """Nobody changes or removes what is recorded, not even the account that writes it."""
    before = store.lines()
    error = refusal(account, method, path, body)
    assert error
    refused_by(error)
    assert store.lines() == before


def test_generated_name(server: ApiServer) -> None:
    """An object whose name the API server makes is refused, too."""
    body = log("") | {"metadata": {"generateName": "azora-log-", "labels": {"azora.dev/log": "true"}}}
    assert is_refused(server.api(), "POST", MAPS, body)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        attack("a developer", "PATCH", LOG, {"data": {"00000050": "forged"}}, "adds an entry to the record"),
        attack("a developer", "POST", MAPS, log("azora-log-0097"), "adds an object to the record"),
        attack("a developer", "DELETE", LOG, None, "deletes the record"),
    ],
)
def test_change_by_a_developer(
    server: ApiServer, method: str, path: str, body: Json | None, refused_by: Callable[[AzoraError], None]
) -> None:
    """A developer who may write ConfigMaps adds nothing; the developer's own ConfigMaps are the developer's."""
    error = refusal(server.api("eve"), method, path, body)
    assert error
    refused_by(error)
    own = log("own") | {"metadata": {"name": "own"}}
    assert not is_refused(server.api("eve"), "POST", MAPS, own)
    assert not is_refused(server.api("eve"), "DELETE", f"{MAPS}/own", None)


def test_deleted_namespace(server: ApiServer) -> None:
    """A namespace with a record can be deleted."""
    admin = server.api()
    for one in objects_of("gone"):
        apply(admin, one)
    admin.patch("/api/v1/namespaces/gone", {"metadata": {"labels": {"azora.dev/approval": "required"}}})
    admin.create("/api/v1/namespaces/gone/configmaps", log("azora-log-0001"))
    assert is_refused(admin, "DELETE", "/api/v1/namespaces/gone/configmaps/azora-log-0001", None)
    admin.delete("/api/v1/namespaces/gone")
    until(lambda: admin.find("/api/v1/namespaces/gone") is None, seconds=60, what="the namespace is gone")
