"""Rules of an environment about approvals that a run does not follow: refused before anything is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from azora.config.environment import load_environment
from azora.config.settings import ROOT
from azora.core.release.delivery import Delivery
from azora.errors import Refused
from azora.operations.promotion.context import Context
from tasks import stages
from tests.support.releases import BASE

FILE = "namespace: n\nhosts: {live: a.localhost, preview: b.localhost}\n"
REMOVES = "approval: {preview: remove}\n"


def test_promotion_by_an_unknown_rule(tmp_path: Path) -> None:
    """No gateway is used."""
    (tmp_path / "production.yaml").write_text(FILE + REMOVES)
    here = load_environment("production", tmp_path)
    nothing = cast(Any, None)
    delivery = Delivery(BASE, nothing, here, ROOT, lambda: ROOT, {}, "run")
    with pytest.raises(Refused, match=r"could not release to production: its file has `approval\.preview: remove`"):
        Context(delivery, nothing, nothing, nothing).first_look()


@pytest.mark.parametrize("to", ["production", "staging"])
def test_stages_by_an_unknown_rule(to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tested or built for an environment, or by a stage, with such a rule."""
    (tmp_path / "production.yaml").write_text(FILE + "proof: {environment: staging}\n")
    (tmp_path / "staging.yaml").write_text(FILE + REMOVES)
    monkeypatch.setattr(stages, "environment_called", lambda name: load_environment(name, tmp_path))
    with pytest.raises(Refused, match="could not release to staging"):
        stages.stages_to_prove(to, None, fresh=False)
