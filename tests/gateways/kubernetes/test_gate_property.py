"""Users of a gated environment are never on a release without a valid approval, whoever does what."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.api_server import ApiServer
from tests.support.attackers import Attacked

SETTINGS = settings(
    database=None, deadline=None, derandomize=True, print_blob=False, suppress_health_check=list(HealthCheck)
)
FEW = settings(SETTINGS, max_examples=8, stateful_step_count=100)
MANY = settings(SETTINGS, max_examples=40, stateful_step_count=120)


@pytest.mark.attack("any order of steps by attackers, approvers and the pipeline", by="all policies of the gate")
@pytest.mark.parametrize("size", [pytest.param(FEW, id="few"), pytest.param(MANY, marks=pytest.mark.full, id="many")])
def test_users_of_a_gated_environment(server: ApiServer, size: settings) -> None:
    """Acts of the pipeline, approvers and attackers in any order; the same ones in each run."""
    machine = type("Machine", (Attacked,), {"server": server})
    run_state_machine_as_test(machine, settings=size)
