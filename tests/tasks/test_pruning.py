"""A night does not fail because something could not be pruned."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prefect.logging import disable_run_logger

from azora.errors import Unreachable
from azora.operations import pruning
from azora.operations.pruning import Part
from tasks import artifacts
from tasks.pruning import prune


def nothing_but_trouble(*_: object, **__: object) -> list[Part]:
    return [Part("images", trouble="could not reach it")]


def away(*_: object, **__: object) -> list[Part]:
    raise Unreachable("could not reach it")


def broken(*_: object, **__: object) -> list[Part]:
    raise KeyError("could not reach it")


@pytest.mark.parametrize("pruned", [nothing_but_trouble, away, broken])
def test_pruning_that_fails(monkeypatch: pytest.MonkeyPatch, pruned: Callable[..., list[Part]]) -> None:
    """Each failure of a pruning is a warning on the page, and no failure of the nightly run."""
    shown: list[list[Part]] = []
    monkeypatch.setattr(pruning, "prune", pruned)
    monkeypatch.setattr(artifacts, "pruned", shown.append)
    with disable_run_logger():
        prune.fn()
    assert "could not reach it" in shown[0][0].trouble
