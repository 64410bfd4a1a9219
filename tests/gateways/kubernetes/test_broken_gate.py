"""A broken gate on a real API server, mended by an administrator as the runbook says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from azora.config.json_object import Json
from azora.errors import Refused
from azora.gateways.kubernetes.gate import ADMISSION, running, turn_off, turn_on
from tests.support.api_server import ApiServer
from tests.support.gated import ADA, BOB, DEV, R0, R1, R2, Gated, gated, pod, selector, service
from tests.support.polling import until

LIVE = service(R1)
LABEL = "azora.dev/approval"


@pytest.fixture
def shop(server: ApiServer) -> Gated:
    """R1 runs in blue and R0 in green, both taken over."""
    return gated(server)


def allowed(shop: Gated, release: str, who: str = "pipeline") -> bool:
    """Return True when a switch to *release* is allowed."""
    try:
        shop.patch(who, LIVE, {"spec": {"selector": selector(release)}})
    except Refused:
        return False
    return True


def label(shop: Gated, value: str | None) -> None:
    shop.as_("admin").patch(shop.namespace.core, {"metadata": {"labels": {LABEL: value}}})


def off_and_on(shop: Gated) -> None:
    """Do what `azora rights remove` and `azora rights apply` do."""
    turn_off(shop.namespace)
    turn_on(shop.namespace, running(shop.namespace).items)


def remade(shop: Gated, called: str) -> bool:
    """Return True when a pod of what runs is made anew."""
    try:
        shop.create(DEV, pod(R1, called=called))
    except Refused:
        return False
    return True


def lose(shop: Gated) -> None:
    """Approvals are not there, as after a restored backup."""
    label(shop, None)
    until(lambda: _lost(shop), seconds=30, what="the approvals are gone")
    label(shop, "required")


def _lost(shop: Gated) -> bool:
    try:
        shop.as_("admin").delete(f"{shop.namespace.core}/configmaps/azora-approved")
    except Refused:
        return False
    return True


def garble(shop: Gated) -> None:
    """Lines of approvals make no sense, as after a hand that slipped."""
    label(shop, None)
    approved: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "azora-approved"}}
    until(lambda: _written(shop, approved), seconds=30, what="the approvals are garbled")
    label(shop, "required")


def _written(shop: Gated, approved: Json) -> bool:
    try:
        shop.patch("admin", approved, {"data": {"approved": "???", "standing": "x"}})
    except Refused:
        return False
    return True


@pytest.mark.parametrize("hurt", [lose, garble], ids=["gone", "garbled"])
def test_approvals_that_are_broken(shop: Gated, hurt: object) -> None:
    """Nothing that runs is made anew, until an administrator turns the gate off and on again."""
    hurt(shop)  # type: ignore[operator]
    until(lambda: not remade(shop, "a"), seconds=30, what="pods are refused")
    off_and_on(shop)
    assert remade(shop, "b")
    assert allowed(shop, R0)
    assert not allowed(shop, R2)


def test_policy_that_refuses_everything(shop: Gated) -> None:
    """The label alone stops it, with kubectl; the next `azora rights apply` brings the policy as it was."""
    path = f"{ADMISSION}/validatingadmissionpolicies/azora-live"
    admin = shop.as_("admin")
    validations = admin.get(path)["spec"]["validations"]
    try:
        admin.patch(path, {"spec": {"validations": [{"expression": "!variables.ours", "message": "broken"}]}})
        until(lambda: not allowed(shop, R0) and not allowed(shop, R1), seconds=30, what="every switch is refused")
        label(shop, None)
        until(lambda: allowed(shop, R0), seconds=30, what="the gate is off")
        turn_on(shop.namespace, running(shop.namespace).items)
        until(lambda: allowed(shop, R1), seconds=30, what="the policy is as it was")
        assert not allowed(shop, R2)
    finally:
        admin.patch(path, {"spec": {"validations": validations}})


def test_approver_who_left(server: ApiServer) -> None:
    """With one of two approvers gone nothing is approved; the file names another one, and the gate is applied again."""
    shop = gated(server, minimum=2)
    shop.approve(ADA, R2)
    assert not allowed(shop, R2)
    with pytest.raises(Refused):
        shop.approve("oidc:new", R2)
    policy = shop.environment.approval
    assert policy
    people = policy.approvers.model_copy(update={"users": (ADA, "oidc:new")})
    file = shop.environment.model_copy(update={"approval": policy.model_copy(update={"approvers": people})})
    later = replace(shop, environment=file)
    turn_on(later.namespace, ())
    until(lambda: _approves(later, "oidc:new"), seconds=30, what="the new approver's right")
    until(lambda: allowed(later, R2), seconds=30, what="two approvals")
    with pytest.raises(Refused):
        later.approve(BOB, R0)


def _approves(shop: Gated, who: str) -> bool:
    try:
        shop.approve(who, R2)
    except Refused:
        return False
    return True
