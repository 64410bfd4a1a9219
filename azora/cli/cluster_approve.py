"""Answers of `azora approve` and `azora reject` as the own user of the cluster."""

from __future__ import annotations

import sys

import typer

from azora.cli.options import ask_why
from azora.cli.output import done, emit, note, print_plan, program
from azora.core.cluster.record import Question
from azora.core.gate.tally import Tally
from azora.core.messages.foreign_text import line
from azora.core.messages.tally_text import left_out, sentence
from azora.core.promotion.approval import REASON_LETTERS, REASON_LETTERS_AT_MOST, Decision, line_to_copy
from azora.core.release.release import shown
from azora.errors import AzoraError, BadInput
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.prefect.waiting_plan import WaitingPlan
from azora.operations.approving import Waiting, give, look, must_be_able_to_answer

ADDRESS_LETTERS = 2000
ANSWERED = {Decision.APPROVE: "approved", Decision.REJECT: "rejected"}
WAKE = "*Resume* on the run's page wakes it, or this command once more with PREFECT_API_URL and PREFECT_API_AUTH_STRING set"


def answer_as_person(
    cluster: Cluster, question: Question, decision: Decision, reason: str, named: str, *, resume: bool, as_json: bool
) -> None:
    """Show the plan from a fresh look, write the answer as the person of the kubeconfig, and wake the run.

    Raises:
        BadInput: neither a terminal nor the command line confirms the plan, or no reason was given.
        Refused: the plan is void, or this person may not answer.
    """
    waiting = look(cluster, question)
    if named:
        WaitingPlan(waiting.asked.run, waiting.asked.plan, "").must_be(named)
    if not as_json:
        print_plan(waiting.page, line(waiting.asked.more.evidence, ADDRESS_LETTERS))
    user = must_be_able_to_answer(waiting, decision)
    if not named and decision is Decision.APPROVE:
        _confirm(waiting, user)
    tally = give(waiting, decision, _long_enough(reason or ask_why()), user)
    _report(waiting, decision, user, tally, as_json=as_json)
    if resume:
        _wake(waiting, as_json=as_json)


def _report(waiting: Waiting, decision: Decision, user: str, tally: Tally, *, as_json: bool) -> None:
    asked, name = waiting.asked, waiting.environment.name
    answered = f"{name}: {line(user)} {ANSWERED[decision]} plan {shown(asked.plan)}"
    said = f"{answered}: {sentence(tally)}" if decision is Decision.APPROVE else answered
    data = {
        "run": asked.run,
        "environment": name,
        "decision": decision,
        "plan": asked.plan,
        "by": user,
        "approved_by": [voice.who for voice in tally.counted],
        "still_needed": tally.still_needed,
        "enough": tally.is_enough,
    }
    done(said, data, as_json=as_json)
    for text in left_out(tally):
        emit(f"  {text}", as_json=as_json)
    note(said, run=asked.run, environment=name, by=user)


def _wake(waiting: Waiting, *, as_json: bool) -> None:
    """Wake the run; the answer stands also where that fails."""
    from azora.gateways.prefect.runs import page_of  # noqa: PLC0415 - slow to import
    from azora.gateways.prefect.waking import wake  # noqa: PLC0415 - slow to import

    try:
        woken = wake(waiting.asked.run, waiting.asked.plan)
    except AzoraError as error:
        typer.echo(f"warning: the answer is written, but the run was not woken: {error.message}", err=True)
        advice = error.advice if isinstance(error, BadInput) else WAKE
        typer.echo(f"  → {advice}", err=True)
        return
    emit(f"  the run {'looks again' if woken else 'is over'}: {page_of(waiting.asked.run)}", as_json=as_json)


def _confirm(waiting: Waiting, user: str) -> None:
    asked = waiting.asked
    if not sys.stdin.isatty():
        raise BadInput(
            f"could not approve run {asked.run[:8]}: without a terminal, nobody can confirm its plan",
            advice=f"read the plan above, then: {line_to_copy(asked.run, asked.plan, program())}",
        )
    if not typer.confirm(f"Approve plan {shown(asked.plan)} of {waiting.environment.name} as {line(user)}?"):
        raise typer.Exit(1)


def _long_enough(reason: str) -> str:
    text = reason.strip()
    if not REASON_LETTERS <= len(text) <= REASON_LETTERS_AT_MOST:
        raise BadInput(
            f"could not answer: the reason has {len(text)} letters",
            advice=f"give {REASON_LETTERS} to {REASON_LETTERS_AT_MOST} letters (-m); the text is stored with the answer",
        )
    return text
