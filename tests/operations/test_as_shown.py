"""An installation is compared with what was shown; Helm's dry run is an upgrade without a cluster."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from azora.config.application import load_application
from azora.config.environment import Environment, load_environment
from azora.config.settings import ROOT, Settings
from azora.core.cluster.record import Approval
from azora.core.cluster.state import World
from azora.core.release.release import Release
from azora.core.release.rendered import digest_of_objects, normal
from azora.core.release.values import Values
from azora.errors import Refused
from azora.gateways.helm.client import Helm
from azora.gateways.helm.manifests import rendered_objects
from azora.operations.checkout import Checkout
from azora.operations.promotion.context import Context
from tests.support.rendering import helm_program
from tests.support.worlds import NOW, SERVING_OLD

GUESTBOOK = ROOT / "docs/examples/guestbook"
FILES = ROOT / "docs/examples/environments"
STAGING, PRODUCTION = load_environment("staging", FILES), load_environment("production", FILES)
SETTINGS = Settings(helm=helm_program(), application="guestbook", kube_context="none", identities=None)
RELEASE = Release(application="guestbook", commit="0" * 40, images={}, charts_digest="", values_digest="")


class Upgrading(Helm):
    """Helm whose dry run is `helm template --is-upgrade`."""

    def would_install(self, name: str, chart: Path, values: Values) -> list[Values]:
        argv = ["template", name, chart, "--is-upgrade", "--values", "-"]
        return rendered_objects(self._template(argv, json.dumps(values).encode()))


def promotion(world: World = SERVING_OLD, where: Environment = STAGING) -> Context:
    delivery = Checkout("0" * 40, GUESTBOOK, load_application(GUESTBOOK)).delivery(RELEASE, where, SETTINGS, run="run")
    cluster = cast(Any, SimpleNamespace(look=lambda: world))
    return Context(delivery, cluster, Upgrading(where, SETTINGS), SETTINGS, shown={})


def chart(folder: Path, value: str, kind: str = "ConfigMap", key: str = "data") -> Path:
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 1.0.0\n")
    template = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: note}}\n{key}:\n  text: '{value}'\n"
    (folder / "templates/note.yaml").write_text(template)
    return folder


@pytest.mark.attack(
    "a template renders other objects at the installation than in the plan", by="the comparison with the plan"
)
@pytest.mark.parametrize("value", ["{{ now }}", "{{ randAlphaNum 8 }}", "{{ .Release.IsUpgrade }}"])
def test_template_that_reads_more(tmp_path: Path, value: str) -> None:
    """Time, random values and the kind of the installation are refused with the difference; in a Secret they are not."""
    context = promotion()
    with pytest.raises(
        Refused, match=r"could not install shop of staging: [^\n]* shown:\nConfigMap note\n(.*\n)*\+  text: "
    ):
        context.must_be_as_shown("shop", chart(tmp_path, value), {})
    promotion().must_be_as_shown("shop", chart(tmp_path, value, "Secret", "stringData"), {})
    replace(promotion(), shown=None).must_be_as_shown("shop", chart(tmp_path, value), {})


def test_object_of_the_first_look(tmp_path: Path) -> None:
    """The first look is compared by the values that it had, without the replicas of an autoscaler."""
    folder = chart(tmp_path, "{{ .Values.pods }}")
    shown = {"shop": normal(promotion().helm.render("shop", folder, {"pods": 2}))}
    replace(promotion(), shown=shown).must_be_as_shown("shop", folder, {"pods": 5}, {"pods": 2})
    with pytest.raises(Refused, match=r"-  text: '2'\n\+  text: '5'"):
        replace(promotion(), shown=shown).must_be_as_shown("shop", folder, {"pods": 5})


@pytest.mark.attack("a run installs other objects than those that were approved", by="the comparison with the plan")
def test_objects_of_an_approval(tmp_path: Path) -> None:
    """Objects that are not those of the approved plan are refused, on whatever machine the run goes on."""
    folder = chart(tmp_path, "one")
    digest = digest_of_objects(normal(promotion().helm.render("shop", folder, {})))
    given = Approval(
        id="1", run="run", environment="production", release=RELEASE.id, plan="p", approver="ada", reason="it is time",
        at=NOW, expires_at=NOW + timedelta(hours=1), shown={"shop": digest},
    )  # fmt: skip
    approved = promotion(replace(SERVING_OLD, approvals=(given,)), PRODUCTION)
    approved.must_be_as_shown("shop", folder, {})
    with pytest.raises(Refused, match="not those of the plan that was approved"):
        approved.must_be_as_shown("shop", chart(tmp_path, "two"), {"another": "key, so that it is rendered again"})
