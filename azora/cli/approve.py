"""`azora approve` and `azora reject`: an answer to one plan, which the person saw."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from azora.cli.apps import App
from azora.cli.options import ME, Approver, AsJson, WaitingRun, ask_why
from azora.cli.output import done, emit, note, print_plan, program
from azora.config.settings import settings
from azora.core.promotion.approval import NAME_LETTERS, REASON_LETTERS, Decision, line_to_copy
from azora.errors import AzoraError, BadInput, Refused
from azora.gateways.prefect import runs
from azora.gateways.prefect.runs import Run, run_called
from azora.gateways.prefect.waiting_plan import PREFIX_DIGITS, WaitingPlan, waiting_plan

if TYPE_CHECKING:
    from azora.core.cluster.record import Question
    from azora.gateways.kubernetes.cluster import Cluster

app = App()

LISTED = "`azora approvals` lists the requests that wait; give the id of one, or its first 8 digits"

Reason = Annotated[str, typer.Option("--reason", "-m", help="Reason, stored with the answer; at least 8 letters.")]
PlanHash = Annotated[str, typer.Option("--plan", help="Hash of the plan; the first 12 digits suffice.")]


Resume = Annotated[
    bool,
    typer.Option("--resume/--no-resume", help="With `approval.by: cluster`: wake the run once the answer is written."),
]


@app.command()
def approve(
    run: WaitingRun,
    reason: Reason = "",
    plan: PlanHash = "",
    approver: Approver = ME,
    *,
    resume: Resume = True,
    as_json: AsJson = False,
) -> None:
    """Show the plan that RUN waits with, and approve it and no other. Without a terminal --plan names it.

    With `approval.by: cluster` the plan is computed again from the cluster, and the user of the kubeconfig approves.
    """
    _answer(run, Decision.APPROVE, approver, reason, plan, resume=resume, as_json=as_json)


@app.command()
def reject(
    run: WaitingRun,
    reason: Reason = "",
    plan: PlanHash = "",
    approver: Approver = ME,
    *,
    resume: Resume = True,
    as_json: AsJson = False,
) -> None:
    """Reject the plan that RUN waits with: the environment stays as it is."""
    _answer(run, Decision.REJECT, approver, reason, plan, resume=resume, as_json=as_json)


def _answer(
    run: str, decision: Decision, approver: str, reason: str, named: str, *, resume: bool, as_json: bool
) -> None:
    """Answer in the cluster where a request for people waits there, else in the run's form."""
    from azora.cli.cluster_approve import answer_as_person  # noqa: PLC0415 - a form needs no cluster

    if not run.strip():
        raise BadInput("could not find a run: no id was given", advice=LISTED)
    found = _request_of(run)
    if found is None:
        answer(run, decision, approver, reason, named, as_json=as_json)
        return
    if approver != ME:
        raise BadInput(
            f"could not answer as {approver!r}: the cluster knows who you are by your kubeconfig",
            advice="leave --as out; AZORA_KUBECONFIG or AZORA_KUBE_CONTEXT names your own user",
        )
    answer_as_person(*found, decision, reason, named, resume=resume, as_json=as_json)


def _request_of(run: str) -> tuple[Cluster, Question] | None:
    """The request of *run* to people of the cluster; None where the run has a form.

    Raises:
        BadInput: neither the cluster nor Prefect knows the run.
        AzoraError: the same, and a cluster was not read.
    """
    from azora.operations.approving import find_waiting, gated  # noqa: PLC0415 - a form needs no cluster

    if not gated(settings()):
        return None
    found, errors = find_waiting(run, settings())
    if found:
        return found
    try:
        called = run_called(run, application=settings().application)
    except AzoraError as error:
        if errors:
            raise errors[0] from error
        raise BadInput(
            f"could not find run {run!r}: no request that waits in the cluster has this id, and {error.message.partition(': ')[2]}",
            advice=LISTED,
        ) from error
    found, errors = find_waiting(called.id, settings())
    for trouble in errors:
        typer.echo(f"warning: {trouble.message}", err=True)
    return found


def answer(run: str, decision: str, approver: str, reason: str, named: str, *, as_json: bool) -> None:
    """Show the plan, make sure that it is the one that is meant, and send the answer with its whole hash.

    Raises:
        BadInput: neither a terminal asks nor the command line says which plan is meant, or why.
        Refused: another plan waits by now; the run waits on.
    """
    found = run_called(run, application=settings().application)
    waits = waiting_plan(found.id)
    if decision == Decision.APPROVE and not waits.by_form:
        raise Refused(
            f"could not answer run {found.name!r} by its form: people whom the cluster knows approve it",
            advice="use your own kubeconfig (AZORA_KUBECONFIG, AZORA_KUBE_CONTEXT), and the environment's file: docs/approvals.md",
        )
    if named:
        waits.must_be(named)
    if not as_json:
        print_plan(waits.text)
    if not named and decision == "approve":
        _confirm(found, waits)
    why = reason or ask_why()
    _must_be_long_enough(approver, why)
    runs.answer(
        found.id, application=settings().application, decision=decision, approver=approver, reason=why, plan=waits.hash
    )
    sentence = f"{found.name}: {decision} by {approver}, plan {waits.hash[:PREFIX_DIGITS]}"
    done(sentence, {"run": found.id, "decision": decision, "plan": waits.hash}, as_json=as_json)
    note(sentence, run=found.id, run_name=found.name, by=approver)
    emit(f"  the run continues: {found.url}", as_json=as_json)


def _confirm(run: Run, waits: WaitingPlan) -> None:
    if not sys.stdin.isatty():
        raise BadInput(
            f"could not approve run {run.name!r}: without a terminal, nobody can confirm its plan",
            advice=f"read the plan (`azora plan {run.id[:8]}`), then: {line_to_copy(run.id, waits.hash, program())}",
        )
    if not typer.confirm(f"Approve plan {waits.hash[:PREFIX_DIGITS]}?"):
        raise typer.Exit(1)


def _must_be_long_enough(approver: str, reason: str) -> None:
    """Raise BadInput for what the form would refuse."""
    for what, text, least in (("name", approver, NAME_LETTERS), ("reason", reason, REASON_LETTERS)):
        if len(text.strip()) < least:
            raise BadInput(
                f"could not answer: the {what} {text!r} is too short",
                advice=f"give at least {least} letters ({'--as' if what == 'name' else '-m'}); the text is stored with the answer",
            )
