"""End of a superseded request: its run, its page, a notification, and its entry in the record.

The mark of the request in the record decides. All that follows from the mark may be done again after a kill, by any process.
"""

from __future__ import annotations

from collections.abc import Sequence

from azora.config.settings import Settings
from azora.core.cluster.record import Question, Replacement
from azora.core.messages import superseded
from azora.core.record.entry import readable
from azora.core.record.events import Requested, Superseded
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.record_store import questions_of
from azora.gateways.notify.sending import send
from azora.gateways.prefect.old_runs import leave_page
from azora.gateways.prefect.runs import page_of
from azora.gateways.prefect.superseded_runs import end_superseded
from azora.operations.record.writing import write


def end_request(cluster: Cluster, asked: Question, settings: Settings) -> list[str]:
    """End the run of *asked*, which gave way; returns warnings about notifications.

    Raises:
        NotReadyYet: that run is at work, and ends itself when it comes to its request.
    """
    name, newer = cluster.namespace.environment.name, asked.replaced
    if newer is None:
        return []
    _record(cluster, asked, newer)
    there = end_superseded(asked.run, superseded.message(name, newer), key=asked.key, application=settings.application)
    if asked not in questions_of(cluster.record.read()):
        return []  # that run has ended itself meanwhile
    troubles = _told(name, asked, newer, settings) if there else []
    cluster.record.remove_question(asked.run)
    return troubles


def end_own(cluster: Cluster, run: str, settings: Settings) -> list[str]:
    """Do the same for *run*, which is this process's and ends itself.

    The request stays in the record, so that a repetition finds it. Where it is gone, another process did the same.
    """
    troubles = []
    for asked in questions_of(cluster.record.read()):
        if asked.run == run and asked.replaced:
            _record(cluster, asked, asked.replaced)
            troubles += _told(cluster.namespace.environment.name, asked, asked.replaced, settings)
    return troubles


def take(cluster: Cluster, key: str, run: str) -> Replacement | None:
    """Take the request *key* of *run*, which was answered; returns what replaced it before.

    Prefect may have resumed the run while another process ended it: that process took the request, and left an entry.
    """
    if asked := cluster.record.take_question(run):
        return asked.replaced
    return _replaced_before(cluster, key, run)


def replacement(cluster: Cluster, key: str, run: str) -> Replacement | None:
    """Return what replaced the request *key* of *run*, as `take` does; the request stays."""
    asked = next((one for one in questions_of(cluster.record.read()) if one.run == run), None)
    return asked.replaced if asked else _replaced_before(cluster, key, run)


def _replaced_before(cluster: Cluster, key: str, run: str) -> Replacement | None:
    last = cluster.log.find(lambda lines: _last(lines, key, run))
    return Replacement(run=last.by_run, release=last.by_release) if isinstance(last, Superseded) else None


def _last(lines: Sequence[str], key: str, run: str) -> Requested | Superseded | None:
    """Last entry about the request *key* of *run* among *lines*."""
    for entry in reversed(readable(lines)):
        if isinstance(entry.event, Requested | Superseded) and (entry.event.key, entry.run) == (key, run):
            return entry.event
    return None


def _record(cluster: Cluster, asked: Question, newer: Replacement) -> None:
    event = Superseded(
        key=asked.key, release=asked.release, plan=asked.plan, by_run=newer.run, by_release=newer.release
    )
    why = f"run {newer.run} requests an approval of {newer.title or newer.release}"
    write(cluster, event, who=newer.run, run=asked.run, why=why)


def _told(environment: str, asked: Question, newer: Replacement, settings: Settings) -> list[str]:
    """Leave the page of the older run, and send the notification."""
    link = page_of(newer.run)
    key, title = f"{environment}-superseded", f"Superseded request for {environment}"
    leave_page(asked.run, key, superseded.page(environment, asked, newer, link), title)
    return send(superseded.notice(environment, asked, newer, link), settings)
