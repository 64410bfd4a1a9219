"""The chart `azora-router`: what users reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.rendering import Render, Rendering

each_color = pytest.mark.parametrize(("active", "preview"), [("blue", "green"), ("green", "blue")])


def picked(rendering: Rendering, service: str, *stacks: Rendering) -> list[str]:
    """Which pods of *stacks* the Service selects."""
    selector = rendering.of("Service")[service]["spec"]["selector"].items()
    pods = [(name, pod["metadata"]["labels"]) for stack in stacks for name, pod in stack.pods().items()]
    return [name for name, labels in pods if selector <= labels.items()]


def test_the_router_is_two_services_and_their_ingresses_and_nothing_else(router: Render) -> None:
    assert router().names() == {(kind, name) for kind in ("Service", "Ingress") for name in ("azora", "azora-preview")}


@each_color
def test_each_service_picks_the_edge_of_exactly_one_color(
    router: Render, stack: Render, data: Render, active: str, preview: str
) -> None:
    rendering = router(azora={"color": active})
    everything = stack(azora={"color": "blue"}), stack(azora={"color": "green"}), data()

    assert picked(rendering, "azora", *everything) == [f"azora-{active}-web"]
    assert picked(rendering, "azora-preview", *everything) == [f"azora-{preview}-web"]


@each_color
def test_the_selector_is_the_contract(router: Render, active: str, preview: str) -> None:
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


def test_the_switches_that_azora_wrote_are_not_the_charts_to_write(router: Render) -> None:
    """An upgrade of this release must leave the annotation azora.dev/switches as it is."""
    assert "annotations" not in router().of("Service")["azora"]["metadata"]


def test_each_host_leads_to_its_service(router: Render) -> None:
    hosts = {"live": "shop.example", "preview": "next.shop.example"}
    ingresses = router(hosts=hosts).of("Ingress")

    for name, host in (("azora", "shop.example"), ("azora-preview", "next.shop.example")):
        (rule,) = ingresses[name]["spec"]["rules"]
        (path,) = rule["http"]["paths"]
        assert rule["host"] == host
        assert path["backend"] == {"service": {"name": name, "port": {"name": "http"}}}
        assert "tls" not in ingresses[name]["spec"]


def test_an_ingress_takes_class_annotations_and_tls(router: Render) -> None:
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
def test_no_color_no_router(refused: Callable[..., str], color: str) -> None:
    """An empty selector is impossible."""
    assert "at '/azora/color': value must be one of 'blue', 'green'" in refused("azora-router", azora={"color": color})


@pytest.mark.parametrize(
    "changes", [{"hosts": {"live": ""}}, {"hosts": {"live": "http://x"}}, {"edge": {"component": ""}}], ids=str
)
def test_half_a_router_is_refused(refused: Callable[..., str], changes: dict[str, Any]) -> None:
    assert "does not match pattern" in refused("azora-router", **changes)
