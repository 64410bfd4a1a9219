"""Approval of people without a waiting process: the run suspends, and restarts when resumed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger

from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.cluster.record import Approval
from azora.core.release.release import Release
from azora.errors import AzoraError
from azora.host.retry import retried
from azora.operations.promotion.shown import Shown
from azora.operations.record import answers
from tasks.approval_forms import ask_by_form
from tasks.cluster_approval import ask_people
from tasks.context import cluster_of, environment_called, this_run


def ask(environment: str, release: Release, shown: Shown) -> Approval | None:
    """Suspend until the plan that holds now is approved by the environment's rule; None: rejected.

    A resumed run comes here again from its top. Where the plan is another one by now, an approval is void, and the run requests one of
    the new plan, naming what is different.

    Raises:
        Superseded: a run that began later waits here, too; this run ends.
    """
    by_people = environment_called(environment).has_a_gate
    return (ask_people if by_people else ask_by_form)(environment, release, shown)


@contextmanager
def use_up_approval(environment: str) -> Iterator[None]:
    """Use up the approval of a failed promotion, so that a retry requests another.

    A killed promotion continues with its approval.
    """
    try:
        yield
    except Exception as error:
        with suppress(AzoraError):  # the hook at the run's end tries again
            answers.end(cluster_of(environment), this_run(), _line(error))
        raise


def end_approvals(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """A hook for any end of a run but a crash: its approvals count no more."""
    for name in environments(settings().environments):
        try:
            if environment_called(name).approval:
                retried(answers.end)(cluster_of(name), str(flow_run.id), f"the run ended as {state.name}")
        except (AzoraError, ValueError) as error:  # a record that cannot be read
            flow_run_logger(flow_run, flow).warning("an approval in %s may still count: %s", name, error)


def _line(error: Exception) -> str:
    said = error.message if isinstance(error, AzoraError) else f"{type(error).__name__}: {error}"
    return (said.splitlines() or [type(error).__name__])[0][:300]
