"""The node's network and mount namespaces, held by files so that they outlive its processes.

The network has one link to the machine and only the routes named here: no packet of the node can leave by the machine's
own interface. The mount namespace hears of the machine's mounts and tells it of none, so that all the node's mounts are
gone with it.
"""

from __future__ import annotations

from pathlib import Path

from azora.errors import Failed
from azora.host.process import output_of, succeeds
from azora.local.layout import Layout

SERVICE_RANGE, POD_RANGE = "10.96.0.0/16", "10.244.0.0/16"


def inside(node: Layout) -> list[str]:
    """Prefix of a command that runs in both namespaces; `ip netns exec` would hide the cgroups."""
    return ["nsenter", f"--net={node.pins / 'net'}", f"--mount={node.pins / 'mnt'}"]


def are_up(node: Layout) -> bool:
    return {node.pins / "net", node.pins / "mnt"} <= mounted_under(node.pins)


def open_namespaces(node: Layout) -> None:
    """Make both namespaces and what joins the node to the machine; safe to repeat."""
    if not are_up(node):
        close_namespaces(node)
        _pin(node)
    _link(node)


def close_namespaces(node: Layout) -> None:
    """Let go of both; they end with the last process in them."""
    for mount in sorted(mounted_under(node.run), reverse=True):
        output_of(["umount", "--lazy", mount])
    if succeeds(_shown(node)) and not succeeds(["ip", "link", "delete", node.machine_name]) and succeeds(_shown(node)):
        raise Failed(
            f"could not delete the link {node.machine_name!r}", advice=f"see `ip link show {node.machine_name}`"
        )


def mounted_under(folder: Path) -> set[Path]:
    """Mount points of this process's mount namespace at or below *folder*."""
    points = (
        Path(line.split()[4].replace("\\040", " ")) for line in Path("/proc/self/mountinfo").read_text().splitlines()
    )
    return {point for point in points if point == folder or folder in point.parents}


def _pin(node: Layout) -> None:
    node.pins.mkdir(parents=True, exist_ok=True)
    output_of(["mount", "--bind", node.pins, node.pins])
    output_of(["mount", "--make-private", node.pins])  # a mount namespace can be held only from a private mount
    for name in ("net", "mnt"):
        (node.pins / name).touch()
    output_of(["unshare", f"--net={node.pins / 'net'}", "true"])
    output_of(["unshare", f"--mount={node.pins / 'mnt'}", "--propagation=slave", "true"])


def _link(node: Layout) -> None:
    if not succeeds(_shown(node)):
        output_of(
            ["ip", "link", "add", node.machine_name, "type", "veth", "peer", "name", "eth0", "netns", node.pins / "net"]
        )
    output_of(["ip", "addr", "replace", f"{node.host_address}/24", "dev", node.machine_name])
    output_of(["ip", "link", "set", node.machine_name, "up"])
    output_of([*inside(node), "sh", "-euc", _INSIDE, "sh", f"{node.address}/24", SERVICE_RANGE])


# Containers' mounts must reach the kubelet and back: shared. Without the bridge's calls to the packet filter, a pod does
# not reach itself through its Service.
_INSIDE = """
mount --make-rshared /
ip link set lo up
ip addr replace "$1" dev eth0
ip link set eth0 up
ip route replace "$2" dev eth0
echo 1 >/proc/sys/net/ipv4/ip_forward
for file in /proc/sys/net/bridge/bridge-nf-call-iptables; do [ ! -f $file ] || echo 1 >$file; done
"""


def _shown(node: Layout) -> list[str]:
    """Command that shows the machine's end of the link; the kernel may delete it late."""
    return ["ip", "link", "show", node.machine_name]
