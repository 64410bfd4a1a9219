"""Findings of `azora doctor` about approvals: weak by form, and everything that makes a gate bind."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from azora.core.doctor import Finding, Level

OLDEST = (1, 30)  # ValidatingAdmissionPolicy is stable from here on


def by_form(environment: str) -> Finding:
    """Finding for names that nobody verifies."""
    return Finding(
        "approval",
        Level.WEAK,
        "by: form: whoever has Prefect's password approves, under any name",
        f"where that is not enough: `approval.by: cluster` in the file of {environment} (docs/approvals.md, The gate)",
    )


def version(found: str) -> Finding | None:
    """Finding for a cluster that is too old for the gate; None for the others."""
    numbers = re.search(r"(\d+)\.(\d+)", found)
    if numbers is None or (int(numbers[1]), int(numbers[2])) >= OLDEST:
        return None
    oldest = ".".join(map(str, OLDEST))
    said = f"Kubernetes {found} has no ValidatingAdmissionPolicies: nothing is enforced"
    return Finding("gate", Level.BAD, said, f"use Kubernetes {oldest} or newer, or `approval.by: form`")


def gate(is_on: bool, differences: Sequence[str], environment: str) -> Finding:
    """Finding for label and annotations of the Namespace, compared with the environment's file."""
    apply = f"`azora rights apply {environment}`, as an administrator"
    if not is_on:
        return Finding("gate", Level.BAD, "off: the cluster enforces no approval", f"{apply}, turns it on")
    if differences:
        said = f"the cluster enforces another file: {'; '.join(differences)}"
        return Finding("gate", Level.BAD, said, f"use the file that the cluster enforces, or {apply}")
    return Finding("gate", Level.GOOD, "on, as the environment's file says")


def left_on(environment: str) -> Finding:
    """Finding for a gate that the environment's file does not have."""
    said = (
        "on in the cluster, and the environment's file has no `by: cluster`: the cluster refuses what nobody approved"
    )
    return Finding("gate", Level.BAD, said, f"correct the file, or `azora rights remove {environment}`")


def policies(differences: Sequence[str], environment: str) -> Finding:
    """Finding for the policies in the cluster, compared with those of this version."""
    if not differences:
        return Finding("gate policies", Level.GOOD, "all as in deployments/rights/gate/")
    advice = f"find out who changed them; `azora rights apply {environment}`, as an administrator, restores them"
    return Finding("gate policies", Level.BAD, "; ".join(differences), advice)


def own_account(allowed: Collection[str], environment: str) -> Finding:
    """Finding for what the pipeline's account may do with the gate that binds it."""
    if not allowed:
        return Finding("gate account", Level.GOOD, "the pipeline may neither approve nor change the gate")
    said = f"the pipeline may {', '.join(allowed)}: the gate does not bind it"
    advice = (
        f"connect with the account of `azora rights apply {environment}`; remove all other bindings of that account"
    )
    return Finding("gate account", Level.BAD, said, advice)


def pods(refused: Collection[str]) -> Finding:
    """Finding for images of running pods that the gate would refuse in new ones."""
    if not refused:
        return Finding("gate pods", Level.GOOD, "every image of a running pod counts as approved")
    said = f"the gate refuses new pods with these images, which run: {', '.join(sorted(refused))}"
    advice = (
        "a mesh's proxy: name its digest in `approval.sidecars`, and inject it by digest; others: approve their release"
    )
    return Finding("gate pods", Level.BAD, said, advice)
