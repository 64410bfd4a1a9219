"""Findings of `azora doctor`, each with what to do. Nothing here reads the system.

A finding is *good*; *weak*: it works, and something is not as it should be; *unknown*: nobody could look, or not with these
rights; or *bad*: releases fail, or will soon.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from azora.core.heartbeat import Automated
from azora.core.registered import Pool, Registered, unknown, unlike

GIB = 2**30
FULL_BYTES, NARROW_BYTES = 2 * GIB, 10 * GIB  # one build of all images takes about 2 GiB
SOON = timedelta(days=30)
SKEW_WEAK, SKEW_BAD = timedelta(seconds=2), timedelta(seconds=10)  # a Lease is lost after 15 s without its holder
OLDEST_KUBERNETES = (1, 34)  # Helm 4.3 is built for 1.37 and three before: https://helm.sh/docs/topics/version_skew
BUILDAH_WITH_HEREDOCS = (1, 33)
HELM_MAJOR = 4


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


def worker_user(why_root: str) -> Finding:
    """User of the embedded node's worker; *why_root* is empty for one of its own."""
    if not why_root:
        return Finding("worker's user", Level.GOOD, "its own: it cannot read the cluster's keys")
    advice = (
        "use a kernel from 5.19 on and ext4, xfs or btrfs, then `azora local up`; docs/security.md says what is open"
    )
    return Finding("worker's user", Level.WEAK, f"{why_root}: nothing on this cluster is enforced against it", advice)


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
