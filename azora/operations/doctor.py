"""Checks of everything that a release depends on, for `azora doctor`; a failed check is a finding too."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus as codes  # noqa: N813 - as httpx calls them
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import yaml
from cryptography import x509

from azora.config.environment import Environment, environments
from azora.config.identity import node_must_be_up, of_person, of_pipeline
from azora.config.permissions import needed
from azora.config.settings import ROOT, Settings
from azora.config.urls import public_url
from azora.core import doctor, doctor_cluster
from azora.core.doctor import Finding, Level
from azora.core.prefect_names import POOL, deployments_for, queue_of
from azora.core.registered import registered_by
from azora.errors import AzoraError
from azora.gateways.images.base_images import found_base
from azora.gateways.images.buildah import version_of_buildah
from azora.gateways.images.registry import status_of_registry, takes_pushes_from_anybody
from azora.gateways.kubernetes.access_review import (
    excess_of,
    labels_of,
    missing_rights,
    served_until,
    token_expiry,
    user_of,
)
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.cluster import connect
from azora.host.process import run
from azora.host.sandbox import NO_SANDBOX, Sandbox, kind
from azora.operations.doctor_gate import examine_gate, examine_policies

SECONDS = 10.0
AS_THE_PERSON = {"storage", "network policy", "gate policies"}  # who may not be allowed to look
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"

Look = Callable[[], Finding | Iterator[Finding]]


def examine_machine(settings: Settings) -> list[Finding]:
    """This machine and what all environments share."""
    looks: dict[str, Look] = {
        "disk": lambda: _disk(settings.state_folder),
        "Helm": lambda: _helm(settings),
        "buildah": lambda: doctor.buildah(version_of_buildah()),
        "sandbox": lambda: _sandbox(settings),
        "worker's user": lambda: _worker_user(settings),
        "registry": lambda: _registry(settings),
        "base image": lambda: _base_image(settings),
        "Prefect": lambda: _prefect(settings),
        "certificates": lambda: _certificates(settings.state_folder / "pki"),
    }
    return _all(looks)


def examine(environment: Environment, settings: Settings) -> list[Finding]:
    """Check one environment as the pipeline, and the whole cluster as the person of the settings."""
    looks: dict[str, Look] = {
        "cluster": lambda: _pipeline(environment, settings),
        "token": lambda: _token(environment, settings),
        "ingress": lambda: _ingress(environment, settings),
        "network policy": lambda: _network(environment, settings),
    }
    if environment.has_a_gate:
        looks["gate policies"] = lambda: examine_policies(environment, settings)
    if environment.data:
        looks["storage"] = lambda: _storage(environment, settings)
    return _all(looks)


def _all(looks: dict[str, Look]) -> list[Finding]:
    """Findings of each look; of one that fails, the findings before that, and why it failed."""
    found: list[Finding] = []
    for check, look in looks.items():
        try:
            seen = look()
            found += [seen] if isinstance(seen, Finding) else seen
        except AzoraError as error:
            level = Level.UNKNOWN if check in AS_THE_PERSON else Level.BAD
            found.append(Finding(check, level, error.message, error.advice))
    return found


def _sandbox(settings: Settings) -> Finding:
    """Start a program in the sandbox: a container may lack the right to make one."""
    if settings.sandbox == "off":
        return doctor.sandbox("", is_off=True)
    command = Sandbox().command(["true"], Path("/"), os.environ.get("PATH", ""))
    done = run(command, what="start a program in the sandbox", timeout_seconds=SECONDS)
    if done.returncode:
        return Finding("sandbox", Level.BAD, f"{kind()} does not work here: {done.tail(2)}", NO_SANDBOX)
    return doctor.sandbox(kind(), is_off=False)


def _worker_user(settings: Settings) -> Iterator[Finding]:
    """Finding for the worker of the embedded node. Whoever starts another one chose its user."""
    if settings.is_the_embedded_node:
        reason = settings.state_folder / "worker-is-root"  # azora/local/layout.py
        yield doctor.worker_user(reason.read_text() if reason.is_file() else "")


# -- the cluster, as the pipeline


def _pipeline(environment: Environment, settings: Settings) -> Iterator[Finding]:
    place = connect(environment, settings).namespace
    api, name, namespace = place.api, environment.name, environment.namespace
    now = datetime.now(UTC)
    yield doctor.kubernetes(api.get("/version")["gitVersion"])
    yield doctor.clock("the API server", api.clock() - now)
    yield doctor_cluster.account(user_of(api), namespace, name)
    yield doctor_cluster.permissions(missing_rights(api, namespace), len(needed()), namespace, name)
    yield doctor_cluster.excess(excess_of(api), name)
    labels = labels_of(api, namespace)
    yield doctor_cluster.pod_security(labels, namespace, name)
    if api.authority:
        until = served_until(api.host, api.authority)
        yield doctor.expiry("API certificate", until, now, "renew it, or ask the cluster's administrator")
    yield from examine_gate(place, labels)


def _token(environment: Environment, settings: Settings) -> Iterator[Finding]:
    """Finding for the token in the account's kubeconfig; other kubeconfigs have other ways."""
    who = of_pipeline(environment, settings)
    if settings.identities is None or who.kubeconfig is None:
        return
    users = yaml.safe_load(who.kubeconfig.read_text()).get("users") or [{}]
    if until := token_expiry(str(users[0].get("user", {}).get("token", ""))):
        yield doctor.expiry(
            "token", until, datetime.now(UTC), f"`azora rights apply {environment.name}` writes a new one"
        )


# -- the cluster, as the person


def _storage(environment: Environment, settings: Settings) -> Finding:
    found = _as_person(environment, settings).get("/apis/storage.k8s.io/v1/storageclasses")["items"]
    annotated = {one["metadata"]["name"]: one["metadata"].get("annotations") or {} for one in found}
    return doctor_cluster.storage({name: notes.get(DEFAULT_CLASS) == "true" for name, notes in annotated.items()})


def _network(environment: Environment, settings: Settings) -> Finding:
    embedded = settings.is_the_embedded_node and environment.context is None
    found = [] if embedded else _as_person(environment, settings).get("/apis/apps/v1/daemonsets")["items"]
    return doctor_cluster.network([one["metadata"]["name"] for one in found], embedded=embedded)


def _as_person(environment: Environment, settings: Settings) -> Api:
    return connect(environment, settings, of_person(environment, settings)).namespace.api


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
        return doctor_cluster.ingress(address, None, str(error))
    return doctor_cluster.ingress(address, answer.status_code)


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
    """Finding for the registry; the default address gets no request unless a node wrote it."""
    if "registry" not in settings.model_fields_set:
        return doctor.registry("", 0)
    node_must_be_up(settings)
    status = status_of_registry(settings)
    is_open = status == codes.OK and takes_pushes_from_anybody(settings)
    return doctor.registry(settings.registry, status, is_open=is_open)


def _base_image(settings: Settings) -> Finding:
    if not settings.base_image:
        return doctor.base_image("", None)
    node_must_be_up(settings)
    return doctor.base_image(settings.base_image, found_base(settings.base_image, settings)[1])


def _prefect(settings: Settings) -> Iterator[Finding]:
    from azora.gateways.prefect.registration import automation_seen  # noqa: PLC0415
    from azora.gateways.prefect.server import server_seen  # noqa: PLC0415 - slow to import
    from azora.gateways.prefect.work_pool import pool_seen  # noqa: PLC0415

    seen = server_seen(POOL, application=settings.application)
    text = deployments_for((ROOT / "prefect.yaml").read_text(), environments(settings.environments), settings.branch)
    application = settings.application
    wanted = registered_by(text, application, str(ROOT))
    yield doctor.prefect(seen.version, version("prefect"))
    if seen.at:
        yield doctor.clock("Prefect", seen.at - datetime.now(UTC))
    yield doctor.workers(seen.workers, POOL, queue_of(application), is_served=seen.is_served)
    yield doctor.work_pool(pool_seen(), POOL)
    yield doctor.deployments(seen.deployments, wanted)
    yield doctor.dead_runs(automation_seen(application))


def _certificates(folder: Path) -> Iterator[Finding]:
    """Finding for the embedded node's certificate that expires first. Elsewhere there is no such folder."""
    ends = {
        file.stem: x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
        for file in folder.glob("*.crt")
    }
    if ends:
        first = min(ends, key=lambda name: ends[name])
        renewal = "create the node again: `azora local clean`, then `azora local up`"
        yield doctor.expiry("node certificate", ends[first], datetime.now(UTC), renewal)
