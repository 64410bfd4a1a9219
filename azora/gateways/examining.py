"""Look at everything that a release depends on, for `azora doctor`: what cannot be looked at is a finding too."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import yaml
from cryptography import x509

from azora import doctor
from azora.doctor import Finding, Level
from azora.environment import Environment
from azora.errors import AzoraError, PermanentError
from azora.gateways.api import Api, Json
from azora.gateways.cluster import connect
from azora.gateways.commands import run
from azora.gateways.registry import Reference, digest_of_tag, status_of
from azora.gateways.watching import public_url
from azora.identity import node_must_be_up, of_person, of_pipeline
from azora.rights import Right, granted, needed
from azora.settings import ROOT, Settings

REVIEWS = "/apis/authorization.k8s.io/v1"
POOL = "azora"
SECONDS = 10.0
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"

# What no account of one environment may do: the words, then where and what (None: everywhere).
FOREIGN: dict[str, tuple[str | None, Right]] = {
    "make namespaces": (None, Right("", "namespaces", "create")),
    "read the secrets of kube-system": ("kube-system", Right("", "secrets", "get")),
    "read the secrets of every namespace": (None, Right("", "secrets", "list")),
    "give rights": (None, Right("rbac.authorization.k8s.io", "clusterrolebindings", "create")),
}

Look = Callable[[], Finding | Iterator[Finding]]


def examine_machine(settings: Settings) -> list[Finding]:
    """This machine and what all environments share."""
    looks: dict[str, Look] = {
        "disk": lambda: _disk(settings.state_folder),
        "Helm": lambda: _helm(settings),
        "registry": lambda: _registry(settings),
        "base image": lambda: _base_image(settings),
        "Prefect": _prefect,
        "certificates": lambda: _certificates(settings.state_folder / "pki"),
    }
    return _all(looks)


def examine(environment: Environment, settings: Settings) -> list[Finding]:
    """One environment: as the pipeline, and as the person of the settings what belongs to the whole cluster."""
    looks: dict[str, Look] = {
        "cluster": lambda: _pipeline(environment, settings),
        "token": lambda: _token(environment, settings),
        "ingress": lambda: _ingress(environment, settings),
        "network policy": lambda: _network(environment, settings),
    }
    if environment.data:
        looks["storage"] = lambda: _storage(environment, settings)
    return _all(looks)


def _all(looks: dict[str, Look]) -> list[Finding]:
    found: list[Finding] = []
    for check, look in looks.items():
        try:
            seen = look()
            found += [seen] if isinstance(seen, Finding) else seen
        except AzoraError as error:
            level = Level.UNKNOWN if check in {"storage", "network policy"} else Level.BAD
            found.append(Finding(check, level, error.message, error.advice))
    return found


# -- the cluster, as the pipeline


def _pipeline(environment: Environment, settings: Settings) -> Iterator[Finding]:
    api = connect(environment, settings).api
    name, namespace = environment.name, environment.namespace
    now = datetime.now(UTC)
    yield doctor.kubernetes(api.get("/version")["gitVersion"])
    yield doctor.clock("the API server", api.clock() - now)
    yield doctor.account(_user(api), namespace, name)
    yield doctor.permissions(_missing(api, namespace), len(needed()), namespace, name)
    yield doctor.excess([words for words, (where, right) in FOREIGN.items() if _may(api, where, right)], name)
    yield doctor.pod_security(_labels(api, namespace), namespace, name)
    if api.authority:
        until = _served_until(api.host, api.authority)
        yield doctor.expiry("API certificate", until, now, "renew it, or ask who runs the cluster")


def _user(api: Api) -> str:
    """https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review"""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = api.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    return str(answer["status"]["userInfo"]["username"])


def _missing(api: Api, namespace: str) -> list[Right]:
    """By one question for all; what that list does not show (it may be incomplete) is asked one by one."""
    body = {"spec": {"namespace": namespace}}
    rules: list[Json] = api.create(f"{REVIEWS}/selfsubjectrulesreviews", body)["status"]["resourceRules"] or []
    return [right for right in needed() if not granted(right, rules) and not _may(api, namespace, right)]


def _may(api: Api, namespace: str | None, right: Right) -> bool:
    resource, _, part = right.resource.partition("/")
    asked = {"group": right.group, "resource": resource, "subresource": part, "verb": right.verb}
    body = {"spec": {"resourceAttributes": asked | ({"namespace": namespace} if namespace else {})}}
    return bool(api.create(f"{REVIEWS}/selfsubjectaccessreviews", body)["status"]["allowed"])


def _labels(api: Api, namespace: str) -> dict[str, str] | None:
    found = api.find(f"/api/v1/namespaces/{namespace}")
    return dict(found["metadata"].get("labels") or {}) if found else None


def _served_until(url: str, authority: Path) -> datetime:
    """When the certificate that the API server shows ends."""
    place = urlsplit(url)
    context = ssl.create_default_context(cafile=str(authority))
    try:
        with (
            socket.create_connection((place.hostname or "", place.port or 443), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=place.hostname) as secured,
        ):
            shown = secured.getpeercert() or {}
    except OSError as error:
        raise PermanentError(f"could not see the certificate of {url}: {error}") from error
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def _token(environment: Environment, settings: Settings) -> Iterator[Finding]:
    """Of the account's kubeconfig; other kubeconfigs have other ways."""
    who = of_pipeline(environment, settings)
    if settings.identities is None or who.kubeconfig is None:
        return
    users = yaml.safe_load(who.kubeconfig.read_text()).get("users") or [{}]
    if until := token_expiry(str(users[0].get("user", {}).get("token", ""))):
        yield doctor.expiry(
            "token", until, datetime.now(UTC), f"`azora rights apply {environment.name}` writes a new one"
        )


def token_expiry(token: str) -> datetime | None:
    """What a signed token says of itself; None when it is none, or never ends."""
    try:
        claims = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return datetime.fromtimestamp(said["exp"], UTC)
    except (IndexError, ValueError, KeyError, TypeError):
        return None


# -- the cluster, as the person


def _storage(environment: Environment, settings: Settings) -> Finding:
    found = _as_person(environment, settings).get("/apis/storage.k8s.io/v1/storageclasses")["items"]
    annotated = {one["metadata"]["name"]: one["metadata"].get("annotations") or {} for one in found}
    return doctor.storage({name: notes.get(DEFAULT_CLASS) == "true" for name, notes in annotated.items()})


def _network(environment: Environment, settings: Settings) -> Finding:
    embedded = settings.is_the_embedded_node and environment.context is None
    found = [] if embedded else _as_person(environment, settings).get("/apis/apps/v1/daemonsets")["items"]
    return doctor.network([one["metadata"]["name"] for one in found], embedded=embedded)


def _as_person(environment: Environment, settings: Settings) -> Api:
    return connect(environment, settings, of_person(environment, settings)).api


# -- what users reach


def _ingress(environment: Environment, settings: Settings) -> Finding:
    """The live address as people type it, dialled where the settings say."""
    address = public_url(environment.hosts.live, settings)
    place = urlsplit(address)
    dialled = f"{place.scheme}://{settings.ingress_address}" if settings.ingress_address else address
    options = {"sni_hostname": place.hostname or ""}
    try:
        with httpx.Client(timeout=SECONDS, verify=ssl.create_default_context(), trust_env=False) as client:
            answer = client.get(dialled, headers={"Host": place.netloc}, extensions=options)
    except httpx.HTTPError as error:
        return doctor.ingress(address, None, str(error))
    return doctor.ingress(address, answer.status_code)


# -- the machine


def _disk(folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(there)
    return doctor.disk(str(there), usage.free, usage.total)


def _helm(settings: Settings) -> Finding:
    what = f"ask {settings.helm} for its version"
    done = run([settings.helm, "version", "--template", "{{.Version}}"], timeout_seconds=SECONDS, what=what)
    return doctor.helm(done.output.strip())


def _registry(settings: Settings) -> Finding:
    """Nobody is asked at the default address when no node said that it is there: it would lead off the machine."""
    if "registry" not in settings.model_fields_set:
        return doctor.registry("", 0)
    node_must_be_up(settings)
    return doctor.registry(settings.registry, status_of(settings.registry))


def _base_image(settings: Settings) -> Finding:
    if not settings.base_image:
        return doctor.base_image("", None)
    node_must_be_up(settings)
    reference = Reference.parse(settings.base_image)
    return doctor.base_image(settings.base_image, reference.digest or digest_of_tag(reference))


def _prefect() -> Iterator[Finding]:
    from azora.gateways.orchestrator import server_seen  # noqa: PLC0415 - slow to import

    seen = server_seen(POOL)
    wanted = [one["name"] for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]]
    yield doctor.prefect(seen.version, version("prefect"))
    if seen.at:
        yield doctor.clock("Prefect", seen.at - datetime.now(UTC))
    yield doctor.workers(seen.workers, POOL)
    yield doctor.deployments(seen.deployments, wanted)


def _certificates(folder: Path) -> Iterator[Finding]:
    """Of the embedded node: the one that ends first. Elsewhere there is no such folder."""
    ends = {
        file.stem: x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
        for file in folder.glob("*.crt")
    }
    if ends:
        first = min(ends, key=lambda name: ends[name])
        renewal = "they are made with the node and last ten years: `azora local clean`, then `azora local up`"
        yield doctor.expiry(f"node certificate ({first})", ends[first], datetime.now(UTC), renewal)
