"""Who is told of what, where it is known. Nothing here fails or holds up a run: an address that is away is a line in its log."""

from __future__ import annotations

from dataclasses import replace
from logging import Logger, LoggerAdapter

from prefect import get_run_logger

from azora.errors import AzoraError
from azora.gateways.cluster import Cluster
from azora.gateways.notifying import addresses, send
from azora.gateways.orchestrator import page_of
from azora.notices import Notice, of_switch, waiting
from azora.plan import Plan
from azora.settings import settings
from tasks.places import environment_called, this_run

Log = Logger | LoggerAdapter[Logger]


def question(shown: Plan) -> None:
    """A person is asked about *shown*."""
    _tell(waiting(shown, page_of(this_run())), get_run_logger())


def last_switch(environment: str, cluster: Cluster) -> None:
    """What the newest switch came to, where this run made it; a good one only where the environment's file wants it told."""
    log = get_run_logger()
    try:
        if not addresses(settings()):
            return
        wanted = environment_called(environment).notices
        notice = of_switch(environment, cluster.look(), run=this_run(), link=page_of(this_run()))
    except AzoraError as error:
        log.warning("nobody was told of the switch: %s", error.message)
        return
    if notice and (notice.kind != "success" or wanted == "all"):
        _tell(notice, log)


def _tell(notice: Notice, log: Log) -> None:
    """Several applications may tell the same people."""
    for trouble in send(replace(notice, title=f"{settings().application}: {notice.title}"), settings()):
        log.warning(trouble)
