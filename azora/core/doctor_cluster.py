"""Findings of `azora doctor` about a cluster: the pipeline's account there, and what a release needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from http import HTTPStatus as codes  # noqa: N813 - as httpx calls them

from azora.config.permissions import ENFORCE, ROLE, STANDARD, Right, rules_for, user_of
from azora.core.doctor import Finding, Level

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
