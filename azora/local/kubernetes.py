"""The services of a Kubernetes node: which programs run, in which order, with which arguments."""

from __future__ import annotations

from pathlib import Path

from azora.local import health
from azora.local.layout import Layout
from azora.local.namespaces import POD_RANGE, SERVICE_RANGE, inside
from azora.local.registry import command as registry_command
from azora.local.registry_login import registry_auth
from azora.local.service import NodeService, Stage, words


def node_services(node: Layout, programs: Path) -> list[NodeService]:
    """In the order in which they become ready."""
    return [
        registry(node),
        etcd(node, programs),
        containerd(node, programs),
        ingress(node),
        api_server(node, programs),
        controller_manager(node, programs),
        scheduler(node, programs),
        kubelet(node, programs),
        proxy(node, programs),
        volumes(node, programs),
    ]


def registry(node: Layout) -> NodeService:
    command = words(*inside(node), *registry_command(node.etc / "registry.yaml", node.registry_sweep, node.lock))
    return NodeService(
        "registry",
        Stage.STORAGE,
        command,
        lambda: health.answers(f"http://{node.registry}/v2/", auth_string=registry_auth(node)),
        reads=node.etc / "registry.yaml",
    )


def etcd(node: Layout, programs: Path) -> NodeService:
    client, peer, watch = "http://127.0.0.1:2379", "http://127.0.0.1:2380", f"http://{node.address}:2381"
    command = words(
        *inside(node), programs / "etcd", "--data-dir", node.lib / "etcd", "--log-level=warn",
        "--max-wals=1",  # beside those it is not done with; each has 64 MB
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-metrics-urls={watch}",
        f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
    )  # fmt: skip
    return NodeService("etcd", Stage.STORAGE, command, lambda: health.answers(f"{watch}/health"))


def containerd(node: Layout, programs: Path) -> NodeService:
    command = words(
        *inside(node), programs / "containerd", "--config", node.etc / "containerd.toml", "--log-level=warn"
    )
    return NodeService(
        "containerd",
        Stage.STORAGE,
        command,
        lambda: health.listens_on(str(node.containerd_socket)),
        env=_found_in(programs),
        reads=node.etc / "containerd.toml",
    )


def ingress(node: Layout) -> NodeService:
    """From the machine's loopback to the node's ingress controller."""
    command = words("nice", "-n", "-10", "haproxy", "-db", "-f", node.etc / "haproxy.cfg")  # users first
    return NodeService(
        "ingress",
        Stage.STORAGE,
        command,
        lambda: health.listens("127.0.0.1", node.ingress_port),
        reads=node.etc / "haproxy.cfg",
    )


def api_server(node: Layout, programs: Path) -> NodeService:
    pki = node.pki
    command = words(
        *inside(node), programs / "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
        "--secure-port=6443", f"--bind-address={node.address}", f"--advertise-address={node.address}",
        f"--tls-cert-file={pki}/apiserver.crt", f"--tls-private-key-file={pki}/apiserver.key", f"--client-ca-file={pki}/ca.crt",
        f"--service-cluster-ip-range={SERVICE_RANGE}", "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/service-accounts.key", f"--service-account-signing-key-file={pki}/service-accounts.key",
        "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
        f"--kubelet-client-certificate={pki}/kubelet-client.crt", f"--kubelet-client-key={pki}/kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
    )  # fmt: skip
    ready = f"{node.api_url}/readyz"
    # It would wait a minute for its watchers to go.
    return NodeService("kube-apiserver", Stage.API, command, lambda: health.answers(ready), stop_seconds=1)


def controller_manager(node: Layout, programs: Path) -> NodeService:
    command = words(
        *inside(node), programs / "kube-controller-manager", f"--kubeconfig={node.etc}/controller-manager.kubeconfig",
        f"--bind-address={node.address}", "--leader-elect=false", "--use-service-account-credentials",
        f"--service-account-private-key-file={node.pki}/service-accounts.key", f"--root-ca-file={node.pki}/ca.crt",
        f"--cluster-cidr={POD_RANGE}", f"--service-cluster-ip-range={SERVICE_RANGE}", "--node-monitor-grace-period=300s",
    )  # fmt: skip
    return NodeService(
        "kube-controller-manager",
        Stage.NODE,
        command,
        lambda: health.answers(f"https://{node.address}:10257/healthz"),
    )


def scheduler(node: Layout, programs: Path) -> NodeService:
    command = words(
        *inside(node), programs / "kube-scheduler", f"--kubeconfig={node.etc}/scheduler.kubeconfig",
        f"--bind-address={node.address}", "--leader-elect=false",
    )  # fmt: skip
    return NodeService(
        "kube-scheduler", Stage.NODE, command, lambda: health.answers(f"https://{node.address}:10259/healthz")
    )


def kubelet(node: Layout, programs: Path) -> NodeService:
    """Asked for itself: the API says Ready from before a restart."""
    command = words(
        *inside(node), programs / "kubelet", f"--config={node.etc}/kubelet.yaml", f"--kubeconfig={node.etc}/kubelet.kubeconfig",
        f"--root-dir={node.lib}/kubelet", f"--cert-dir={node.pki}/kubelet-server", "--hostname-override=node", f"--node-ip={node.address}",
    )  # fmt: skip
    return NodeService(
        "kubelet",
        Stage.NODE,
        command,
        lambda: health.answers(f"http://{node.address}:10248/healthz"),
        env=_found_in(programs),
        reads=node.etc / "kubelet.yaml",
    )


def proxy(node: Layout, programs: Path) -> NodeService:
    command = words(*inside(node), programs / "kube-proxy", f"--config={node.etc}/kube-proxy.yaml")
    return NodeService(
        "kube-proxy",
        Stage.NODE,
        command,
        lambda: health.answers(f"http://{node.address}:10256/livez"),
        reads=node.etc / "kube-proxy.yaml",
    )


def volumes(node: Layout, programs: Path) -> NodeService:
    """Provisioner: makes a folder for each claim. Nothing waits for it: without it, only pods wait."""
    command = words(
        programs / "kube-volumes", f"--kubeconfig={node.kubeconfig}", f"--root={node.lib}/volumes", "--node=node"
    )
    return NodeService("kube-volumes", Stage.NODE, command, lambda: True)


def _found_in(programs: Path) -> dict[str, str]:
    """Containerd looks for its shim, the kubelet for mount programs, on the PATH."""
    return {"PATH": f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
