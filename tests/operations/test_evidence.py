"""Evidence of a request: rendered charts, results on the disk, and a page for the report server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr

from azora.config.application import load_application
from azora.config.environment import load_environment
from azora.config.settings import ROOT, Settings
from azora.core.checks.result_entry import entry_of
from azora.core.checks.suite_result import Case, SuiteResult
from azora.core.cluster.state import World
from azora.core.messages.evidence.facts import Evidence
from azora.core.promotion.plan import Plan
from azora.core.release.release import Release
from azora.core.release.rendered import normal
from azora.core.release.values import Values
from azora.errors import BadInput, HelmFailed, Unreachable
from azora.gateways.helm.client import Helm
from azora.operations import evidence as module
from azora.operations.checkout import Checkout
from azora.operations.evidence import evidence_of, publish_page
from azora.operations.promotion import chart_values
from azora.operations.promotion.context import Context
from azora.operations.reports.publishing import keep_result
from tests.support.chains import PROMOTION, whole
from tests.support.plans import PROOF, planned
from tests.support.rendering import helm_program
from tests.support.reports import KEY, free_port, report_server
from tests.support.worlds import BLUE, EMPTY, NOW, SERVING_OLD, stack

UNTIL = NOW + timedelta(hours=72)

GUESTBOOK = ROOT / "docs/examples/guestbook"
PRODUCTION = load_environment("production", ROOT / "docs/examples/environments")
ALONE = PRODUCTION.model_copy(update={"proof": None})
IMAGES = {"front": f"r:1/guestbook/front@sha256:{'1' * 64}", "store": f"r:1/guestbook/store@sha256:{'2' * 64}"}
RELEASE = Release(application="guestbook", commit="0" * 40, images=IMAGES, charts_digest="", values_digest="")
OLD = "f" * 40
LIVE = replace(SERVING_OLD, stacks={BLUE: replace(stack(BLUE, "old"), label=OLD)})


class Upgrading(Helm):
    """Helm that renders an upgrade without a cluster, and the Secret that is made once as it was."""

    def would_install(self, name: str, chart: Path, values: Values) -> list[Values]:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "made-once"},
            "stringData": {"a": "kept-9"},
        }
        return [*self.render(name, chart, values), secret]


class Refusing(Helm):
    """Helm whose release another process left pending."""

    def would_install(self, name: str, chart: Path, values: Values) -> list[Values]:  # noqa: ARG002 - Helm's signature
        raise HelmFailed("could not upgrade: another operation is in progress")


class Installed:
    """A cluster with this state, and what Helm installed there by Helm release."""

    def __init__(self, world: World, manifests: Mapping[str, str], log: list[str] | None = None) -> None:
        self.world, self._manifests = world, manifests
        self.namespace = SimpleNamespace(stack_name=lambda color: f"guestbook-{color}")
        self.log = SimpleNamespace(find=lambda read: read(log or []))

    def look(self) -> World:
        return self.world

    def installed_manifests(self, release: str) -> str | None:
        return self._manifests.get(release)


def context_with(
    tmp_path: Path,
    world: World,
    manifests: Mapping[str, str],
    log: list[str] | None = None,
    helm: type[Helm] = Upgrading,
) -> Context:
    here = Settings(state=tmp_path, helm=helm_program(), application="guestbook", kube_context="none", identities=None)
    found = Checkout("0" * 40, GUESTBOOK, load_application(GUESTBOOK)).delivery(RELEASE, ALONE, here, run="run")
    return Context(found, cast(Any, Installed(world, manifests, log)), helm(ALONE, here), here)


SECRET = """
---
# Source: guestbook/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: made-once}
stringData: {a: kept-9}
"""


def rendered(context: Context, name: str, chart: str, values: dict[str, Any]) -> str:
    argv = ["template", name, context.delivery.chart(chart), "--namespace", ALONE.namespace, "--values", "-"]
    return context.helm._template(argv, json.dumps(values).encode())


def blue(context: Context, label: str) -> str:
    """Manifests of the blue stack as an older release installed them."""
    chart = context.delivery.application.charts.stack
    values = chart_values.stack_values(context.delivery, BLUE, least={})
    return rendered(context, "guestbook-blue", chart, values).replace(RELEASE.label, label)


def seen(context: Context, plan: Plan | None = None, shown: Mapping[str, Any] | None = None) -> Evidence:
    plan = plan or planned(context.cluster.look(), RELEASE, ALONE)
    return evidence_of(context, plan, shown or {}, run_page="http://run", command="azora approve", until=UNTIL)


def names(found: Evidence) -> dict[str, list[str] | None]:
    return {
        one.release: None if one.changes is None else [f"{change.how} {change.name}" for change in one.changes]
        for one in found.objects
    }


def test_objects_that_change(tmp_path: Path) -> None:
    """Objects are compared in the active color: a changed image is one line, another release's label none."""
    plain = context_with(tmp_path, LIVE, {})
    before = blue(plain, OLD).replace(IMAGES["front"], IMAGES["front"].replace("1" * 64, "3" * 64))
    router = chart_values.router_digest(plain.delivery)
    world, manifests = replace(LIVE, router_digest=f"{router}/blue"), {"guestbook-blue": before + SECRET}
    found = seen(context_with(tmp_path, world, manifests))
    changed = [name for name in names(found)["guestbook-blue"] or [] if "front" in name]
    assert changed
    assert all(name.startswith("changed ") for name in changed)
    assert names(found)["guestbook"] == []
    lines = [line for change in found.objects[0].changes or () for line in change.lines if line[0] in "+-"]
    assert all("image: r:1/guestbook/front@sha256:" in line for line in lines)
    assert "Secret made-once" not in str(names(found))
    assert found.seen.unknown == ()


def test_upgrade_that_helm_refuses(tmp_path: Path) -> None:
    """Objects are then compared as those of a first installation."""
    before = {"guestbook-blue": blue(context_with(tmp_path, LIVE, {}), OLD)}
    assert names(seen(context_with(tmp_path, LIVE, before, helm=Refusing)))["guestbook-blue"] == []


def test_first_release(tmp_path: Path) -> None:
    """Every object is added when nothing is installed, also those of the router."""
    found = seen(context_with(tmp_path, EMPTY, {}))
    assert [(one.release, one.is_new) for one in found.objects] == [("guestbook-blue", True), ("guestbook", True)]
    assert "added Service guestbook" in (names(found)["guestbook"] or [])
    assert [(one.service, one.now, one.ready, one.then) for one in found.replicas] == [
        ("front", 0, 0, 2),
        ("store", 0, 0, 1),
    ]


def test_objects_by_color(tmp_path: Path) -> None:
    """An object of the preview color that is more than another name is a risk."""
    context = context_with(tmp_path, LIVE, {})
    chart = context.delivery.chart(context.delivery.application.charts.stack)
    values = chart_values.stack_values(context.delivery, BLUE.other, least={})
    green = normal(context.helm.render("guestbook-green", chart, values))
    assert seen(context, shown={"guestbook-green": green}).seen.by_color == ()
    name = next(iter(green))
    other = {**green, name: green[name] + "evil: true\n"}
    assert seen(context, shown={"guestbook-green": other}).seen.by_color == (name.replace("green", "*"),)


def test_unreadable_record_of_helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page goes on without the objects, and says why."""

    def fails(*_: object) -> str:
        raise BadInput("could not read what Helm installed")

    monkeypatch.setattr(Installed, "installed_manifests", fails)
    found = seen(context_with(tmp_path, LIVE, {}))
    assert names(found) == {"guestbook-blue": None, "guestbook": None}
    assert found.seen.unknown == ("the objects: could not read what Helm installed",)


@pytest.mark.parametrize(("policy", "number"), [("policy", None), ("another", 2)])
def test_rules_since_the_last_promotion(tmp_path: Path, policy: str, number: int | None) -> None:
    """Other rules than those of the last promotion are named with its switch."""
    context = context_with(tmp_path, replace(LIVE, switches=(PROMOTION,)), {}, whole())
    plan = planned(LIVE, RELEASE, ALONE)
    assert seen(context, replace(plan, bound=replace(plan.bound, policy=policy))).seen.policy_of == number


def test_results_of_both_runs(tmp_path: Path) -> None:
    """Results of the run that proved the release come first, then those of this run, with links and flaky cases."""
    context = context_with(tmp_path, LIVE, {})
    for run, case in (("abc", Case("a", "passed", 1)), ("run", Case("b", "flaky", 2))):
        folder = tmp_path / "runs" / run
        result = SuiteResult((case,), 1, {"html": folder / "e2e host/report.html"})
        about = {"run_name": run, "application": "shop", "run_folder": str(folder), "at": datetime.now(UTC)}
        keep_result(entry_of(result, f"Cases of {run}", **about), "e2e", folder)  # type: ignore[arg-type]
    found = seen(context, planned(LIVE, RELEASE, ALONE, proof=PROOF))
    assert [suite.title for suite in found.suites] == ["Cases of abc", "Cases of run"]
    assert found.suites[0].reports[0][1].partition("?")[0].endswith("/abc/e2e%20host/report.html")
    assert found.seen.flaky == 1


def test_page_on_the_report_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is readable by its signed address alone, and its response is sandboxed."""
    monkeypatch.setenv("AZORA_STATE", str(tmp_path / "server"))
    monkeypatch.setenv("AZORA_REPORTS_AUTH_STRING", "a:b")
    monkeypatch.setenv("AZORA_REPORTS_KEY", KEY)
    monkeypatch.setenv("AZORA_REPORTS_UPLOAD", "true")
    with report_server() as served:
        here = Settings(state=tmp_path, reports_url=served.reports, reports_key=SecretStr(KEY), reports_upload=True)
        address = publish_page("<!doctype html><p>one</p>", "evidence-production-1-1.html", "run", here)
        response = httpx.get(address)
        assert response.text == "<!doctype html><p>one</p>"
        assert response.headers["Content-Security-Policy"].startswith("sandbox ")
        assert httpx.get(address.partition("?")[0]).status_code == 401


def test_report_server_that_is_away(tmp_path: Path) -> None:
    """A page that cannot be uploaded is an error that can be tried again."""
    away = Settings(state=tmp_path, reports_url=f"http://127.0.0.1:{free_port()}", reports_upload=True)
    with pytest.raises(Unreachable, match=r"could not upload the page of evidence to http://127.0.0.1:.*refused"):
        publish_page("one", "evidence-production-1-1.html", "run", away)


def test_receipt_of_the_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage's newest switch to this release is shown with its receipt."""
    context = context_with(tmp_path, LIVE, {})
    context = replace(context, delivery=replace(context.delivery, environment=PRODUCTION))
    context = replace(
        context, settings=context.settings.model_copy(update={"environments": ROOT / "docs/examples/environments"})
    )
    switch = PROMOTION.model_copy(update={"number": 1, "release": RELEASE.id})
    monkeypatch.setattr(module, "connect", lambda *_: Installed(replace(SERVING_OLD, switches=(switch,)), {}))
    stage = seen(context).stage
    assert stage
    assert (stage.environment, stage.switch.number, stage.receipt and stage.receipt.verdict) == ("staging", 1, "good")
