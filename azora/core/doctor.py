"""Findings of `azora doctor`, each with what to do. Nothing here reads the system.

A finding is *good*; *weak*: it works, and something is not as it should be; *unknown*: nobody could look, or not with these
rights; or *bad*: releases fail, or will soon.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus as codes  # noqa: N813 - as httpx calls them

from azora.config.permissions import ENFORCE, ROLE, STANDARD, Right, rules_for, user_of
from azora.core.heartbeat import Automated
from azora.core.registered import Pool, Registered, unknown, unlike

GIB = 2**30
FULL_BYTES, NARROW_BYTES = 2 * GIB, 10 * GIB  # one build of all images takes about 2 GiB
SOON = timedelta(days=30)
SKEW_WEAK, SKEW_BAD = timedelta(seconds=2), timedelta(seconds=10)  # a Lease is lost after 15 s without its holder
OLDEST_KUBERNETES = (1, 34)  # Helm 4.3 is built for 1.37 and three before: https://helm.sh/docs/topics/version_skew
BUILDAH_WITH_HEREDOCS = (1, 33)
HELM_MAJOR = 4

# Who enforces NetworkPolicies, by the DaemonSet that does it.
ENFORCERS = {
    "anetd": "Dataplane V2",
    "antrea-agent": "Antrea",
    "azure-npm": "Azure NPM",
    "calico-node": "Calico",
    "canal": "Canal",
    "cilium": "Cilium",
    "kube-router": "kube-router",
    "ovnkube-node": "OVN-Kubernetes",
    "weave-net": "Weave Net",
}


class Level(StrEnum):
    GOOD = "good"
    WEAK = "weak"
    UNKNOWN = "unknown"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """Finding of one *check*, and what to do about it."""

    check: str
    level: Level
    said: str
    advice: str = ""


def exit_code(findings: Iterable[Finding]) -> int:
    """1 when something is bad; what is weak or unknown stops no release."""
    return int(any(finding.level is Level.BAD for finding in findings))


# -- who the pipeline is, and what it may do


def account(user: str, namespace: str, environment: str) -> Finding:
    if user == user_of(namespace):
        return Finding("account", Level.GOOD, f"the pipeline is {user}")
    return Finding(
        "account",
        Level.WEAK,
        f"the pipeline is {user}, not a dedicated account",
        f"`azora rights apply {environment}` creates one, AZORA_IDENTITIES names its folder (docs/grant-rights.md)",
    )


def permissions(missing: Collection[Right], wanted: int, namespace: str, environment: str) -> Finding:
    """Each missing right is named, and the rule that gives it."""
    if not missing:
        return Finding("rights", Level.GOOD, f"all {wanted} rights in {namespace}")
    rules = "\n".join(rules_for(missing))
    return Finding(
        "rights",
        Level.BAD,
        f"{len(missing)} of {wanted} rights are missing in {namespace}: {', '.join(map(str, sorted(missing)))}",
        f"`azora rights apply {environment}`, or in the Role {ROLE} of {namespace}:\n{rules}",
    )


def excess(allowed: Collection[str], environment: str) -> Finding:
    """Finding for rights that the pipeline has and must not have."""
    if not allowed:
        return Finding("excess", Level.GOOD, "nothing outside of its namespace")
    return Finding(
        "excess",
        Level.WEAK,
        f"it may also {', '.join(allowed)}",
        f"connect with the account of `azora rights apply {environment}`; remove all other bindings of that account",
    )


def pod_security(labels: Mapping[str, str] | None, namespace: str, environment: str) -> Finding:
    """*labels* of the namespace; None when it cannot be seen."""
    apply = f"`azora rights apply {environment}`"
    if labels is None:
        return Finding(
            "namespace", Level.WEAK, f"{namespace} does not exist, or the pipeline has no access", f"{apply} creates it"
        )
    level = labels.get(ENFORCE, "privileged")
    if level == STANDARD:
        return Finding("namespace", Level.GOOD, f"{namespace} enforces Pod Security {STANDARD}")
    return Finding(
        "namespace", Level.WEAK, f"{namespace} enforces Pod Security {level}, not {STANDARD}", f"{apply} sets the label"
    )


# -- what a release needs of the cluster


def storage(classes: Mapping[str, bool]) -> Finding:
    """Storage classes by name, and whether each is the default."""
    default = [name for name, is_default in classes.items() if is_default]
    if default:
        return Finding("storage", Level.GOOD, f"default class {', '.join(sorted(default))}")
    known = ", ".join(sorted(classes)) or "none"
    return Finding(
        "storage",
        Level.WEAK if classes else Level.BAD,
        f"no default StorageClass (there are: {known})",
        "name one in the values of the data chart (storage.className in this repository's), or make one the default; without one, databases wait for volumes",
    )


def network(daemon_sets: Collection[str], *, embedded: bool) -> Finding:
    """Finding for NetworkPolicies: whether something enforces them."""
    if embedded:
        return Finding(
            "network policy",
            Level.WEAK,
            "not enforced: the network of the embedded node supports no policies; those of the charts have no effect",
            "use a cluster whose network enforces them when others use the platform",
        )
    found = sorted(ENFORCERS[name] for name in set(daemon_sets) & set(ENFORCERS))
    if found:
        return Finding("network policy", Level.GOOD, f"enforced by {', '.join(found)}")
    return Finding(
        "network policy",
        Level.UNKNOWN,
        "unknown: no DaemonSet of a network plugin that enforces them",
        "ask the cluster's administrator, or check from a pod of another namespace that a database is unreachable",
    )


def ingress(address: str, status: int | None, said: str = "") -> Finding:
    """Finding for an environment's live address: an HTTP *status*, or None and the network error *said*."""
    if status is None:
        return Finding(
            "ingress",
            Level.BAD,
            f"{address} does not answer: {said}",
            "check that the ingress controller runs and that AZORA_INGRESS_ADDRESS and AZORA_INGRESS_PORT lead to it",
        )
    if status >= codes.INTERNAL_SERVER_ERROR:
        return Finding(
            "ingress",
            Level.WEAK,
            f"{address} answers {status}",
            "check with `azora status` that the active color is ready",
        )
    nothing = " (nothing released yet?)" if status == codes.NOT_FOUND else ""
    return Finding("ingress", Level.GOOD, f"{address} answers {status}{nothing}")


# -- versions and clocks


def kubernetes(version: str) -> Finding:
    found = _numbers(version)
    if found and found < OLDEST_KUBERNETES:
        oldest = ".".join(map(str, OLDEST_KUBERNETES))
        return Finding(
            "Kubernetes", Level.WEAK, f"{version} is older than this Helm supports", f"use {oldest} or newer"
        )
    return Finding("Kubernetes", Level.GOOD if found else Level.UNKNOWN, version)


def helm(version: str) -> Finding:
    found = _numbers(version)
    if found and found[0] == HELM_MAJOR:
        return Finding("Helm", Level.GOOD, version)
    return Finding(
        "Helm", Level.BAD, f"{version or 'it prints no version'}: not Helm {HELM_MAJOR}", "set AZORA_HELM to a Helm 4"
    )


def buildah(version: str) -> Finding:
    """Version of buildah; an old one builds, and knows less of the Dockerfile's syntax."""
    found = _numbers(version)
    if found:
        least = ".".join(map(str, BUILDAH_WITH_HEREDOCS))
        lacks = "" if found >= BUILDAH_WITH_HEREDOCS else f"; here-documents in a Dockerfile (`RUN <<EOF`) need {least}"
        return Finding("buildah", Level.GOOD, f"{version}{lacks}")
    return Finding(
        "buildah", Level.BAD, "it is not there, or prints no version", "install buildah: images are built with it"
    )


def sandbox(kind: str, *, is_off: bool) -> Finding:
    """Means by which this machine keeps a commit's tests apart from the pipeline."""
    if is_off:
        advice = "unset AZORA_SANDBOX; until then, whoever may commit may do all that the pipeline's user may"
        return Finding("sandbox", Level.WEAK, "off: a commit's tests can read the pipeline's credentials", advice)
    if kind == "bubblewrap":
        return Finding("sandbox", Level.GOOD, "bubblewrap, as the worker's own user")
    return Finding("sandbox", Level.GOOD, f"{kind}, as a user of its own")


def prefect(server: str, client: str) -> Finding:
    if server == client:
        return Finding("Prefect", Level.GOOD, f"{server}, server and client")
    return Finding(
        "Prefect",
        Level.WEAK if _numbers(server) == _numbers(client) else Level.BAD,
        f"the server is {server}, the client {client}",
        f"run the server with prefect=={client} (docs/decisions/0002)",
    )


def _numbers(version: str) -> tuple[int, int] | None:
    """Major and minor."""
    found = re.search(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def clock(whose: str, ahead: timedelta) -> Finding:
    """*ahead*: how far that clock is before ours, known to the second."""
    seconds = abs(ahead.total_seconds())
    check = f"clock of {whose}"
    if seconds <= SKEW_WEAK.total_seconds():
        return Finding(check, Level.GOOD, f"within {SKEW_WEAK.total_seconds():g} s of this machine's")
    return Finding(
        check,
        Level.BAD if seconds >= SKEW_BAD.total_seconds() else Level.WEAK,
        f"{seconds:.0f} s {'ahead of' if ahead > timedelta() else 'behind'} this machine's",
        "synchronize both by NTP: the expiry of approvals and tokens depends on these clocks",
    )


# -- the machine and what it uses


def workers(online: Collection[str], pool: str, queue: str, *, is_served: bool) -> Finding:
    """*is_served*: a worker looked into the work queue within the last minute."""
    start = f"prefect worker start --pool {pool} --work-queue {queue}"
    if not online:
        return Finding("worker", Level.BAD, f"none of pool {pool} is online: runs would wait", start)
    if not is_served:
        return Finding("worker", Level.BAD, f"none of pool {pool} serves the work queue {queue}", start)
    return Finding("worker", Level.GOOD, f"{', '.join(sorted(online))} of pool {pool}; work queue {queue} is served")


def work_pool(state: Pool, pool: str) -> Finding:
    """Finding for the work pool: whether a run or a deployment can bring commands of its own."""
    if state is Pool.CLOSED:
        return Finding("work pool", Level.GOOD, f"{pool} accepts no job variables")
    if state is Pool.OPEN:
        said = f"{pool} is not as registered: by job variables, whoever holds Prefect's password runs commands on the worker"
        return Finding(
            "work pool", Level.BAD, said, "`azora register` sets its template again; find out who changed it"
        )
    return Finding("work pool", Level.BAD, f"{pool} is {state}", "run `azora register`, which says what to do")


def deployments(known: Collection[Registered], wanted: Collection[Registered]) -> Finding:
    """Finding for the deployments: those of prefect.yaml, as this checkout registers them, and no others."""
    names = {one.name for one in known}
    if missing := [one.name for one in wanted if one.name not in names]:
        said = f"not registered in Prefect: {', '.join(missing)}"
        return Finding("deployments", Level.BAD, said, "run `azora register`, or `make up`")
    if changed := unlike(known, wanted):
        said = f"not as this checkout registers them: {', '.join(changed)}; their runs are other code"
        return Finding("deployments", Level.BAD, said, "run `azora register`; find out who changed them")
    if others := unknown(known, wanted):
        said = f"all {len(wanted)} of prefect.yaml; also on the work queue, so that the worker runs them: {', '.join(others)}"
        return Finding("deployments", Level.WEAK, said, "delete those that you do not know in Prefect")
    return Finding("deployments", Level.GOOD, f"all {len(wanted)} of prefect.yaml")


def dead_runs(automation: Automated) -> Finding:
    if automation is Automated.SET_UP:
        return Finding("dead runs", Level.GOOD, "an automation ends runs whose process was killed")
    said = f"the automation that ends runs whose process was killed is {automation}: such a run stays Running"
    return Finding("dead runs", Level.WEAK, said, "`azora register` (`azora local up` does)")


def registry(place: str, status: int, *, is_open: bool = False) -> Finding:
    """Finding for the answer of `/v2/`: a registry with logins answers 401.

    One that *is_open* requests none for a push.
    Without *place*, no registry is set.
    """
    if not place:
        advice = "set it to yours, or start the embedded node with `azora local up`"
        return Finding("registry", Level.BAD, "AZORA_REGISTRY is not set", advice)
    if is_open:
        return Finding(
            "registry",
            Level.WEAK,
            f"{place} accepts pushes without a login: whoever reaches it, a commit's tests too, replaces base images and tags",
            "give the registry a login, and name its file in AZORA_REGISTRY_LOGIN",
        )
    if status in {200, 401}:
        return Finding("registry", Level.GOOD, f"{place} responds")
    return Finding(
        "registry",
        Level.BAD,
        f"{place} responds to /v2/ with {status}",
        "check that AZORA_REGISTRY names a registry's host and port",
    )


def base_image(name: str, digest: str | None) -> Finding:
    if not name:
        return Finding(
            "base image",
            Level.WEAK,
            "AZORA_BASE_IMAGE is not set",
            "set AZORA_BASE_IMAGE, unless no Dockerfile has the argument BASE",
        )
    if digest is None:
        return Finding("base image", Level.BAD, f"{name} does not exist", "push it, or correct AZORA_BASE_IMAGE")
    return Finding("base image", Level.GOOD, f"{name} is {digest[:19]}")


def expiry(what: str, until: datetime, now: datetime, renewal: str) -> Finding:
    """Finding for a certificate or a token that expires; *renewal* is how to renew it."""
    left = until - now
    if left <= timedelta():
        return Finding(what, Level.BAD, f"expired on {until:%Y-%m-%d}", renewal)
    level = Level.WEAK if left < SOON else Level.GOOD
    return Finding(what, level, f"good until {until:%Y-%m-%d}", "" if level is Level.GOOD else renewal)


def disk(folder: str, free: int, total: int) -> Finding:
    """Bytes of the file system that holds *folder*."""
    said = f"{free / GIB:.1f} of {total / GIB:.0f} GiB are free at {folder}"
    if free >= NARROW_BYTES:
        return Finding("disk", Level.GOOD, said)
    level = Level.BAD if free < FULL_BYTES else Level.WEAK
    return Finding("disk", level, said, "free space: old run folders, unused images, build layers in ~/.cache/azora")
