"""Checks of the doctor on a real gate: as the pipeline's account, and as an administrator."""

from __future__ import annotations

import pytest

from azora.config.settings import Settings
from azora.core.doctor import Finding, Level
from azora.errors import Refused
from azora.gateways.kubernetes.access_review import labels_of
from azora.gateways.kubernetes.gate import running, turn_off, turn_on
from azora.operations.doctor_gate import examine_gate, examine_policies
from tests.support.api_server import ApiServer
from tests.support.gated import DEV, R1, Gated, configuration, gated, image, pod

ADDRESSES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/azora-addresses"
GOOD, BAD = Level.GOOD, Level.BAD


def findings(shop: Gated, who: str) -> dict[str, Finding]:
    namespace = shop.of(who)
    return {one.check: one for one in examine_gate(namespace, labels_of(namespace.api, shop.name))}


def levels(found: dict[str, Finding]) -> dict[str, Level]:
    return {check: finding.level for check, finding in found.items()}


def as_(shop: Gated, user: str = "") -> Settings:
    words = ("system:authenticated",) if user else ()
    return Settings(kubeconfig=shop.server.kubeconfig(user, *words), kube_context="it", node="none", application="shop")


def test_gate_as_it_should_be(server: ApiServer) -> None:
    """Everything is good, also after the API server added its defaults to the policies."""
    shop = gated(server)
    assert levels(findings(shop, "pipeline")) == {"gate": GOOD, "gate account": GOOD, "gate pods": GOOD}
    assert examine_policies(shop.environment, as_(shop)).level is GOOD
    with pytest.raises(Refused, match="validatingadmissionpolicies"):
        examine_policies(shop.environment, as_(shop, DEV))


def test_account_over_the_gate(server: ApiServer) -> None:
    """An administrator's account is named with what makes the gate not bind it."""
    found = findings(gated(server), "admin")["gate account"]
    assert found.level is BAD
    assert "approve, override, change the Namespace, change admission policies, act as other users" in found.said


def test_pods_that_cannot_be_made_anew(server: ApiServer) -> None:
    """A sidecar by tag, and an image without an approval, which ran before the gate was on."""
    shop = Gated(server, configuration("meshed"))
    shop.prepare()
    shop.create("admin", pod(R1, image(1), "mesh:1", called="tagged"))
    shop.create("admin", pod(R1, image(8), called="unknown"))
    turn_on(shop.namespace, [item for item in running(shop.namespace).items if "8" * 64 not in item])
    found = findings(shop, "pipeline")["gate pods"]
    assert (found.level, found.said.partition("which run: ")[2]) == (BAD, f"mesh:1, {image(8)}")


def test_gate_that_differs(server: ApiServer) -> None:
    """A gate that is off, one of another file, and a policy that somebody weakened are each found."""
    shop = gated(server)
    other = Gated(server, configuration(shop.environment.name, minimum=2), shop.people)
    assert "minimum is 1, the file's 2" in findings(other, "pipeline")["gate"].said
    turn_off(shop.namespace)
    assert findings(shop, "pipeline")["gate"].level is BAD
    admin = shop.as_("admin")
    admin.patch(ADDRESSES, {"spec": {"failurePolicy": "Ignore"}})
    try:
        found = examine_policies(shop.environment, as_(shop))
    finally:
        admin.patch(ADDRESSES, {"spec": {"failurePolicy": "Fail"}})
    assert found.said == "ValidatingAdmissionPolicy azora-addresses is not as in this version: failurePolicy"


def test_gate_without_a_file(server: ApiServer) -> None:
    """A gate that is on although the file has an approval by form, or none."""
    shop = gated(server)
    form = shop.environment.model_copy(update={"approval": None})
    found = findings(Gated(server, form, shop.people), "pipeline")
    assert levels(found) == {"gate": BAD}
