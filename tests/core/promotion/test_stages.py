"""The stages that a release goes through, by the environments' own files."""

from __future__ import annotations

import pytest

from azora.config.environment import Environment, Hosts, Proof
from azora.core.promotion.stages import hours_that_count, stages_before
from azora.errors import BadInput
from tasks import stages
from tests.support.releases import BASE


def environment(name: str, proved_on: str = "", hours: float = 168) -> Environment:
    proof = Proof(environment=proved_on, max_age_hours=hours) if proved_on else None
    return Environment(name=name, namespace=name, hosts=Hosts(live="a", preview="b"), proof=proof)


FILES = {
    one.name: one
    for one in (
        environment("qa"),
        environment("staging", "qa", hours=24),
        environment("production-eu", "staging"),
        environment("production-us", "staging", hours=12),
        environment("round", "about"),
        environment("about", "round"),
        environment("lost", "nowhere"),
    )
}


def load(name: str) -> Environment:
    if name not in FILES:
        raise BadInput(f"could not find environment {name!r}")
    return FILES[name]


@pytest.mark.parametrize(
    ("to", "before"),
    [
        pytest.param("qa", [], id="the first one"),
        pytest.param("staging", ["qa"], id="the second one"),
        pytest.param("production-eu", ["qa", "staging"], id="one production"),
        pytest.param("production-us", ["qa", "staging"], id="the other production"),
    ],
)
def test_stages_before(to: str, before: list[str]) -> None:
    """A release is proved on each stage that its environment's files name, in order."""
    assert stages_before(to, load) == before


@pytest.mark.parametrize(
    ("to", "said"), [("round", "round → about → round is a circle"), ("lost", "could not find environment 'nowhere'")]
)
def test_stages_in_a_circle(to: str, said: str) -> None:
    """A circle of stages, or an unknown stage, is refused."""
    with pytest.raises(BadInput, match=said):
        stages_before(to, load)


@pytest.mark.parametrize(
    ("name", "hours"), [("staging", 12), ("qa", 24), ("production-eu", None)], ids=["the strictest", "one", "none"]
)
def test_hours_that_a_proof_counts(name: str, hours: float | None) -> None:
    """A proof counts for the shortest time that any environment asks for."""
    assert hours_that_count(name, FILES.values()) == hours


@pytest.mark.parametrize(
    ("proved", "left"),
    [
        pytest.param(set(), ["qa", "staging"], id="none is proved"),
        pytest.param({"qa"}, ["staging"], id="the first is"),
        pytest.param({"staging"}, [], id="the last is: what came before it does not matter"),
    ],
)
def test_stages_to_prove(proved: set[str], left: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A release goes on where its proofs end; without images it begins at the first stage."""
    monkeypatch.setattr(stages, "environment_called", load)
    monkeypatch.setattr(stages, "proved_already", lambda name, _, fresh: name in proved)  # noqa: ARG005
    assert stages.stages_to_prove("production-eu", BASE, fresh=False) == left
    assert stages.stages_to_prove("production-eu", None, fresh=False) == ["qa", "staging"]
