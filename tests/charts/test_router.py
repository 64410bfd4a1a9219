"""The chart `azora-router`: what users reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.rendering import Render, Rendering

each_color = pytest.mark.parametrize(("active", "preview"), [("blue", "green"), ("green", "blue")])


def picked(rendering: Rendering, service: str, *stacks: Rendering) -> list[str]:
    """Names of the pods of *stacks* that the Service selects."""
    selector = rendering.of("Service")[service]["spec"]["selector"].items()
    pods = [(name, pod["metadata"]["labels"]) for stack in stacks for name, pod in stack.pods().items()]
    return [name for name, labels in pods if selector <= labels.items()]


def test_object_names(router: Render) -> None:
    """The router is two Services with their Ingresses, and nothing else."""
    assert router().names() == {(kind, name) for kind in ("Service", "Ingress") for name in ("azora", "azora-preview")}


@each_color
def test_pods_of_a_service(router: Render, stack: Render, data: Render, active: str, preview: str) -> None:
    """Each Service selects the edge of exactly one color."""
    rendering = router(azora={"color": active})
    everything = stack(azora={"color": "blue"}), stack(azora={"color": "green"}), data()

    assert picked(rendering, "azora", *everything) == [f"azora-{active}-web"]
    assert picked(rendering, "azora-preview", *everything) == [f"azora-{preview}-web"]


@each_color
def test_selector(router: Render, active: str, preview: str) -> None:
    """The live selector has name, component, color and release; the preview's has no release."""
    services = router(azora={"color": active}).of("Service")

    for name, color in (("azora", active), ("azora-preview", preview)):
        release = {"azora.dev/release": "3f2a1c9b0d4e"} if color == active else {}
        assert services[name]["spec"]["selector"] == {
            "app.kubernetes.io/name": "azora",
            "app.kubernetes.io/component": "web",
            "azora.dev/color": color,
            **release,
        }
        (port,) = services[name]["spec"]["ports"]
        assert (port["name"], port["port"], port["targetPort"]) == ("http", 80, "http")


def test_switch_log(router: Render) -> None:
    """The chart does not write azora.dev/switches: an upgrade leaves the annotation as it is."""
    assert "annotations" not in router().of("Service")["azora"]["metadata"]


def test_hosts(router: Render) -> None:
    """Each host leads to its Service."""
    hosts = {"live": "shop.example", "preview": "next.shop.example"}
    ingresses = router(hosts=hosts).of("Ingress")

    for name, host in (("azora", "shop.example"), ("azora-preview", "next.shop.example")):
        (rule,) = ingresses[name]["spec"]["rules"]
        (path,) = rule["http"]["paths"]
        assert rule["host"] == host
        assert path["backend"] == {"service": {"name": name, "port": {"name": "http"}}}
        assert "tls" not in ingresses[name]["spec"]


def test_ingress_settings(router: Render) -> None:
    """An Ingress takes class, annotations and TLS from the values."""
    settings: dict[str, Any] = {
        "className": "nginx",
        "annotations": {"a": "both", "b": "both"},
        "live": {"tlsSecret": "live-tls"},
        "preview": {"annotations": {"b": "preview"}},
    }
    ingresses = router(ingress=settings).of("Ingress")

    assert {each["spec"]["ingressClassName"] for each in ingresses.values()} == {"nginx"}
    assert ingresses["azora"]["metadata"]["annotations"] == {"a": "both", "b": "both"}
    assert ingresses["azora-preview"]["metadata"]["annotations"] == {"a": "both", "b": "preview"}
    assert ingresses["azora"]["spec"]["tls"] == [{"hosts": ["azora.localhost"], "secretName": "live-tls"}]
    assert "tls" not in ingresses["azora-preview"]["spec"]


@pytest.mark.parametrize("color", ["", "red"])
def test_values_without_a_color(refused: Callable[..., str], color: str) -> None:
    """A router without a color is refused: an empty selector is impossible."""
    assert "at '/azora/color': value must be one of 'blue', 'green'" in refused("azora-router", azora={"color": color})


@pytest.mark.parametrize(
    "changes", [{"hosts": {"live": ""}}, {"hosts": {"live": "http://x"}}, {"edge": {"component": ""}}], ids=str
)
def test_values_that_are_half(refused: Callable[..., str], changes: dict[str, Any]) -> None:
    """A router without a host, an edge or an application is refused."""
    assert "does not match pattern" in refused("azora-router", **changes)
