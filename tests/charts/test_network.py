"""Connections that the NetworkPolicies of all charts together allow, worked out as a cluster does.

https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.rendering import SERVICES, Object, Render

HERE = "azora-staging"


@dataclass(frozen=True)
class Place:
    """A pod by its labels and its namespace; without labels, somebody outside of the cluster."""

    labels: dict[str, str] = field(default_factory=dict)
    namespace: str = HERE

    def is_selected_by(self, selector: Object) -> bool:
        expressions = selector.get("matchExpressions", [])
        return selector.get("matchLabels", {}).items() <= self.labels.items() and all(map(self._meets, expressions))

    def _meets(self, expression: Object) -> bool:
        has = expression["key"] in self.labels
        return has and (expression["operator"] == "Exists" or self.labels[expression["key"]] in expression["values"])

    def is_peer(self, peer: Object) -> bool:
        if "ipBlock" in peer:
            return not self.labels
        home = {"kubernetes.io/metadata.name": self.namespace}
        there = (
            Place(home).is_selected_by(peer["namespaceSelector"])
            if "namespaceSelector" in peer
            else self.namespace == HERE
        )
        return bool(self.labels) and there and self.is_selected_by(peer.get("podSelector", {}))


@dataclass(frozen=True)
class Way:
    """Keys of a policy for connections that begin at a pod, or for those that end there."""

    kind: str
    rules: str
    side: str


LEAVING, ENTERING = Way("Egress", "egress", "to"), Way("Ingress", "ingress", "from")


@dataclass(frozen=True)
class Network:
    """All policies of the namespace."""

    policies: list[Object]

    def lets(self, one: Place, other: Place, port: int) -> bool:
        """Return True when *one* may open a connection to *port* of *other*."""
        return self._passes(LEAVING, one, (other, port)) and self._passes(ENTERING, other, (one, port))

    def _passes(self, way: Way, pod: Place, seen: tuple[Place, int]) -> bool:
        if pod.namespace != HERE or not pod.labels:
            return True
        over_it = [
            policy["spec"]
            for policy in self.policies
            if way.kind in policy["spec"]["policyTypes"] and pod.is_selected_by(policy["spec"]["podSelector"])
        ]
        return not over_it or any(
            self._allows(rule, way.side, *seen) for spec in over_it for rule in spec.get(way.rules) or []
        )

    @staticmethod
    def _allows(rule: Object, side: str, peer: Place, port: int) -> bool:
        ports = [one["port"] for one in rule.get("ports", [])]
        peers = rule.get(side, [])
        return (not ports or port in ports) and (not peers or any(peer.is_peer(one) for one in peers))


def pod(component: str, color: str | None = None) -> Place:
    color_label = {"azora.dev/color": color} if color else {}
    return Place({"app.kubernetes.io/name": "azora", "app.kubernetes.io/component": component} | color_label)


INGRESS = Place({"app": "skipper"}, "kube-system")
NAMES = Place({"k8s-app": "kube-dns"}, "kube-system")
STRANGER = Place({"app": "miner"}, "elsewhere")
NEIGHBOUR = Place({"app": "toolbox"})
OUTSIDE = Place()
WEB, API, AUTH, EDU, PAY, JOB = (pod(name, "blue") for name in ("web", "api", "auth", "edu", "pay", "migrations"))
GREEN = {name: pod(name, "green") for name in SERVICES}
POSTGRESQL, REDIS, STRIPE = pod("postgresql"), pod("redis"), pod("localstripe")


@pytest.fixture(scope="module")
def network(stack: Render, router: Render, data: Render) -> Network:
    """Both colors and the data of staging."""
    charts = [
        stack("staging"),
        stack("staging", azora={"color": "green"}),
        router("staging"),
        data("staging", localstripe={"enabled": True}),
    ]
    return Network([found for chart in charts for found in chart.of("NetworkPolicy").values()])


@pytest.mark.parametrize(
    ("one", "other", "port"),
    [
        pytest.param(INGRESS, WEB, 8000, id="ingress → web"),
        pytest.param(INGRESS, GREEN["web"], 8000, id="ingress → web of the preview"),
        pytest.param(WEB, API, 8000, id="web → api"),
        pytest.param(API, AUTH, 8000, id="api → auth"),
        pytest.param(EDU, PAY, 8000, id="edu → pay"),
        pytest.param(AUTH, POSTGRESQL, 5432, id="auth → postgresql"),
        pytest.param(JOB, POSTGRESQL, 5432, id="migrations → postgresql"),
        pytest.param(WEB, REDIS, 6379, id="web → redis"),
        pytest.param(GREEN["pay"], REDIS, 6379, id="pay of green → redis"),
        pytest.param(PAY, STRIPE, 8420, id="pay → provider"),
        pytest.param(STRIPE, WEB, 8000, id="provider → web: it tells of payments"),
        pytest.param(STRIPE, GREEN["web"], 8000, id="provider → web of the other color, once it is live"),
        *(
            pytest.param(one, NAMES, 53, id=f"{name} → names")
            for name, one in {"web": WEB, "job": JOB, "provider": STRIPE}.items()
        ),
    ],
)
def test_open_connection(network: Network, one: Place, other: Place, port: int) -> None:
    """Each needed connection is open."""
    assert network.lets(one, other, port)


@pytest.mark.parametrize(
    ("one", "other", "port"),
    [
        pytest.param(INGRESS, API, 8000, id="ingress → api"),
        pytest.param(INGRESS, POSTGRESQL, 5432, id="ingress → postgresql"),
        pytest.param(STRANGER, WEB, 8000, id="another namespace → web"),
        pytest.param(STRANGER, POSTGRESQL, 5432, id="another namespace → postgresql"),
        pytest.param(NEIGHBOUR, PAY, 8000, id="another pod of the namespace → pay"),
        pytest.param(NEIGHBOUR, REDIS, 6379, id="another pod of the namespace → redis"),
        pytest.param(OUTSIDE, WEB, 8000, id="outside → web, past the ingress controller"),
        pytest.param(WEB, GREEN["api"], 8000, id="blue → green"),
        pytest.param(GREEN["web"], AUTH, 8000, id="green → blue"),
        pytest.param(WEB, POSTGRESQL, 5432, id="web → postgresql: it has no password"),
        pytest.param(API, REDIS, 6379, id="api → redis: it has no password"),
        pytest.param(AUTH, POSTGRESQL, 22, id="postgresql, another port"),
        pytest.param(EDU, STRIPE, 8420, id="edu → provider"),
        pytest.param(PAY, OUTSIDE, 443, id="pay → outside"),
        pytest.param(WEB, OUTSIDE, 443, id="web → outside"),
        pytest.param(API, STRANGER, 80, id="api → another namespace"),
        pytest.param(STRIPE, POSTGRESQL, 5432, id="provider → postgresql"),
        pytest.param(POSTGRESQL, OUTSIDE, 443, id="postgresql → outside"),
        pytest.param(REDIS, WEB, 8000, id="redis → web"),
        pytest.param(STRIPE, OUTSIDE, 443, id="provider → outside"),
    ],
)
def test_closed_connection(network: Network, one: Place, other: Place, port: int) -> None:
    """Every other connection is closed."""
    assert not network.lets(one, other, port)


def test_policies_of_each_pod(stack: Render, data: Render, network: Network) -> None:
    """Each pod has a policy for both directions: what no rule names is denied."""
    for rendering in (stack("staging"), data("staging", localstripe={"enabled": True})):
        for name, template in rendering.pods().items():
            place = Place(template["metadata"]["labels"])
            for kind in ("Ingress", "Egress"):
                over_it = [
                    policy["metadata"]["name"]
                    for policy in network.policies
                    if kind in policy["spec"]["policyTypes"] and place.is_selected_by(policy["spec"]["podSelector"])
                ]
                assert over_it, f"{name}: {kind}"


@pytest.mark.parametrize("chart", ["stack", "data"])
def test_policies_that_are_disabled(request: pytest.FixtureRequest, chart: str) -> None:
    """The values can disable the policies."""
    render: Render = request.getfixturevalue(chart)
    assert not render(networkPolicy={"enabled": False}).of("NetworkPolicy")


def test_policies_with_outside_peers(stack: Render) -> None:
    """The values open providers, databases and metrics outside the namespace."""
    outside: dict[str, Any] = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"protocol": "TCP", "port": 443}]}
    database = {"to": [{"ipBlock": {"cidr": "10.9.0.0/24"}}], "ports": [{"protocol": "TCP", "port": 5432}]}
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}}}
    policies = stack(
        services={"pay": {"egress": [outside]}}, networkPolicy={"egress": [database], "monitoring": [prometheus]}
    ).of("NetworkPolicy")
    network = Network(list(policies.values()))

    assert network.lets(PAY, OUTSIDE, 443)
    assert not network.lets(WEB, OUTSIDE, 443)
    assert network.lets(JOB, OUTSIDE, 5432)
    assert network.lets(STRANGER, PAY, 8000)
    assert not network.lets(NEIGHBOUR, PAY, 8000)


def test_policies_of_another_application(stack: Render) -> None:
    """The policies of another application have its own names and labels."""
    values = {"web": {"ingress": []}, "pay": {"egress": []}}
    policies = stack(azora={"application": "shop"}, services=values).of("NetworkPolicy")

    assert set(policies) == {"shop-blue-inside", "shop-blue-to-postgresql", "shop-blue-to-redis"}
    assert "'app.kubernetes.io/name': 'azora'" not in str(policies)
