"""Add-ons of the cluster: name service, ingress controller, storage class."""

from __future__ import annotations

import time
from pathlib import Path

from azora.errors import Failed
from azora.host.process import output_of, succeeds
from azora.local import health
from azora.local.configuration import rendered
from azora.local.images import coredns_image, skipper_image
from azora.local.layout import Layout
from azora.local.namespaces import inside
from azora.local.progress import Say
from azora.local.service import words

NAMESPACE = "kube-system"
DEPLOYMENTS = ("coredns", "skipper")
NAME_SERVICE = "10.96.0.10"
ANSWER_WITHIN_SECONDS = 90


def apply_addons(node: Layout, programs: Path) -> None:
    manifest = rendered("addons.yaml", coredns=coredns_image(node, programs), skipper=skipper_image(node, programs))
    kubectl = _kubectl(node, programs)
    output_of(
        [*kubectl, "apply", "--server-side", "--force-conflicts", "--field-manager=azora-local", "-f", "-"],
        stdin=manifest,
    )


def wait_for_node(node: Layout, programs: Path) -> None:
    """The kubelet has registered, and says Ready."""
    kubectl = _kubectl(node, programs)
    output_of([*kubectl, "wait", "--for=create", "node/node", "--timeout=60s"])
    output_of([*kubectl, "wait", "--for=condition=Ready", "node/node", "--timeout=60s"])


def wait_for_addons(node: Layout, programs: Path, say: Say) -> None:
    """Available, says the API (which after a restart may be what it knew before), and answering."""
    say("waiting for " + ", ".join(DEPLOYMENTS))
    kubectl = [*_kubectl(node, programs), "--namespace", NAMESPACE]
    deployments = [f"deployment/{name}" for name in DEPLOYMENTS]
    output_of([*kubectl, "wait", "--for=condition=Available", f"--timeout={ANSWER_WITHIN_SECONDS}s", *deployments])
    deadline = time.monotonic() + ANSWER_WITHIN_SECONDS
    while not _answer(node):
        if time.monotonic() > deadline:
            raise Failed(
                f"could not reach {', '.join(DEPLOYMENTS)} of node {node.name!r}: no response",
                advice=f"check with `kubectl --kubeconfig {node.kubeconfig} --namespace {NAMESPACE} describe pods`",
            )
        time.sleep(0.1)


def _answer(node: Layout) -> bool:
    """By the node's own address, and by the name service's inside it."""
    resolves = succeeds([*inside(node), "bash", "-c", f"exec 3<>/dev/tcp/{NAME_SERVICE}/53"])
    return resolves and health.listens(node.address, 80)


def _kubectl(node: Layout, programs: Path) -> tuple[str, ...]:
    return words(programs / "kubectl", "--kubeconfig", node.kubeconfig)
