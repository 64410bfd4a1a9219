"""Needs that pruning requests: of every environment, and of every run that is not over.

One that does not answer ends the pruning.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from azora.config.environment import Environment, environments
from azora.config.settings import Settings
from azora.core.retention import Needs, Unfinished
from azora.errors import Unreachable
from azora.operations import pruning
from tests.support.releases import digest, digest_of, release
from tests.support.worlds import BOOKED

HERE = Settings()
RELEASE = release("a", 1)
POD: dict[str, Any] = {
    "spec": {"containers": [{"image": digest_of(2)}], "initContainers": [{"image": digest_of(3)}]},
}


class Checked:
    """A checkout whose one image has a tag that names the commit."""

    def __init__(self, commit: str, _: Settings) -> None:
        self.commit = commit

    def tags(self, _: Settings) -> dict[str, tuple[str, str]]:
        return {"web": ("shop/web", f"tag of {self.commit[:1]}")}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Environments that were asked, each of which runs one pod and remembers one release."""
    seen: list[str] = []

    def connect(environment: Environment, _: Settings) -> Any:
        seen.append(environment.name)
        return SimpleNamespace(
            namespace=SimpleNamespace(environment=environment),
            record=SimpleNamespace(releases=lambda: (RELEASE,)),
            pods=lambda: [POD],
            look=lambda: BOOKED,
        )

    monkeypatch.setattr(pruning, "connect", connect)
    monkeypatch.setattr(
        pruning, "unfinished", lambda **_: [Unfinished("id", "release 1", "b" * 40), Unfinished("x", "new")]
    )
    monkeypatch.setattr(pruning, "checkout", Checked)
    return seen


def needs(*, with_images: bool) -> Needs:
    return pruning._needs(HERE, with_images=with_images)


def test_needs_of_every_environment(asked: list[str]) -> None:
    """Images and releases of every environment are needed."""
    found = needs(with_images=True)
    assert asked == environments(HERE.environments)
    assert {digest(1), digest(2), digest(3), RELEASE.commit} < found.keys()


def test_needs_of_unfinished_runs(asked: list[str]) -> None:
    """Unfinished runs need their reports, commits and images."""
    assert {"id", "x", "b" * 40, "shop/web:tag of b"} < needs(with_images=True).keys()
    assert "shop/web:tag of b" not in needs(with_images=False)
    assert asked


@pytest.mark.parametrize("who", ["connect", "unfinished", "checkout"])
@pytest.mark.usefixtures("asked")
def test_needs_without_an_answer(monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """A cluster, server or repository that does not answer ends the pruning."""

    def away(*_: object, **__: object) -> None:
        raise Unreachable("could not reach it")

    monkeypatch.setattr(pruning, who, away)
    with pytest.raises(Unreachable):
        needs(with_images=True)
