"""Flow of an attacker: it tries to move users with the pipeline's own account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect import flow

from azora.core.cluster.record import Approval
from azora.errors import Refused
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.record_store import RecordStore
from tests.support.asking_run import OTHER, shop_of
from tests.support.attacks import component_of
from tests.support.gated import Gated, deployment, digest, image, selector
from tests.support.prefect_attacks import ANOTHER_PLAN

Acts = dict[str, Callable[[], object]]


@flow
def steals(environment: str, ref: str = "main") -> dict[str, str]:  # noqa: ARG001 - parameters of the deployment
    """Try each act; returns what refused it, or nothing."""
    refused = {}
    for name, act in _acts(shop_of(environment)).items():
        try:
            act()
        except Refused as error:
            refused[name] = component_of(error.message)
        else:
            refused[name] = ""
    return refused


def _acts(shop: Gated) -> Acts:
    api = Api(Path(shop.server.folder, f"{shop.environment.name}.kubeconfig"), None, timeout_seconds=20)
    core, live = shop.namespace.core, f"{shop.namespace.core}/services/shop"
    lines = f"{OTHER.label} shop\n{digest(3)} shop"
    return {
        "approve": lambda: api.patch(f"{core}/configmaps/azora-approved", {"data": {"approved": lines}}),
        "record an approval": lambda: RecordStore(shop.of("pipeline")).add_approval(_approval(shop)),
        "switch": lambda: api.patch(live, {"spec": {"selector": selector(OTHER.label)}}),
        "delete the live Service": lambda: api.delete(live),
        "install": lambda: api.create(
            f"{shop.namespace.apps}/deployments", deployment(OTHER.label, image(3), called="x")
        ),
        "change an image": lambda: api.patch(
            f"{shop.namespace.apps}/deployments/shop-blue-front",
            {"spec": {"template": deployment(OTHER.label, image(3))["spec"]["template"]}},
        ),
        "delete the record": lambda: api.delete(f"{core}/configmaps/azora-log-0001"),
        "turn the gate off": lambda: api.patch(core, {"metadata": {"labels": {"azora.dev/approval": None}}}),
    }


def _approval(shop: Gated) -> Approval:
    now = datetime.now(UTC)
    return Approval(
        id="forged", run="forged", environment=shop.environment.name, release=OTHER.id, plan=ANOTHER_PLAN,
        approver="oidc:ada", reason="seen on staging", at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
