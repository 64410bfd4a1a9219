"""Freezes on a real API server: who begins and ends one, by the policy and by the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from azora.config.json_object import Json
from azora.core.cluster.freeze import Act, line_of
from azora.core.cluster.record import Switch
from azora.core.colors import Color
from azora.core.record.entry import readable
from azora.errors import Refused
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.freeze_store import acts_in, add_act
from tests.support.api_server import ApiServer
from tests.support.gated import (
    ADA,
    CHIEF,
    DEV,
    OLGA,
    R0,
    R1,
    R2,
    Gated,
    configuration,
    deployment,
    gated,
    selector,
    service,
)
from tests.support.gated_command import azora as run_azora
from tests.support.polling import until

Attempt = Callable[[Gated, str], object]
MAP: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "azora-freeze"}}
NOW = datetime.now(UTC).replace(microsecond=0)
FREEZE = Act(kind="freeze", at=NOW, until=NOW + timedelta(hours=2), reason="the sale")
END = Act(kind="end", at=NOW, reason="the sale is over")
BY_OLGA = line_of(FREEZE, OLGA)


@pytest.fixture(scope="module")
def shop(server: ApiServer) -> Gated:
    """Olga froze it."""
    found = gated(server)
    until(lambda: _enforced(found), seconds=30, what="the policy of freezes")
    add_act(found.of(OLGA), FREEZE, OLGA)
    return found


def _enforced(shop: Gated) -> bool:
    try:
        shop.as_("pipeline").dry_run(f"{shop.path(MAP)}/azora-freeze", MAP | {"data": {"acts": "{} x\n"}})
    except Refused:
        return True
    return False


def write(text: str, **more: object) -> Attempt:
    return lambda shop, who: shop.patch(who, MAP, {"data": {"acts": text}} | more)


def end_as(name: str) -> Attempt:
    return write(BY_OLGA + line_of(END, name))


def delete(shop: Gated, who: str) -> object:
    return shop.as_(who).delete(f"{shop.path(MAP)}/azora-freeze")


PERSON = "begins and ends by people with the right to override"
OWN = "a line ends with your own name"


@pytest.mark.parametrize(
    ("who", "attempt", "said"),
    [
        *(pytest.param(who, end_as(who), PERSON, id=f"{who} lifts it") for who in ("pipeline", DEV, CHIEF)),
        *(pytest.param(who, write(""), PERSON, id=f"{who} empties it") for who in ("pipeline", DEV)),
        pytest.param("pipeline", delete, "is not deleted", id="the pipeline deletes it"),
        pytest.param("admin", delete, "is not deleted", id="an administrator deletes it"),
        pytest.param(OLGA, end_as(ADA), OWN, id="in another name"),
        pytest.param("admin", end_as(OLGA), OWN, id="an administrator in another name"),
        pytest.param(OLGA, write(BY_OLGA + "no object " + OLGA + "\n"), OWN, id="a line that is no object"),
        pytest.param(OLGA, write(BY_OLGA.replace("sale", "fair")), "only grows", id="another reason"),
        pytest.param(OLGA, write(BY_OLGA[:-1]), "only grows", id="half a line"),
        pytest.param(OLGA, write(""), "only grows", id="emptied"),
        pytest.param(OLGA, write(BY_OLGA, immutable=True), "stays changeable", id="closed"),
        pytest.param(OLGA, lambda shop, who: shop.patch(who, MAP, {"data": {"x": "y"}}), "the key acts", id="key"),
        pytest.param(ADA, end_as(ADA), "forbidden", id="an approver"),
    ],
)
def test_freeze_that_others_lift(shop: Gated, who: str, attempt: Attempt, said: str) -> None:
    """The API server lets nobody lift a freeze but people with the right to override, in their own name."""
    with pytest.raises(Refused) as refused:
        attempt(shop, who)
    assert said in refused.value.message
    assert acts_in(shop.namespace).in_force(NOW)


def azora(shop: Gated, who: str, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command about the shop's environment as the person *who*."""
    return run_azora(shop, who, command, shop.environment.name, *words)


def events(shop: Gated) -> list[tuple[str, str, str]]:
    """Kind, person and reason of each entry of the record, without the first."""
    entries = readable(Cluster(shop.of("admin")).log.lines())
    return [(entry.event.kind, entry.who, entry.why) for entry in entries][1:]


def test_freeze_by_command(server: ApiServer) -> None:
    """Olga freezes, lets one release through and lifts the freeze; each act is in the record, in her own name."""
    shop, why = gated(server), ("-m", "the sale of the year")
    frozen = azora(shop, OLGA, "freeze", "--until", f"{NOW + timedelta(hours=3):%Y-%m-%dT%H:%M}", *why, "--as", "x")
    assert frozen.returncode == 0, frozen.stderr
    assert "is frozen until" in frozen.stdout
    let = azora(shop, OLGA, "unfreeze", "--only", R2[:12], *why, "--json")
    assert json.loads(let.stdout)["by"] == OLGA
    freezes = Cluster(shop.of("pipeline")).look().freezes
    assert freezes.keeps_out(R1, "run", NOW)
    assert freezes.keeps_out(R2, "run", NOW) is None
    assert azora(shop, OLGA, "unfreeze", *why).returncode == 0
    assert Cluster(shop.of("pipeline")).look().freezes.in_force(NOW) is None
    again = azora(shop, OLGA, "unfreeze", *why)
    assert again.returncode == 2
    assert "it is not frozen" in again.stderr
    assert events(shop) == [(kind, OLGA, why[1]) for kind in ("freeze", "override", "freeze")]


def test_freeze_by_others(shop: Gated) -> None:
    """A developer and an approver freeze and lift nothing: exit code 3, with the way."""
    for who in (DEV, ADA):
        done = azora(shop, who, "unfreeze", "-m", "I want to release")
        assert done.returncode == 3, done.stdout
        assert "could not" in done.stderr
        assert "approval.override" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("freeze", "--until", "2020-01-01", "-m", "long enough"), "this time is over", id="past"),
        pytest.param(("freeze", "--until", "soon", "-m", "long enough"), "not in ISO 8601", id="no time"),
        pytest.param(
            ("freeze", "--until", "9999-12-31T23:00-02:00", "-m", "long enough"), "too far away", id="no year"
        ),
        pytest.param(("freeze", "--until", "2999-01-01", "-m", "short"), "it has 5 letters", id="short reason"),
        pytest.param(("unfreeze", "--only", "main", "-m", "long enough"), "no id of a release", id="no id"),
    ],
)
def test_freeze_with_bad_input(shop: Gated, words: tuple[str, ...], said: str) -> None:
    """Bad input is refused with what is wrong: exit code 2."""
    done = azora(shop, OLGA, *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_freeze_without_a_gate(server: ApiServer) -> None:
    """Without a gate whoever may write there freezes, under the name that is given."""
    shop = Gated(server, configuration("plain").model_copy(update={"approval": None}))
    shop.prepare()
    done = azora(shop, DEV, "freeze", "--until", "2999-01-01", "-m", "the year of the cat", "--as", "Ada L")
    assert done.returncode == 0, done.stderr
    found = acts_in(shop.namespace).in_force(NOW)
    assert found
    assert found.by == "Ada-L"


def labelled(shop: Gated, called: str, color: Color) -> None:
    """Give a Deployment the labels that the charts give it."""
    labels = selector(R1, color) | {"azora.dev/release": None}
    body = {"metadata": {"labels": labels}, "spec": {"template": {"metadata": {"labels": {"azora.dev/color": color}}}}}
    shop.patch("admin", deployment(R1, called=called), body)


@pytest.mark.attack("an override is hidden by a switch to an approved release", by="policy azora-live")
def test_override_in_force(server: ApiServer) -> None:
    """The look shows an override of the live Service; nobody hides it; the next approved promotion ends it."""
    shop, note = gated(server), "azora.dev/override"
    labelled(shop, "shop-blue-front", Color.BLUE)
    labelled(shop, "shop-green-front", Color.GREEN)
    live, pipeline = service(R1), Cluster(shop.of("pipeline"))
    body = {"metadata": {"annotations": {note: f"{OLGA} the approvers are asleep"}}, "spec": {"selector": selector(R2)}}
    shop.patch(OLGA, live, body)
    (override,) = pipeline.look().overrides
    assert (override.where, override.by, override.release) == ("Service shop", OLGA, R2)
    for who, text in (("pipeline", None), (DEV, None), ("admin", None), (DEV, f"{DEV} it was another one")):
        with pytest.raises(Refused, match="written by people with the right to override"):
            shop.patch(who, live, {"metadata": {"annotations": {note: text}}})
    back = {"metadata": {"annotations": {note: None}}, "spec": {"selector": selector(R0, Color.GREEN)}}
    for who in (OLGA, DEV):
        with pytest.raises(Refused, match="is removed by whoever writes the record"):
            shop.patch(who, live, back)
    entry = Switch(number=2, at=NOW, kind="promotion", came_from=None, to=Color.BLUE, release=R1, by="run")
    pipeline.switch(pipeline.look(), entry)
    assert pipeline.look().overrides
    approved = {"number": 3, "to": Color.GREEN, "release": R0, "approval": "run/key"}
    pipeline.switch(pipeline.look(), entry.model_copy(update=approved))
    assert pipeline.look().overrides == ()
    assert pipeline.look().selected_release == R0


def test_override_in_a_template(server: ApiServer) -> None:
    """Pods that a person changed count in the live color and in databases; the preview's are made anew."""
    shop = gated(server)
    labelled(shop, "shop-blue-front", Color.BLUE)
    labelled(shop, "shop-green-front", Color.GREEN)
    note = {"azora.dev/override": f"{OLGA} the approvers are asleep"}
    for kind, name in (
        ("Deployment", "shop-blue-front"),
        ("Deployment", "shop-green-front"),
        ("StatefulSet", "shop-db"),
    ):
        body = {"spec": {"template": {"metadata": {"annotations": note}}}}
        shop.patch(OLGA, deployment(R1, called=name, kind=kind), body)
    cluster = Cluster(shop.of("pipeline"))
    assert {one.where for one in cluster.look().overrides} == {"Deployment shop-blue-front", "StatefulSet shop-db"}
    assert cluster.forget_overridden(Color.GREEN) == ["shop-green-front"]
