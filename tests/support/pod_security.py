"""The Pod Security Standard `restricted`, field by field."""

from __future__ import annotations

from typing import Any

from tests.support.rendering import Object

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"
}  # fmt: skip
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}  # fmt: skip
PROFILES = ("RuntimeDefault", "Localhost")


def offences(spec: Object) -> list[str]:
    """Parts of a pod's spec that admission would refuse, by the field's name."""
    pod = spec.get("securityContext") or {}
    found = [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    found += [f"volume {kind}" for volume in spec.get("volumes") or [] for kind in set(volume) - {"name"} - VOLUMES]
    found += [f"sysctl {one['name']}" for one in pod.get("sysctls") or [] if one["name"] not in SYSCTLS]
    found += ["pod runAsUser 0"] if pod.get("runAsUser") == 0 else []
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind) or []:
            found += [f"{container['name']} {what}" for what in _of_container(container, pod)]
    return found


def _of_container(container: Object, pod: Object) -> list[str]:
    own: dict[str, Any] = container.get("securityContext") or {}
    capabilities = own.get("capabilities") or {}
    found = ["privileged"] if own.get("privileged") else []
    found += [] if own.get("allowPrivilegeEscalation") is False else ["allowPrivilegeEscalation"]
    found += [] if "ALL" in capabilities.get("drop", []) else ["capabilities.drop"]
    found += ["capabilities.add"] if set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"} else []
    found += [] if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is True else ["runAsNonRoot"]
    found += ["runAsUser 0"] if own.get("runAsUser") == 0 else []
    profile = own.get("seccompProfile", pod.get("seccompProfile")) or {}
    found += [] if profile.get("type") in PROFILES else ["seccompProfile"]
    found += ["procMount"] if own.get("procMount", "Default") != "Default" else []
    found += ["hostPort"] if any(port.get("hostPort") for port in container.get("ports") or []) else []
    return found
