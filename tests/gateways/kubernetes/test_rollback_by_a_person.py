"""Rollback by a person with a gate, Prefect down and no right to read Secrets: a real API server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from subprocess import CompletedProcess

import pytest
from _pytest.mark.structures import ParameterSet

from azora.config.json_object import Json
from azora.core.cluster.record import Receipt
from azora.core.colors import Color
from azora.core.record.chain import broken_link
from azora.core.record.entry import note, readable
from azora.core.record.events import Begun, Received, Switched
from azora.core.release.release import shown
from azora.errors import AzoraError, Refused
from azora.gateways.kubernetes.approved_store import write_approved
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.log_store import LogStore
from tests.support.api_server import ApiServer
from tests.support.gated import DEV, NOW, R0, R1, R2, ROSA, Gated, selector, service
from tests.support.gated_command import azora
from tests.support.polling import until
from tests.support.two_colors import two_colors

Attempt = Callable[[Gated], object]


def config_map(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def patch(found: Json, body: Json) -> Attempt:
    return lambda shop: shop.patch(ROSA, found, body)


LIVE, APPROVED = service(R1), config_map("azora-approved")


def case(attempt: Attempt, said: str, what: str, by: str) -> ParameterSet:
    """A case with its marker."""
    return pytest.param(attempt, said, id=what, marks=pytest.mark.attack(f"a person who may roll back {what}", by=by))


RECORD, LOG = config_map("azora-record"), config_map("azora-log-0001")
REFUSED = [
    case(lambda shop: shop.as_(ROSA).get(f"{shop.namespace.core}/secrets"), "cannot list", "reads Secrets", "RBAC"),
    case(
        lambda shop: shop.as_(ROSA).delete(f"{shop.namespace.core}/services/shop"),
        "cannot delete",
        "deletes the live Service",
        "RBAC",
    ),
    case(
        patch(LIVE, {"spec": {"selector": selector(R2)}}),
        "0 of 1 approvals",
        "switches to a release that nobody approved",
        "policy azora-live",
    ),
    case(
        patch(APPROVED, {"data": {"approved": f"{R2} {ROSA}"}}),
        "by people with the right to approve",
        "writes an approval",
        "policy azora-approvals",
    ),
    case(patch(RECORD, {"data": {"blue": "{}"}}), "no other key", "calls a stack proved", "policy azora-rollback"),
    case(patch(RECORD, {"data": {"green": None}}), "no other key", "removes a stack's record", "policy azora-rollback"),
    case(
        lambda shop: shop.create(ROSA, config_map("mine")),
        "no ConfigMap but",
        "writes another ConfigMap",
        "policy azora-rollback",
    ),
    case(
        patch(LOG, {"data": {"00000001": "x"}}), "only grows", "changes an entry of the record", "policy azora-record"
    ),
]


def is_refused(shop: Gated) -> bool:
    """Return True when a rollback to R0 would be refused; nothing is changed."""
    path, body = f"{shop.path(LIVE)}/shop", service(R0)
    try:
        shop.as_("admin").dry_run(path, body)
    except Refused:
        return True
    return False


@pytest.fixture(scope="module")
def rolled_back(server: ApiServer) -> tuple[Gated, CompletedProcess[str]]:
    """A shop whose users were on R1, and were sent back to R0 by a person."""
    shop = two_colors(server)
    words = ("rollback", shop.environment.name, "-m", "carts are empty", "--as", "ada")
    return shop, azora(shop, ROSA, *words)


def test_rollback(rolled_back: tuple[Gated, CompletedProcess[str]]) -> None:
    """Users are on the release before; the record has the entry, with the user of the cluster and the reason.

    A typed name does not count.
    """
    shop, done = rolled_back
    assert done.returncode == 0, done.stderr
    assert f"back on green: release {shown(R0)}" in done.stdout
    cluster = Cluster(shop.namespace)
    world, log = cluster.look(), cluster.log.lines()
    assert (world.selected_release, world.active, world.rollback is None) == (R0, Color.GREEN, False)
    (entry,) = [entry for entry in readable(log) if isinstance(entry.event, Switched)]
    assert (entry.who, entry.why, entry.event.switch.release) == (ROSA, "carts are empty", R0)
    assert entry.event.switch.by == ROSA
    assert broken_link(log, {}) is None


def test_rollback_over_a_garbled_record(server: ApiServer) -> None:
    """A developer who garbles the record keeps nobody from a rollback, which writes the list of switches again."""
    shop = two_colors(server)
    for entry in Cluster(shop.namespace).look().switches:
        LogStore(shop.namespace).append(note(Switched(switch=entry), at=NOW, who="run"), Begun)
    keys = ("question.1f2e", "approval.1f2e.key", "tally", "receipts", "rollback")
    shop.patch(DEV, RECORD, {"data": dict.fromkeys(keys, "{garbage")})
    shop.patch(DEV, LIVE, {"metadata": {"annotations": {"azora.dev/switches": "[{oops"}}})
    done = azora(shop, ROSA, "rollback", shop.environment.name, "-m", "carts are empty")
    assert done.returncode == 0, done.stderr
    world = Cluster(shop.namespace).look()
    assert (world.selected_release, [one.number for one in world.switches]) == (R0, [1, 2, 3])


@pytest.mark.parametrize(("attempt", "said"), REFUSED)
def test_attempt_of_that_person(
    rolled_back: tuple[Gated, CompletedProcess[str]],
    attempt: Attempt,
    said: str,
    refused_by: Callable[[AzoraError], None],
) -> None:
    """The right to roll back gives no other one."""
    with pytest.raises(Refused, match=said) as refused:
        attempt(rolled_back[0])
    refused_by(refused.value)


@pytest.mark.attack("a rollback to a release whose approvals were withdrawn", by="policy azora-live")
def test_rollback_to_what_does_not_count(server: ApiServer) -> None:
    """The release before has no approval any more: the API server refuses, users stay, and the record says so."""
    shop = two_colors(server)
    others = lambda found: tuple(line for line in found.standing if not line.startswith(R0))  # noqa: E731
    write_approved(shop.namespace, lambda found: replace(found, standing=others(found)))
    LogStore(shop.namespace).append(note(Received(receipt=Receipt(number=2, verdict="good")), at=NOW, who="run"), Begun)
    until(lambda: is_refused(shop), seconds=10, what="the policy to read it")
    done = azora(shop, ROSA, "rollback", shop.environment.name)
    assert done.returncode != 0
    assert f"release {R0} has 0 of 1 approvals" in done.stderr
    cluster = Cluster(shop.namespace)
    assert cluster.look().selected_release == R1
    assert readable(cluster.log.lines())[-1].event.kind == "refused"
