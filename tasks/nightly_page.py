"""Page of the last nightly runs, written at the end of each one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger

from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.checks.case_history import History
from azora.core.messages.nightly import Figures, flaky, labels_of, page, receipt_by
from azora.core.promotion.plan import Change
from azora.errors import AzoraError
from azora.gateways.git.repository import changes_between
from azora.gateways.plot import draw
from azora.gateways.prefect.old_runs import leave_page, nights_in_numbers
from azora.gateways.prefect.run_labels import label
from azora.gateways.suites.history_file import histories
from azora.operations.reports.links import link
from azora.operations.reports.publishing import publish
from tasks.context import cluster_of, environment_called

KEY = "nightly-runs"


def the_nights_page(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect's signature
    """Write the page at the end of a nightly run. An error costs the page and a line in the log."""
    try:
        _leave(str(flow_run.id))
    except Exception as error:  # the run is over: nothing that a picture needs may trouble it
        flow_run_logger(flow_run, flow).warning("could not write the page of the nightly runs: %s", error)


def _leave(run: str) -> None:
    _label(run)
    nights = nights_in_numbers(run, application=settings().application)
    picture = settings().runs_folder / run / "nights.svg"
    draw(nights, picture)
    plot = link(picture, settings()) if publish([picture], settings()).has(picture) else ""
    text = page(nights, plot=plot, unreliable=flaky(_remembered()), changes=_since_the_night_before(nights))
    leave_page(run, KEY, text, "Nightly runs")


def _label(run: str) -> None:
    """The figures of the switch that the run made, kept with it: an environment's record forgets them."""
    for name in environments(settings().environments):
        with suppress(AzoraError):  # costs the figures
            if receipt := receipt_by(cluster_of(name).look(), run):
                label(run, labels_of(receipt))


def _remembered() -> dict[str, History]:
    found = [environment_called(name).hosts for name in environments(settings().environments)]
    hosts = [host for one in found for host in (one.live, one.preview)]
    return histories(settings().state_folder / "cases", hosts)


def _since_the_night_before(nights: list[Figures]) -> tuple[Change, ...] | None:
    """None where a commit is not known."""
    now, before = nights[0].night.commit, nights[1].night.commit if len(nights) > 1 else ""
    return changes_between(before, now, settings()) if now and before else None
