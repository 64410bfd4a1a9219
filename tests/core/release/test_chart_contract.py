"""The chart contract: objects as literals, and one fault for each way in which they are not fit."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from azora.config.json_object import Json
from azora.core.release.chart_contract import live_ports, router_faults, shared_names, stack_faults

IMAGE = "registry.example/shop/front@sha256:1"
LABELS = {"app.kubernetes.io/name": "shop", "app.kubernetes.io/component": "front", "azora.dev/color": "blue"}
STACK_VALUES: Json = {
    "azora": {"application": "shop", "color": "blue", "release": "3f2a"},
    "replicas": {"front": 2},
    "images": {"front": IMAGE, "proxy": "envoy:1"},
}
FRONT: Json = {
    "kind": "Deployment",
    "metadata": {"name": "shop-blue-front", "labels": {**LABELS, "more": "of its own"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": {**LABELS, "azora.dev/release": "3f2a"}},
            "spec": {"containers": [{"name": "front", "image": IMAGE}]},
        },
    },
}
ROUTER_VALUES: Json = {
    "azora": {"application": "shop", "color": "blue", "release": "3f2a"},
    "edge": {"component": "front"},
}
LIVE: Json = {
    "kind": "Service",
    "metadata": {"name": "shop"},
    "spec": {"selector": {**LABELS, "azora.dev/release": "3f2a"}, "ports": [{"port": 80, "targetPort": "web"}]},
}
PREVIEW: Json = {
    "kind": "Service",
    "metadata": {"name": "shop-preview"},
    "spec": {"selector": {**LABELS, "azora.dev/color": "green"}},
}


def changed(found: Json, change: Callable[[Json], object]) -> Json:
    copied = copy.deepcopy(found)
    change(copied)
    return copied


def test_stack_without_a_fault() -> None:
    """A stack that provides everything has no fault, whatever else it holds."""
    others = [
        {"kind": "ConfigMap", "metadata": {"name": "shop-blue"}},
        {"kind": "Deployment", "metadata": {"name": "x"}},
    ]
    assert list(stack_faults([FRONT, *others], STACK_VALUES, ["front"])) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(
            lambda it: it["metadata"]["labels"].pop("azora.dev/color"), "0 Deployments have the labels", id="no color"
        ),
        pytest.param(lambda it: it["metadata"].pop("labels"), "0 Deployments have the labels", id="no labels"),
        pytest.param(
            lambda it: it["spec"]["template"]["metadata"]["labels"].pop("azora.dev/release"),
            "the pods of Deployment shop-blue-front lack azora.dev/release: 3f2a",
            id="pods without the release",
        ),
        pytest.param(
            lambda it: it["spec"].update(selector={"matchLabels": {"app.kubernetes.io/name": "shop"}}),
            "Deployment shop-blue-front selects pods of both colors",
            id="selector without the color",
        ),
        pytest.param(
            lambda it: it["spec"]["selector"]["matchLabels"].update({"azora.dev/release": "3f2a"}),
            "the selector of Deployment shop-blue-front has azora.dev/release",
            id="selector with the release",
        ),
        pytest.param(
            lambda it: it["spec"].update(replicas=1), "has 1 replicas, though replicas.front is 2", id="its own number"
        ),
        pytest.param(lambda it: it["spec"].pop("replicas"), "has None replicas", id="no number"),
        pytest.param(
            lambda it: it["spec"]["template"]["spec"]["containers"].append({"name": "proxy", "image": "envoy:1"}),
            "container proxy of Deployment shop-blue-front runs envoy:1, which is no image of application.yaml",
            id="an image by tag, that the values name",
        ),
        pytest.param(
            lambda it: it["spec"]["template"]["spec"].update(initContainers=[{"name": "wait", "image": "busybox:1"}]),
            "container wait of Deployment shop-blue-front runs busybox:1",
            id="an init container by tag",
        ),
        pytest.param(
            lambda it: it["spec"]["template"]["spec"].update(
                initContainers=[{"name": "mesh", "image": "envoy", "restartPolicy": "Always"}]
            ),
            "container mesh of Deployment shop-blue-front runs envoy",
            id="a sidecar without a tag",
        ),
        pytest.param(
            lambda it: it["spec"]["template"]["spec"].update(
                volumes=[
                    {"name": "x", "emptyDir": {}},
                    {"name": "model", "image": {"reference": "quay.io/team/model:1"}},
                ]
            ),
            "volume model of Deployment shop-blue-front runs quay.io/team/model:1",
            id="a volume of an image by tag",
        ),
    ],
)
def test_stack_with_a_fault(change: Callable[[Json], object], fault: str) -> None:
    """Each fault of a service's Deployment is named."""
    (told,) = stack_faults([changed(FRONT, change)], STACK_VALUES, ["front"])
    assert fault in told


PODS: Json = {"containers": [{"name": "one", "image": IMAGE}]}
BY_TAG: Json = {"containers": [{"name": "one", "image": "busybox:1"}]}
PINNED: Json = {"containers": [{"name": "one", "image": f"envoyproxy/envoy@sha256:{'0' * 64}"}]}


def job(kind: str, pods: Json, **annotations: str) -> Json:
    """An object that makes pods, with these annotations of Helm."""
    spec: Json = {"template": {"spec": pods}}
    metadata = {
        "name": "one",
        "annotations": {f"helm.sh/{key.replace('_', '-')}": said for key, said in annotations.items()},
    }
    return {"kind": kind, "metadata": metadata, "spec": {"jobTemplate": {"spec": spec}} if kind == "CronJob" else spec}


@pytest.mark.parametrize(
    ("found", "faults"),
    [
        pytest.param(job("Job", PODS, hook="pre-upgrade"), [], id="hook"),
        pytest.param(job("Job", BY_TAG, hook="pre-upgrade"), ["container one of Job one runs busybox:1"], id="hook by tag"),
        pytest.param(job("Job", PODS), ["Job one is no hook"], id="Job that is no hook"),
        pytest.param(job("CronJob", PODS), ["CronJob one would run in both colors"], id="CronJob"),
        pytest.param(job("StatefulSet", BY_TAG), ["container one of StatefulSet one runs busybox:1"], id="StatefulSet by tag"),
        pytest.param({**job("Pod", {}), "spec": BY_TAG}, ["container one of Pod one runs busybox:1"], id="Pod by tag"),
        pytest.param(job("DaemonSet", PINNED), [], id="image that the chart pins itself"),
    ],
)  # fmt: skip
def test_stack_with_more_than_deployments(found: Json, faults: list[str]) -> None:
    """Everything else that makes pods is pinned, and acts in one color alone."""
    told = list(stack_faults([FRONT, found], STACK_VALUES, ["front"]))
    assert len(told) == len(faults)
    assert all(fault in line for fault, line in zip(faults, told, strict=True))


def test_stack_with_a_foreign_deployment() -> None:
    """A Deployment of no service of application.yaml is a fault."""
    stranger = changed(FRONT, lambda it: it["metadata"]["labels"].update({"app.kubernetes.io/component": "worker"}))
    (told,) = stack_faults([FRONT, stranger], STACK_VALUES, ["front"])
    assert "is of no service of application.yaml: its label is app.kubernetes.io/component: worker" in told


def test_stack_with_two_deployments() -> None:
    """Two Deployments of one service are a fault."""
    (told,) = stack_faults([FRONT, FRONT], STACK_VALUES, ["front"])
    assert told.startswith("2 Deployments have the labels")


def test_router_without_a_fault() -> None:
    """A router that provides everything has no fault."""
    assert list(router_faults([LIVE, PREVIEW, {"kind": "Ingress", "metadata": {"name": "shop"}}], ROUTER_VALUES)) == []


def selects(labels: Json | None) -> Callable[[Json], object]:
    return lambda it: it["spec"].update(selector=labels)


@pytest.mark.parametrize(
    ("objects", "fault"),
    [
        pytest.param([LIVE], "there is no Service shop-preview", id="no preview"),
        pytest.param([PREVIEW], "there is no Service shop", id="no live"),
        pytest.param(
            [changed(LIVE, selects({**LABELS, "azora.dev/color": "green"})), PREVIEW],
            "Service shop selects app.kubernetes.io/name: shop, app.kubernetes.io/component: front, azora.dev/color: green",
            id="the wrong color",
        ),
        pytest.param(
            [changed(LIVE, selects({**LABELS, "track": "live"})), PREVIEW], "track: live and not", id="one label more"
        ),
        pytest.param([LIVE, changed(PREVIEW, selects(None))], "Service shop-preview selects nothing", id="nothing"),
        pytest.param(
            [changed(LIVE, selects(LABELS)), PREVIEW],
            "the selector of Service shop lacks the release: add the line `azora.dev/release: {{ .Values.azora.release | quote }}`",
            id="a router of before the release was selected",
        ),
        pytest.param(
            [changed(LIVE, selects({**LABELS, "azora.dev/release": "other"})), PREVIEW],
            "azora.dev/release: other and not",
            id="another release",
        ),
    ],
)
def test_router_with_a_fault(objects: list[Json], fault: str) -> None:
    """Each fault of the router's Services is named."""
    (told,) = router_faults(objects, ROUTER_VALUES)
    assert fault in told


def test_router_ports() -> None:
    """The ports of the live Service are read: the switch patches them to those of the release."""
    assert live_ports([PREVIEW, LIVE], "shop") == ({"port": 80, "targetPort": "web"},)
    assert live_ports([PREVIEW], "shop") is None


def test_name_in_both_colors() -> None:
    """A name that both colors render is a fault."""
    settings = {"kind": "ConfigMap", "metadata": {"name": "shop-settings"}}
    (told,) = shared_names({"shop-blue": [FRONT, settings], "shop-green": [settings], "shop": [LIVE]})
    assert told == "ConfigMap shop-settings is in shop-blue and shop-green: a stack's names must have its color in them"
