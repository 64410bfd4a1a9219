"""The Pod Security Standard `restricted`, which the namespaces enforce, field by field on every pod of every chart.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts.rendering import ENVIRONMENTS, Object, Render

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
    """What admission would refuse of a pod's spec, by the field's name."""
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


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_pod_of_any_chart_would_be_refused(stack: Render, router: Render, data: Render, environment: str) -> None:
    charts = {
        "azora": stack(environment),
        "azora-router": router(environment),
        "azora-data": data(environment, localstripe={"enabled": True}),
        "azora-data in memory": data(environment, storage={"kind": "emptyDir"}, localstripe={"enabled": True}),
    }
    found = {
        (chart, name): offences(pod["spec"])
        for chart, rendering in charts.items()
        for name, pod in rendering.pods().items()
    }
    assert len(found) == 6 + 2 * 3, "the check saw other pods than there are"
    assert {where: what for where, what in found.items() if what} == {}


def test_nothing_that_starts_pods_escapes_the_check(stack: Render, router: Render, data: Render) -> None:
    for rendering in (stack("production"), router("production"), data("production")):
        starts = {found["metadata"]["name"] for found in rendering.objects if "template" in (found.get("spec") or {})}
        assert starts == set(rendering.pods())
        assert not {"Pod", "CronJob", "DaemonSet", "ReplicaSet"} & {found["kind"] for found in rendering.objects}


GOOD = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.parametrize(
    ("pod", "container", "offence"),
    [
        pytest.param({}, {}, None, id="what is allowed"),
        pytest.param({}, {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}, None, id="a low port"),
        pytest.param({"runAsNonRoot": None}, {}, "x runAsNonRoot", id="may be root"),
        pytest.param({"runAsUser": 0}, {}, "pod runAsUser 0", id="root"),
        pytest.param({}, {"runAsUser": 0}, "x runAsUser 0", id="one container is root"),
        pytest.param({"seccompProfile": None}, {}, "x seccompProfile", id="any system call"),
        pytest.param({}, {"seccompProfile": {"type": "Unconfined"}}, "x seccompProfile", id="unconfined"),
        pytest.param({}, {"allowPrivilegeEscalation": None}, "x allowPrivilegeEscalation", id="escalation"),
        pytest.param({}, {"capabilities": {}}, "x capabilities.drop", id="capabilities kept"),
        pytest.param(
            {}, {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}, "x capabilities.add", id="a capability"
        ),
        pytest.param({}, {"privileged": True}, "x privileged", id="privileged"),
        pytest.param({}, {"procMount": "Unmasked"}, "x procMount", id="proc"),
        pytest.param({"sysctls": [{"name": "kernel.msgmax"}]}, {}, "sysctl kernel.msgmax", id="sysctl"),
    ],
)
@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_each_field_is_looked_at(kind: str, pod: Object, container: Object, offence: str | None) -> None:
    spec = {"securityContext": POD | pod, kind: [{"name": "x", "securityContext": GOOD | container}]}
    assert offences(spec) == ([offence] if offence else [])


@pytest.mark.parametrize(
    ("more", "offence"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"hostPID": True}, "hostPID"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volume hostPath"),
        ({"containers": [{"name": "x", "securityContext": GOOD, "ports": [{"hostPort": 80}]}]}, "x hostPort"),
    ],
    ids=str,
)
def test_nothing_of_the_machine_is_shared(more: Object, offence: str) -> None:
    assert offences({"securityContext": POD} | more) == [offence]
