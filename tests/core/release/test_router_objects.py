"""Objects of the router: those of the preview alone, and the ports that nobody may take from users."""

from __future__ import annotations

from typing import Any

import pytest

from azora.core.release.router_objects import lost_ports, of_preview

LIVE, PREVIEW = "shop.example.org", "preview.shop.example.org"


def service(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, **metadata},
        "spec": {"selector": {"a": "shop"}},
    }


def ingress(name: str, *routes: tuple[str, str, Any], **metadata: Any) -> dict[str, Any]:
    """With (host, Service, port) of each route."""
    rules = [
        {"host": host, "http": {"paths": [{"path": "/", "backend": {"service": {"name": to, "port": port}}}]}}
        for host, to, port in routes
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, **metadata},
        "spec": {"rules": rules},
    }


HTTP = {"name": "http"}
LIVE_ROUTE, PREVIEW_ROUTE = (LIVE, "shop", HTTP), (PREVIEW, "shop-preview", HTTP)


@pytest.mark.parametrize(
    ("found", "is_the_previews"),
    [
        pytest.param(service("shop"), False, id="live Service"),
        pytest.param(service("shop-preview"), True, id="the preview's Service"),
        pytest.param(service("shop-metrics"), False, id="another Service"),
        pytest.param(ingress("shop", LIVE_ROUTE), False, id="users' Ingress"),
        pytest.param(ingress("p", PREVIEW_ROUTE), True, id="the preview's Ingress"),
        pytest.param(ingress("both", LIVE_ROUTE, PREVIEW_ROUTE), False, id="one Ingress for both"),
        pytest.param(ingress("p", (PREVIEW, "shop", HTTP)), False, id="preview's host to users' Service"),
        pytest.param(ingress("p", (LIVE, "shop-preview", HTTP)), False, id="users' host to the preview's Service"),
        pytest.param(ingress("p", PREVIEW_ROUTE, annotations={"helm.sh/hook": "post-upgrade"}), False, id="a hook"),
        pytest.param({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": PREVIEW}}, False, id="no spec"),
        pytest.param(
            {"kind": "HTTPRoute", "metadata": {"name": "p"}, "spec": {"hostnames": [PREVIEW], "rules": [{"backendRefs": [{"name": "shop-preview"}]}]}},
            True,
            id="the preview's HTTPRoute",
        ),
    ],
)  # fmt: skip
def test_objects_of_the_preview(found: dict[str, Any], is_the_previews: bool) -> None:
    """Objects that users meet are never among them."""
    assert list(of_preview([found], "shop", PREVIEW, LIVE)) == ([found] if is_the_previews else [])


@pytest.mark.parametrize(
    ("route", "ports", "lost"),
    [
        pytest.param((LIVE, "shop", {"name": "http"}), [{"name": "http", "port": 80}], [], id="by name"),
        pytest.param((LIVE, "shop", {"number": 80}), [{"name": "http", "port": 80}], [], id="by number"),
        pytest.param((LIVE, "shop", {"number": 80}), [{"port": 80, "targetPort": 9000}], [], id="another targetPort"),
        pytest.param((LIVE, "shop", {"number": 80}), [{"port": 8080}, {"port": 80}], [], id="kept beside another"),
        pytest.param((LIVE, "shop", {"number": 80}), [{"name": "http", "port": 8080}], ["80"], id="another number"),
        pytest.param((LIVE, "shop", {"name": "http"}), [{"name": "web", "port": 80}], ["http"], id="another name"),
        pytest.param((LIVE, "other", {"number": 81}), [{"port": 80}], [], id="of another Service"),
        pytest.param((PREVIEW, "shop-preview", {"number": 81}), [{"port": 80}], [], id="of the preview"),
    ],
)
def test_ports_that_users_lose(route: tuple[str, str, Any], ports: list[dict[str, Any]], lost: list[str]) -> None:
    """Only ports that an Ingress sends users to count."""
    assert list(lost_ports([ingress("edge", route)], "shop", ports)) == [
        f"Ingress edge sends users to port {port} of Service shop" for port in lost
    ]


def test_default_backend() -> None:
    """An Ingress without rules sends everybody to one Service; one to a bucket names none."""
    plain = {
        "metadata": {"name": "edge"},
        "spec": {"defaultBackend": {"service": {"name": "shop", "port": {"number": 80}}}},
    }
    bucket = {
        "metadata": {"name": "edge"},
        "spec": {"defaultBackend": {"resource": {"kind": "Bucket", "name": "shop"}}},
    }
    assert list(lost_ports([plain, bucket], "shop", [{"port": 81}])) == [
        "Ingress edge sends users to port 80 of Service shop"
    ]
