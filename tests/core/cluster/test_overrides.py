"""Overrides of the gate: which annotations are in force."""

from __future__ import annotations

import pytest

from azora.config.json_object import Json
from azora.core.cluster.overrides import Override, overrides_of
from azora.core.colors import Color
from tests.support.gated import R1, R2, deployment, image, service

NOTE = "oidc:olga the approvers are asleep"
NOTED = {"azora.dev/override": NOTE}


def live(note: str = "") -> Json:
    found = service(R2)
    found["metadata"]["annotations"] = {"azora.dev/override": note} if note else {}
    return found


def workload(color: str | None = "blue", *, name: str = "shop", notes: dict[str, str] | None = None) -> Json:
    found = deployment(R1, image(9), name=name, notes=NOTED if notes is None else notes)
    labels = found["spec"]["template"]["metadata"]["labels"]
    if color is None:
        del labels["azora.dev/color"]
    else:
        labels["azora.dev/color"] = color
    return found


POD = Override("Deployment shop-blue-front", "oidc:olga", "the approvers are asleep", R1)


@pytest.mark.parametrize(
    ("service", "workloads", "found"),
    [
        pytest.param(None, [], (), id="nothing is there"),
        pytest.param(live(), [workload(notes={})], (), id="no override"),
        pytest.param(
            live(NOTE),
            [],
            (Override("Service shop", "oidc:olga", "the approvers are asleep", R2),),
            id="the live Service",
        ),
        pytest.param(live(), [workload()], (POD,), id="pods of the live color"),
        pytest.param(live(), [workload(None)], (POD,), id="pods of no color, such as a database"),
        pytest.param(live(), [workload("green")], (), id="pods of the preview"),
        pytest.param(live(), [workload(name="other")], (), id="pods of another application"),
        pytest.param(live("olga"), [], (Override("Service shop", "olga", "", R2),), id="without a reason"),
    ],
)
def test_overrides_in_force(service: Json | None, workloads: list[Json], found: tuple[Override, ...]) -> None:
    """An override counts where users meet it."""
    assert overrides_of(service, workloads, "shop", Color.BLUE) == found
