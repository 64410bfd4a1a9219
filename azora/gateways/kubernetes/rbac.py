"""Access of the pipeline to an environment: namespace, account, Role, kubeconfig with a token."""

from __future__ import annotations

import base64
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from azora.config.environment import Environment
from azora.config.identity import node_must_be_up, of_person
from azora.config.json_object import Json
from azora.config.permissions import SYSTEM, namespace_object, objects_of
from azora.config.settings import Settings
from azora.errors import AzoraError, NotReadyYet
from azora.gateways.kubernetes.access_review import token_life
from azora.gateways.kubernetes.api import Api, Missing
from azora.host.locks import only_one
from azora.host.writes import System, writing
from azora.redaction import remember

VALID = timedelta(days=365)
GONE_WITHIN_SECONDS = 120

_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
}


@dataclass(frozen=True)
class Granted:
    """Kubeconfig of the account, and the expiry of its token."""

    kubeconfig: Path
    until: datetime


def grant(environment: Environment, settings: Settings, *, valid: timedelta = VALID) -> Granted:
    """Apply the rights of *environment* with the person's identity; write the account's kubeconfig.

    Raises:
        Refused: that person may not make namespaces and roles.
        Unreachable: it is the embedded node, and that is down.
        NotReadyYet: the namespace is being deleted, and something in it does not go.
    """
    api = _as_person(environment, settings)
    return let_in(environment, api, settings.identities or settings.state_folder / "identities", valid=valid)


def refused_pods(environment: Environment, settings: Settings) -> list[str]:
    """Present pods that the Pod Security Standard would refuse, in the cluster's words.

    They go on; when they are made anew, they are refused. Raises as `grant` does.
    """
    api = _as_person(environment, settings)
    path = f"/api/v1/namespaces/{environment.namespace}"
    return api.warnings_of(path, namespace_object(environment.namespace)) if api.find(path) else []


def _as_person(environment: Environment, settings: Settings) -> Api:
    node_must_be_up(settings)
    person = of_person(environment, settings)
    return Api(person.kubeconfig, person.context, timeout_seconds=settings.api_timeout_seconds)


def let_in(environment: Environment, api: Api, folder: Path, *, valid: timedelta = VALID) -> Granted:
    """Apply the rights through *api*, with a new token; safe to repeat.

    Rights become those of the file; the old token stays valid.
    """
    _make(objects_of(environment.namespace), api)
    return _with_a_new_token(environment, api, folder / f"{environment.name}.kubeconfig", valid)


def renew(environment: Environment, api: Api, kubeconfig: Path) -> Granted | None:
    """Renew the account's token in *kubeconfig*, by its own right, once half of its time is over.

    None where that is not so, or an older version gave the account no such right: a person renews it by `azora rights apply`.
    None, too, where this process may not write the file, as the embedded node's worker: its exporter renews it.
    """
    if not _life_past_half(kubeconfig) or not os.access(kubeconfig.parent, os.W_OK):
        return None
    with only_one(kubeconfig.with_suffix(".lock"), what=f"renew the token of {environment.name}"):
        if not (life := _life_past_half(kubeconfig)):
            return None  # another process did it meanwhile
        with suppress(AzoraError):
            return _with_a_new_token(environment, api, kubeconfig, life)
    return None


def _life_past_half(kubeconfig: Path) -> timedelta | None:
    """The whole time of the token, where less than half of it is left."""
    users = (yaml.safe_load(kubeconfig.read_text()) or {}).get("users") or [{}]
    life = token_life(str((users[0].get("user") or {}).get("token", "")))
    if life is None or datetime.now(UTC) < life[0] + (life[1] - life[0]) / 2:
        return None
    return life[1] - life[0] or None


def _with_a_new_token(environment: Environment, api: Api, file: Path, valid: timedelta) -> Granted:
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": int(valid.total_seconds())},
    }
    answer = api.create(f"/api/v1/namespaces/{SYSTEM}/serviceaccounts/{environment.namespace}/token", request)["status"]
    remember(answer["token"])
    _write(file, yaml.safe_dump(_kubeconfig(environment.namespace, api, answer["token"]), sort_keys=False))
    return Granted(file, datetime.fromisoformat(answer["expirationTimestamp"]))


def _make(objects: list[Json], api: Api) -> None:
    """Create *objects*; start again while the namespace is being deleted or has just gone."""
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    while True:
        try:
            for found in objects:
                _apply(found, api)
        except (NotReadyYet, Missing):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return


def _apply(found: Json, api: Api) -> None:
    name = found["metadata"]["name"]
    namespace = found["metadata"].get("namespace", name)
    made = api.apply(f"{_PATHS[found['kind']].format(**found['metadata'])}/{name}", found)
    if "deletionTimestamp" in made["metadata"]:
        raise NotReadyYet(
            f"could not create {found['kind']} {name!r}: the existing one is being deleted",
            advice=f"`kubectl get namespace {namespace} -o yaml` shows what blocks the deletion; then retry",
        )


def _kubeconfig(namespace: str, api: Api, token: str) -> Json:
    cluster: Json = {"server": api.host, **api.connection}
    if api.authority and "insecure-skip-tls-verify" not in cluster:
        cluster["certificate-authority-data"] = base64.b64encode(api.authority.read_bytes()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": namespace, "cluster": cluster}],
        "users": [{"name": namespace, "user": {"token": token}}],
        "contexts": [{"name": namespace, "context": {"cluster": namespace, "user": namespace, "namespace": namespace}}],
        "current-context": namespace,
    }


def _write(file: Path, content: str) -> None:
    """In one step, for its owner alone: a run that reads it meanwhile finds the old or the new one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(content)
    with writing(System.FILES, str(file)):
        fresh.rename(file)
