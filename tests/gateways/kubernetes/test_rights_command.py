"""`azora rights` of an environment with a gate, as an administrator runs it."""

from __future__ import annotations

import json
from subprocess import CompletedProcess
from uuid import uuid4

import pytest
import yaml

from azora.config.gate_objects import gate_manifest
from azora.core.gate.marks import REQUIRED_LABEL
from azora.core.record.entry import readable
from azora.core.record.history import history_of
from azora.gateways.kubernetes.approved_store import approved_of
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.gate import gate_of
from tests.support.api_server import ApiServer
from tests.support.gated import ADA, CHIEF, R1, R2, Gated, configuration, deployment
from tests.support.gated_command import azora


@pytest.fixture
def shop(server: ApiServer) -> Gated:
    """An environment without a gate yet; its file has one."""
    found = Gated(server, configuration(f"c{uuid4().hex[:8]}", minimum=2))
    found.prepare()
    return found


def rights(shop: Gated, command: str, *options: str) -> CompletedProcess[str]:
    """Run `azora rights` as the administrator."""
    return azora(shop, "", "rights", command, shop.environment.name, *options)


def test_rights_of_a_gate(shop: Gated) -> None:
    """The gate is turned on over what runs once somebody confirms it, and off again."""
    shown = rights(shop, "show")
    assert gate_manifest(shop.environment, "shop") in shown.stdout
    asked = rights(shop, "apply")
    assert asked.returncode != 0
    assert "nobody can confirm it" in asked.stderr + asked.stdout
    assert R1 in asked.stdout
    assert not gate_of(shop.namespace).is_on
    applied = rights(shop, "apply", "--yes")
    assert applied.returncode == 0, applied.stderr
    assert "is on: 5 items taken over" in applied.stdout
    assert gate_of(shop.namespace).differences(shop.environment, "shop") == []
    again = rights(shop, "apply")
    assert "0 items taken over" in again.stdout
    removed = rights(shop, "remove", "--yes", "--json")
    assert removed.returncode == 0, removed.stderr
    assert json.loads(removed.stdout)["gate"] is False
    assert not gate_of(shop.namespace).is_on
    assert approved_of(shop.namespace).standing == ()
    entries = readable(Cluster(shop.namespace).log.lines())
    acts = [(act.what, act.outcome, act.people) for act in history_of(entries)]
    assert acts == [("policy", "the gate is on", ("admin",)), ("policy", "the gate is off", ("admin",))]


def test_rights_over_a_tag(shop: Gated) -> None:
    """The gate is not turned on over an image that no digest names: its pods could not be made anew."""
    shop.create("admin", deployment(R1, "shop:1", called="tagged"))
    refused = rights(shop, "apply", "--yes")
    assert refused.returncode != 0
    assert "these images have no digest: shop:1" in refused.stderr + refused.stdout


def test_manifest_of_people() -> None:
    """People of the file are bound to their Roles, users and groups."""
    found = list(yaml.safe_load_all(gate_manifest(configuration("x"), "shop")))
    bound = {one["metadata"]["name"]: one["subjects"] for one in found if one["kind"] == "RoleBinding"}
    assert ("User", ADA) in [(one["kind"], one["name"]) for one in bound["azora-approve"]]
    assert ("Group", "oidc:release") in [(one["kind"], one["name"]) for one in bound["azora-approve"]]
    assert CHIEF not in str(found)
    assert R2 not in str(found)
    assert REQUIRED_LABEL in str(found)
