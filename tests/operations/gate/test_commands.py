"""`azora approve`, `reject` and `approvals` with the kubeconfig of a person, and with Prefect away."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from unittest.mock import patch

import pytest
import yaml
from prefect.settings import PREFECT_API_URL, temporary_settings

from azora.errors import AzoraError, Refused
from tests.support.api_server import ApiServer
from tests.support.asked import NEW, Asking
from tests.support.commands import Done
from tests.support.commands import azora as azora_here
from tests.support.gated import ADA, BOB, DEV, EDIT, R0, R1, digest, gated, selector, service

CAROL = "oidc:carol"  # of the group
CI, NOBODY = "system:serviceaccount:ci:deployer", "system:serviceaccount:ci:nobody"
WHY = ("-m", "seen on staging")


@pytest.fixture
def asking(server: ApiServer) -> Asking:
    """A run that asks two people; Bob wrote one of the commits."""
    people = {"people": {"bob@example.org": BOB}, "approvers": {"users": [ADA, BOB], "groups": ["oidc:release"]}}
    found = Asking(gated(server, minimum=2, **people), authors=("bob@example.org", "eve@example.org"))
    found.ask()
    return found


Command = Callable[..., Done]


@pytest.fixture
def azora(asking: Asking) -> Command:
    """Run a command as on the machine of a user, who has the environment's file and the own kubeconfig."""
    shop = asking.shop
    folder = shop.server.folder / f"files-of-{shop.environment.name}"
    folder.mkdir(exist_ok=True)
    content = shop.environment.model_dump(mode="json", exclude={"name", "context", "branch", "proof"})
    (folder / f"{shop.environment.name}.yaml").write_text(yaml.safe_dump(content))

    def run(user: str, *words: str) -> Done:
        """*user*: a name, or the pipeline's account with its own token."""
        groups = ("oidc:release", "system:authenticated") if user == CAROL else ("system:authenticated",)
        known = {
            "AZORA_APPLICATION": "shop",
            "AZORA_ENVIRONMENTS": str(folder),
            "AZORA_NODE": "none",
            "AZORA_KUBECONFIG": str(
                shop.server.folder / f"{shop.environment.name}.kubeconfig"
                if user == "pipeline"
                else shop.server.kubeconfig(user, *groups)
            ),
            "AZORA_STATE": str(folder / "state"),
        }
        with patch.dict(os.environ), temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
            for name in [name for name in os.environ if name.startswith("AZORA_")]:
                del os.environ[name]  # another test may have read those of a node
            return azora_here(known, *words)

    return run


def test_approvals_of_two(asking: Asking, azora: Command) -> None:
    """Two people approve by the printed command; without Prefect the approval stands, with a warning."""
    run, why = asking.run[:8], WHY
    listed = azora(ADA, "approvals")
    assert "0 of 2 approvals: 2 more people" in listed.stdout
    assert f"{ADA}, {BOB}, group oidc:release, but no author of the commits" in listed.stdout
    unnamed = azora(ADA, "approve", run, *why)
    assert unnamed.returncode == 2
    (command,) = [line for line in unnamed.stderr.splitlines() if "--plan" in line]
    plan = command.split("--plan ")[1].split()[0]
    first = azora(ADA, "approve", run, "--plan", plan, *why)
    assert first.returncode == 0, first.stderr
    assert f"{ADA} approved plan {plan}: 1 of 2 approvals: 1 more person (approved by {ADA})" in first.stdout
    assert "the answer is written, but the run was not woken: could not wake run" in first.stderr
    second = azora(CAROL, "approve", run, "--plan", plan, *why, "--no-resume", "--json")
    assert second.stderr == ""
    assert json.loads(second.stdout)["approved_by"] == [ADA, CAROL]
    assert asking.tally().is_enough
    (waits,) = json.loads(azora(ADA, "approvals", "--json").stdout)["waiting"]
    assert (waits["by"], waits["still_needed"], waits["plan"]) == ("cluster", 0, asking.plan.hash)


@pytest.mark.attack(
    "`azora approve` as an author, without the right, of another plan, in another name", by="azora approve"
)
def test_answers_that_are_refused(asking: Asking, azora: Command) -> None:
    """An author, a person without the right, another plan, another name: refused before anything is written."""
    run, plan, why = asking.run[:8], asking.plan.hash[:12], WHY
    for user, words, reason in (
        (BOB, ("--plan", plan), "this person wrote one of the commits"),
        (DEV, ("--plan", plan), "this user has no right to approve"),
        (ADA, ("--plan", "f" * 12), f"the run waits with plan {plan}"),
        (ADA, ("--plan", plan, "--as", BOB), "the cluster knows who you are"),
    ):
        found = azora(user, "approve", run, *words, *why)
        assert found.returncode in {2, 3}
        assert reason in found.stderr
    assert asking.tally().voices == ()


def test_rejection_by_a_person(asking: Asking, azora: Command) -> None:
    """A rejection needs the right and a reason, and is written like an approval; an author may reject."""
    run = asking.run[:8]
    assert "the reason has 5 letters" in azora(BOB, "reject", run, "-m", "short").stderr
    done = azora(BOB, "reject", run, "-m", "carts are empty", "--no-resume")
    assert f"{BOB} rejected plan {asking.plan.hash[:12]}\n" in done.stdout
    (rejection,) = asking.tally().rejections
    assert (rejection.who, rejection.answer.reason) == (BOB, "carts are empty")


@pytest.mark.parametrize(
    ("user", "said"),
    [
        pytest.param(
            user,
            said,
            id=what,
            marks=pytest.mark.attack(f"a workflow calls `azora approve` with {what}", by=by),
        )
        for user, said, what, by in (
            (CI, "has no right to approve in", "an account that may edit everything", "policy azora-approvals"),
            ("pipeline", "has no right to approve in", "the pipeline's account", "policy azora-approvals"),
            (NOBODY, "forbidden", "an account without rights", "RBAC"),
        )
    ],
)
def test_approval_by_a_workflow(
    asking: Asking, azora: Command, user: str, said: str, refused_by: Callable[[AzoraError], None]
) -> None:
    """The command refuses a credential that is no approver's; so does the cluster, where the workflow writes it itself."""
    shop = asking.shop
    for role in EDIT:
        shop.bind(CI, role)
    found = azora(user, "approve", asking.run[:8], "--plan", asking.plan.hash[:12], *WHY)
    assert found.returncode != 0
    assert said in found.stderr
    with pytest.raises(Refused) as refused:
        shop.approve(user, NEW.label, digest(2))
    refused_by(refused.value)
    assert asking.tally().voices == ()


NOBODY_WAITS = "no request that waits in the cluster has this id"
RUN_GIVEN = [
    pytest.param("", "could not find a run: no id was given", id="empty"),
    pytest.param("1f2", NOBODY_WAITS, id="fewer than 8 digits"),
    pytest.param("00000000", NOBODY_WAITS, id="unknown"),
]


@pytest.mark.parametrize(("run", "said"), RUN_GIVEN)
def test_run_that_does_not_wait(asking: Asking, azora: Command, run: str, said: str) -> None:
    """No other request is answered instead, and the error names the command that lists them."""
    assert asking.run.startswith("1f2")
    for command in ("approve", "reject"):
        found = azora(ADA, command, run, "--plan", asking.plan.hash, "-m", "seen on staging")
        assert found.returncode == 2
        assert said in found.stderr
        assert "`azora approvals`" in found.stderr
    assert asking.tally().voices == asking.tally().rejections == ()


def test_answer_of_a_stranger(asking: Asking, azora: Command) -> None:
    """The error is what the cluster said, not that Prefect is away; it names who gives the right."""
    found = azora("oidc:stranger", "approve", asking.run[:8], "--plan", asking.plan.hash, "-m", "seen on staging")
    assert found.returncode == 3
    assert "is forbidden" in found.stderr
    assert "the environment's file names people" in found.stderr
    assert "Prefect" not in found.stderr


def test_approvals_that_suffice(asking: Asking, azora: Command) -> None:
    """A run that still sleeps is to be woken; another approval is not requested."""
    for user in (ADA, CAROL):
        azora(user, "approve", asking.run[:8], "--plan", asking.plan.hash, "-m", "seen on staging", "--no-resume")
    listed = azora(ADA, "approvals").stdout
    assert "the run still sleeps: Resume on its page wakes it" in listed
    assert "azora approve" not in listed


def test_void_request(asking: Asking, azora: Command) -> None:
    """A request that nobody can approve any more has what to do instead."""
    moved = selector(R0, "green")
    asking.shop.patch("admin", service(R1), {"spec": {"selector": moved}})
    listed = azora(ADA, "approvals").stdout
    assert "choose Resume on the run's page" in listed
    assert "azora approve" not in listed
