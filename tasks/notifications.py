"""Notifications of a run.

No error here fails or delays the run: an unreachable address is a line in its log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from logging import Logger, LoggerAdapter
from typing import Any

from prefect import Flow, get_run_logger
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger

from azora.config.settings import settings
from azora.core.cluster.record import Switch
from azora.core.messages.annotations import Annotation, of_move, of_run
from azora.core.messages.notifications import Night, Notice, last_good, of_news, of_switch, of_the_night, waiting
from azora.core.promotion.next_step import Step
from azora.core.promotion.plan import Change, Plan
from azora.core.record.seen import News
from azora.errors import AzoraError
from azora.gateways.git.repository import changes_between
from azora.gateways.kubernetes import events
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.notify.grafana import annotate
from azora.gateways.notify.sending import addresses, send
from azora.gateways.prefect.nightly_runs import nights_until
from azora.gateways.prefect.runs import page_of
from azora.operations.promotion.context import Context
from tasks.context import environment_called, this_run

Log = Logger | LoggerAdapter[Logger]


def question(shown: Plan, *, by_people: bool = False) -> None:
    """A person is asked about *shown*; *by_people*: those whom the cluster knows."""
    _tell(waiting(shown, page_of(this_run()), this_run(), by_people=by_people), get_run_logger())


def acts(environment: str, found: Sequence[News]) -> None:
    """People froze *environment*, lifted a freeze, or overrode its gate."""
    for one in found:
        if notice := of_news(environment, one):
            _tell(notice, get_run_logger())


@contextmanager
def step(context: Context, taken: Step) -> Iterator[None]:
    """An Event in the namespace once *taken* is over: that it was done, or what it failed of."""
    try:
        yield
    except AzoraError as error:
        _event(context, taken, f"{taken} failed: {error.message}", "Warning")
        raise
    _event(context, taken, f"{taken}: {context.delivery.release.title}", "Normal")


def _event(context: Context, taken: Step, message: str, kind: events.Kind) -> None:
    reason = "".join(map(str.capitalize, taken.name.split("_")))
    if trouble := events.write_event(context.cluster.namespace, reason, message, run=context.delivery.run, kind=kind):
        get_run_logger().warning(trouble)


def last_switch(environment: str, cluster: Cluster) -> None:
    """Notify people and Grafana of the newest switch, where this run made it.

    A good switch is sent to people only where the environment's file wants it.
    """
    log = get_run_logger()
    try:
        someone = bool(addresses(settings()))
        if not someone and not settings().grafana_url:
            return
        world, wanted = cluster.look(), environment_called(environment).notices
        notice = of_switch(environment, world, run=this_run(), link=page_of(this_run())) if someone else None
    except AzoraError as error:
        log.warning("could not send the notification of the switch: %s", error.message)
        return
    if notice and (notice.kind != "success" or wanted == "all"):
        _tell(notice, log)
    _mark(of_run(settings().application, environment, world, this_run()), log)


def move_by_hand(environment: str, entry: Switch) -> None:
    """Grafana marks a switch or a rollback that a person asked for; people are not told of what they do."""
    _mark([of_move(settings().application, environment, entry)], get_run_logger())


def of_the_nightly_run(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect's signature
    """A hook for the end of a nightly run: what is new about it, by the runs before, as Prefect kept them."""
    if addresses(settings()):
        nights = nights_until(str(flow_run.id), application=settings().application)
        if notice := of_the_night(nights, _changes_since_the_last_good(nights)):
            _tell(notice, flow_run_logger(flow_run, flow))


def _changes_since_the_last_good(nights: Sequence[Night]) -> tuple[Change, ...]:
    """Empty where either commit is not known."""
    now, good = nights[0], last_good(nights)
    if now.went_well or not now.commit or good is None or not good.commit:
        return ()
    return changes_between(good.commit, now.commit, settings())


def _tell(notice: Notice, log: Log) -> None:
    for trouble in send(notice, settings()):
        log.warning(trouble)


def _mark(annotations: Sequence[Annotation], log: Log) -> None:
    for trouble in annotate(annotations, settings()):
        log.warning(trouble)
