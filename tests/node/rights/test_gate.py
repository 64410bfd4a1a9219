"""A release by two people whom the cluster knows, through Prefect; nobody else moves users."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from azora.config.environment import load_environment
from azora.config.settings import settings
from azora.core.record.entry import readable
from azora.core.record.events import Approved
from azora.errors import Refused
from azora.gateways.kubernetes.cluster import connect
from azora.gateways.kubernetes.gate import running, turn_on
from azora.gateways.prefect.runs import Run, pages, stages
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.gateways.prefect.waking import wake
from azora.local.layout import layout
from azora.operations.record.export import export
from tests.support import pipeline
from tests.support.commands import Done, azora
from tests.support.gated import ADA, BOB, DEV, deployment, digest, image
from tests.support.guestbook import Guestbook
from tests.support.served_guestbook import Policies

AUTHOR = "test@azora.localhost"  # of the commits
WHY = ("-m", "seen on staging")

Approver = Callable[..., Done]


@pytest.fixture(scope="module")
def policies() -> Policies:
    """Two of three people approve; one of them wrote the commits."""
    people = {"approvers": {"users": [ADA, BOB, DEV]}, "people": {AUTHOR: DEV}}
    return {"staging": {}, "production": {"approval": {"by": "cluster", "minimum": 2, **people}}}


@pytest.fixture(scope="module")
def gate(book: Guestbook) -> Guestbook:
    """The gate of production is on, over an empty namespace."""
    namespace = book.cluster().namespace
    turn_on(namespace, running(namespace).items)
    return book


@pytest.fixture
def person(tmp_path: Path) -> Approver:
    """Run a command as a person, whose kubeconfig acts as the own user."""

    def run(user: str, *words: str) -> Done:
        config = yaml.safe_load(Path(layout(settings().node).kubeconfig).read_text())
        for one in config["users"]:
            one["user"] |= {"as": user, "as-groups": ["system:authenticated"]}
        file = tmp_path / f"{user.replace(':', '-')}.kubeconfig"
        file.write_text(yaml.safe_dump(config))
        return azora({"AZORA_KUBECONFIG": str(file)}, *words)

    return run


def test_release_by_two_people(gate: Guestbook, person: Approver) -> None:
    """Nobody's Resume, password or account moves users; two approvals do, and the record names both people."""
    run = pipeline.until_it_waits(pipeline.begin("release", ref=gate.commit(), to="production"))
    _nobody_else(run)
    plan = waiting_plan(run.id).hash
    assert wake(run.id, plan)
    pipeline.until_it_waits(run, seconds=60)
    assert "0 of 2 approvals: 2 more people" in _page(run)
    assert "production: wait for approvals" in [stage.name for stage in stages(run.id)]
    assert "this person wrote one of the commits" in person(DEV, "approve", run.id, "--plan", plan, *WHY).stderr
    first = person(ADA, "approve", run.id[:8], "--plan", plan, *WHY, "--no-resume")
    assert "1 of 2 approvals: 1 more person" in first.stdout, first
    assert pipeline.run_called(run.id).waits
    second = person(BOB, "approve", run.id[:8], "--plan", plan, *WHY)
    assert "the run looks again" in second.stdout, second
    assert pipeline.until_over(run).went_well
    assert gate.page().is_success
    found = export(gate.cluster())
    given = [(entry.who, entry.event.by) for entry in readable(found.lines) if isinstance(entry.event, Approved)]
    assert given == [(ADA, "cluster"), (BOB, "cluster")]
    assert found.fault() is None
    assert "nothing waits for an approval" in person(ADA, "approvals").stdout


def _nobody_else(run: Run) -> None:
    """Refuse an approval by the form, and what the pipeline's own account tries in the cluster."""
    with pytest.raises(Refused, match="could not answer run"):
        pipeline.approve(run)
    here = connect(load_environment("production", settings().environments), settings()).namespace
    approved = f"{here.core}/configmaps/azora-approved"
    with pytest.raises(Refused, match="written by people with the right to approve"):
        here.api.patch(approved, {"data": {"approved": f"{digest(9)} system:serviceaccount:azora-system:{here.name}"}})
    with pytest.raises(Refused, match="azora-images"):
        here.api.create(f"{here.apps}/deployments", deployment("9" * 40, image(9), name=here.application))


def _page(run: Run) -> str:
    return next((found.text for found in reversed(pages(run.id)) if found.key == "production-plan"), "")
