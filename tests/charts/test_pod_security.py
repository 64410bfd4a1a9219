"""The Pod Security Standard `restricted`, field by field, on every pod of every chart.

The namespaces enforce it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

import pytest

from tests.support.pod_security import offences
from tests.support.rendering import ENVIRONMENTS, Object, Render


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_pods_of_each_chart(stack: Render, router: Render, data: Render, environment: str) -> None:
    """No pod of any chart would be refused."""
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


def test_kinds_with_pods(stack: Render, router: Render, data: Render) -> None:
    """The check covers each object that starts pods."""
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
def test_offence_of_a_field(kind: str, pod: Object, container: Object, offence: str | None) -> None:
    """Each field of the standard is checked, for containers and init containers."""
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
def test_offence_of_a_host_resource(more: Object, offence: str) -> None:
    """Each shared resource of the host is found."""
    assert offences({"securityContext": POD} | more) == [offence]
