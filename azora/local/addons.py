"""What runs in the cluster before anything of ours: name service, ingress controller, storage class."""

from __future__ import annotations

import json
from pathlib import Path

from azora.local.commands import output_of
from azora.local.configuration import rendered
from azora.local.images import coredns_image, skipper_image
from azora.local.layout import Layout
from azora.local.progress import Say
from azora.local.service import words

NAMESPACE = "kube-system"
DEPLOYMENTS = ("coredns", "skipper")


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
    say("waiting for " + ", ".join(DEPLOYMENTS))
    kubectl = [*_kubectl(node, programs), "--namespace", NAMESPACE]
    output_of(
        [
            *kubectl,
            "wait",
            "--for=condition=Available",
            "--timeout=90s",
            *(f"deployment/{name}" for name in DEPLOYMENTS),
        ]
    )


def pods(node: Layout, programs: Path) -> tuple[int, int]:
    """How many pods are ready, of how many."""
    kubectl = [*_kubectl(node, programs), "--request-timeout=5s"]
    items = json.loads(output_of([*kubectl, "get", "pods", "--all-namespaces", "-o", "json"]))["items"]
    ready = [
        item
        for item in items
        if any(one["type"] == "Ready" and one["status"] == "True" for one in item["status"].get("conditions", []))
    ]
    return len(ready), len(items)


def _kubectl(node: Layout, programs: Path) -> tuple[str, ...]:
    return words(programs / "kubectl", "--kubeconfig", node.kubeconfig)
