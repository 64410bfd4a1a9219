"""Approvals of people of the cluster, each with the own Role alone, on a real API server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from azora.core.cluster.record import Replacement, Switch, annotation_of
from azora.core.colors import Color
from azora.core.gate.pod_images import digests_of
from azora.core.promotion.approval import Decision
from azora.core.record.entry import readable
from azora.core.record.events import Approved
from azora.errors import AzoraError, Refused
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.approved_store import approved_of, write_approved
from azora.gateways.kubernetes.gate import turn_off
from azora.gateways.kubernetes.record_store import questions_of
from azora.operations.approving import give
from azora.operations.counting import tally_now
from azora.operations.gate_check import must_be_enforced
from azora.operations.record import answers
from azora.operations.record.export import export
from tests.support.api_server import ApiServer
from tests.support.asked import DATABASE, NEW, Asking
from tests.support.gated import ADA, ANSWER, BOB, DEV, NOW, R1, Gated, configuration, digest, gated, selector

PEOPLE = {"people": {"dev@example.org": ADA}}


@pytest.fixture
def asking(server: ApiServer) -> Asking:
    """A run that asks two people."""
    found = Asking(gated(server, minimum=2, **PEOPLE))
    found.ask()
    return found


def test_two_people(asking: Asking) -> None:
    """One is not enough, two are; the release and all its images count for the cluster, and the record holds."""
    assert asking.answer(ADA).still_needed == 1
    assert not asking.tally().is_enough
    assert asking.answer(BOB).is_enough
    assert [voice.who for voice in asking.tally().counted] == [ADA, BOB]
    items = (NEW.label, digest(2), *digests_of([DATABASE]))
    assert approved_of(asking.shop.namespace).missing(items, 2) == ()
    approval = asking.approve()
    found = export(asking.cluster())
    entries = readable(found.lines)
    given = [(entry.who, entry.event.by) for entry in entries if isinstance(entry.event, Approved)]
    assert given == [(ADA, "cluster"), (BOB, "cluster")]
    assert found.fault() is None
    assert asking.cluster().record.approvals() == (approval,)


@pytest.mark.attack("an answer to a superseded request", by="azora approve")
def test_superseded_request(asking: Asking) -> None:
    """A request that a newer one replaced takes no answer, and the error names the newer run."""
    cluster = asking.cluster()
    (asked,) = questions_of(cluster.record.read())
    newer = asked.model_copy(update={"replaced": Replacement(run="5a6b7c8d-0000", release="r")})
    cluster.record.add_question(newer)
    with pytest.raises(Refused, match="run 5a6b7c8d began later") as caught:
        asking.answer(ADA)
    assert "`azora approve 5a6b7c8d`" in caught.value.advice
    cluster.record.renew_question(asked)
    with pytest.raises(Refused, match="run 5a6b7c8d began later"):  # a woken run does not undo it
        asking.answer(ADA)


def test_page_of_an_approver(asking: Asking) -> None:
    """The plan from a fresh look; an image that nobody approved before stands out."""
    asking.answer(ADA)
    page = asking.waiting(BOB).page
    assert f"1 of 2 approvals: 1 more person (approved by `{ADA}`)" in page
    assert "Sell more" in page
    assert DATABASE in page
    assert asking.plan.hash[:12] in page


def test_rights_of_an_approver(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Secret and no pod is read, and nothing is written but azora-approved."""
    seen: list[tuple[str, str]] = []
    plain = Api._answered

    def counted(self: Api, method: str, path: str, **more: Any) -> Any:
        seen.append((method, path))
        return plain(self, method, path, **more)

    with pytest.raises(Refused, match="forbidden"):
        asking.shop.as_(ADA).get(f"{asking.shop.namespace.core}/secrets")
    monkeypatch.setattr(Api, "_answered", counted)
    asking.answer(ADA)
    assert not [path for _, path in seen if "secrets" in path or "pods" in path]
    written = {path.rpartition("/")[2] for method, path in seen if method != "GET"}
    assert written == {"selfsubjectreviews", "selfsubjectaccessreviews", "azora-approved"}


@pytest.mark.attack(
    "an author approves the own commit, by the command and by a line", by="the count of approvals in the cluster"
)
def test_author_of_a_commit(asking: Asking) -> None:
    """The command refuses early; a line that is written all the same does not count for the run."""
    asking.authors = ("Dev@example.org",)
    asking.ask()
    with pytest.raises(Refused, match="this person wrote one of the commits") as caught:
        asking.answer(ADA)
    assert BOB in caught.value.advice
    asking.answer(ADA, Decision.REJECT)
    assert asking.tally().rejections
    asking.authors = ()
    asking.ask()
    asking.answer(ADA)
    tally = asking.tally(("dev@example.org",))
    assert [voice.why for voice in tally.left_out] == ["that person wrote one of the commits"]


@pytest.mark.attack("answers to an earlier attempt of the run", by="the count of approvals in the cluster")
def test_another_attempt(asking: Asking) -> None:
    """A Retry asks anew: answers to the first attempt do not count, with the very same plan."""
    asking.answer(ADA)
    asking.answer(BOB)
    assert asking.tally().is_enough
    asking.ask(attempt=2)
    tally = asking.tally()
    assert [voice.why for voice in tally.left_out] == ["it is to an earlier request of the run"] * 2
    assert asking.answer(ADA).still_needed == 1


@pytest.mark.attack("answers that an approval of the run used up", by="the count of approvals in the cluster")
def test_approval_that_was_used_up(asking: Asking) -> None:
    """Answers of before an approval of the run do not count again, whatever the run's labels say."""
    for user in (ADA, BOB):
        asking.answer(user)
    asking.approve()
    assert {voice.why for voice in asking.tally().left_out} == {"it was used up by an earlier attempt of the run"}


@pytest.mark.attack("answers to another run with the very same plan", by="the count of approvals in the cluster")
def test_another_run(asking: Asking) -> None:
    """A run counts the answers to its own request alone."""
    for user in (ADA, BOB):
        asking.answer(user)
    subject, other = asking.subject(), Asking(asking.shop, run="5a6b7c8d-0000-4000-8000-000000000001")
    asked = other.ask()
    assert asked.plan == subject.plan
    theirs = replace(subject, run=other.run, since=asked.since)
    assert tally_now(other.cluster(), theirs, ()).voices == ()


def test_plan_asked_again(asking: Asking) -> None:
    """The same plan goes on to be asked: what was given counts, and the deadline stays."""
    first = asking.last
    asking.answer(ADA)
    again = asking.ask()
    assert first
    assert (again.since, again.first_at) == (first.since, first.first_at)
    assert asking.answer(BOB).is_enough
    seen = [answers.seen(asking.cluster(), first.plan, asking.run, since) for since in (None, again.since, NOW)]
    assert seen[0] == seen[1]
    assert seen[2] is None


def test_rejection(asking: Asking) -> None:
    """One rejection ends it, whoever approved."""
    asking.answer(ADA)
    tally = asking.answer(BOB, Decision.REJECT, "carts are empty")
    assert [(one.who, one.answer.reason) for one in tally.rejections] == [(BOB, "carts are empty")]
    assert not tally.is_enough


def test_approval_that_is_taken_back(asking: Asking) -> None:
    """A rejection by a person who had approved removes that person's lines: the cluster counts them no more."""
    asking.answer(ADA)
    assert ADA in approved_of(asking.shop.namespace).people(NEW.label)
    asking.answer(BOB)
    asking.answer(ADA, Decision.REJECT)
    found = approved_of(asking.shop.namespace)
    assert [found.people(item) for item in (NEW.label, digest(2))] == [{BOB}, {BOB}]
    assert not found.counts(NEW.label, 2)


@pytest.mark.attack("a developer writes an answer to a request", by="policy azora-approvals")
def test_person_without_the_right(asking: Asking, refused_by: Callable[[AzoraError], None]) -> None:
    """A developer who may edit everything is refused by the command, and by the cluster."""
    with pytest.raises(Refused, match="this user has no right to approve"):
        asking.answer(DEV)
    shop, waiting = asking.shop, asking.waiting(ADA)
    with pytest.raises(Refused, match="written by people with the right to approve") as refused:
        write_approved(shop.of(DEV), lambda found: found.with_answer(_answer_of(waiting.asked.items), DEV))
    refused_by(refused.value)
    assert asking.tally().voices == ()


@pytest.mark.attack("another environment's file, of an approver or of the run", by="the comparison with the cluster")
def test_environment_file_that_differs(asking: Asking) -> None:
    """Another file than the cluster's is named to the approver and to the run."""
    asking.shop = replace(asking.shop, environment=configuration(asking.shop.environment.name, minimum=1))
    with pytest.raises(Refused, match="the cluster's minimum is 2, the file's 1"):
        asking.waiting(ADA)
    with pytest.raises(Refused, match="the cluster's minimum is 2, the file's 1") as caught:
        must_be_enforced(asking.cluster())
    assert "azora rights apply" in caught.value.advice


@pytest.mark.attack("an answer to a plan that a switch made stale", by="azora approve")
def test_switch_after_the_request(asking: Asking) -> None:
    """A request whose plan does not hold any more is refused with the difference."""
    entry = Switch(number=2, at=NOW, kind="switch", came_from=Color.BLUE, to=Color.BLUE, release=R1, by="ada")
    note = {"azora.dev/switches": annotation_of((entry,))}
    live = f"{asking.shop.namespace.core}/services/shop"
    asking.shop.as_("pipeline").patch(live, {"metadata": {"annotations": note}, "spec": {"selector": selector(R1)}})
    with pytest.raises(Refused, match="the last switch is number 2, not 1"):
        asking.waiting(ADA)


@pytest.mark.attack("an answer that names the head of another record", by="the count of approvals in the cluster")
def test_request_that_somebody_changed(asking: Asking) -> None:
    """An answer with a head of another record does not count."""
    waiting = asking.waiting(ADA)
    foreign = replace(waiting, asked=replace(waiting.asked, head=replace(waiting.asked.head, hash="f" * 64)))
    give(foreign, Decision.APPROVE, "seen on staging", ADA)
    assert [voice.why for voice in asking.tally().left_out] == ["it names another record than this one"]


@pytest.mark.attack("a workflow releases and approves with one account", by="the run, before its request")
def test_account_that_may_approve(asking: Asking) -> None:
    """A run whose own account may approve is refused; so is one of a gate that is off."""
    must_be_enforced(asking.cluster())
    shop = asking.shop
    account = {"kind": "ServiceAccount", "namespace": "azora-system", "name": shop.name}
    body = {
        "metadata": {"name": "too-much"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "azora-approve"},
        "subjects": [account],
    }
    shop.as_("admin").create(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{shop.name}/rolebindings", body)
    with pytest.raises(Refused, match="the account that runs may approve by itself"):
        must_be_enforced(asking.cluster())
    turn_off(shop.namespace)
    with pytest.raises(Refused, match="the namespace has no label"):
        must_be_enforced(asking.cluster())


def test_own_lines_that_are_pruned(server: ApiServer) -> None:
    """Stale lines of the approver go with the next answer; what runs and what others wrote stays."""
    shop = gated(server)
    shop.approve(ADA, "8" * 40, R1)
    shop.approve(BOB, "8" * 40)
    _age(shop, ADA)
    asking = Asking(shop)
    asking.ask()
    asking.answer(ADA)
    found = approved_of(shop.namespace)
    assert found.people("8" * 40) == {BOB}
    assert ADA in found.people(R1)
    assert ADA in found.people(NEW.label)


def _age(shop: Gated, user: str) -> None:
    """Turn the answers of *user* into expired ones."""
    write_approved(shop.of(user), lambda found: replace(found, plans=tuple(
        line.replace('"expires_at":"2026-11-30', '"expires_at":"2026-11-01') if line.endswith(user) else line
        for line in found.plans
    )))  # fmt: skip


def _answer_of(items: tuple[str, ...]) -> Any:
    return ANSWER.model_copy(update={"items": items})
