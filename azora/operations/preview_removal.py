"""Remove the preview of a run that is over, where the environment's policy is `preview: remove`.

Safe to repeat: what a killed process left is removed by the next run of the pipeline, or by `azora prune`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from azora.config.environment import environments, load_environment
from azora.config.settings import Settings
from azora.core.cluster.record import PreviewRecord
from azora.core.messages.markdown import code
from azora.core.promotion.preview_removal import why_kept
from azora.core.record.events import PreviewRemoved
from azora.core.release.release import shown
from azora.errors import AzoraError, Refused
from azora.gateways.helm.client import Helm
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.lease import Lease
from azora.gateways.prefect.old_runs import leave_page, over
from azora.operations.record.writing import write

SECONDS = 10  # within the Lease's duration, which is not renewed: a promotion that begins meanwhile waits

log = logging.getLogger("azora.preview")


def abandoned_preview(cluster: Cluster, *, ended: str = "") -> PreviewRecord | None:
    """The preview that may be removed now; None where the policy keeps it or anybody may use it.

    *ended* is a run that is known to be over.
    """
    policy = cluster.namespace.environment.approval
    if policy is None or policy.preview == "keep":
        return None
    found = cluster.record.preview()
    if found is None or not (found.run == ended or _is_over(found.run)):
        return None
    if why_kept(cluster.look(), found, datetime.now(UTC)):
        return None
    return found


def remove_abandoned(cluster: Cluster, settings: Settings, *, ended: str = "") -> PreviewRecord | None:
    """Remove the preview that nobody uses; returns it, and None where another one holds the Lease."""
    if (found := abandoned_preview(cluster, ended=ended)) is None:
        return None
    with _alone(cluster, found.run) as alone:
        if not alone or abandoned_preview(cluster, ended=ended) != found:
            return None
        name = cluster.namespace.stack_name(found.color)
        Helm(cluster.namespace.environment, settings).uninstall(name, timeout_seconds=SECONDS)
        _record(cluster, found)
    _leave_page(cluster.namespace.environment.name, found)
    cluster.record.forget_preview(found)
    return found


def remove_everywhere(settings: Settings, *, ended: str = "") -> list[str]:
    """Remove abandoned previews of all environments; an error is a line of the result."""
    troubles = []
    for name in environments(settings.environments):
        try:
            environment = load_environment(name, settings.environments)
            if environment.approval and environment.approval.preview == "remove":
                remove_abandoned(connect(environment, settings), settings, ended=ended)
        except (AzoraError, ValueError) as error:  # a record that cannot be read
            troubles.append(f"could not remove an abandoned preview of {name}: {error}")
    return troubles


@contextmanager
def _alone(cluster: Cluster, run: str) -> Iterator[bool]:
    """Hold the Lease for the block without renewing it; False where another one holds it."""
    lease = Lease(cluster.namespace, f"removal of the preview of {run}")
    try:
        lease.take()
    except Refused as error:
        log.info("the preview of %s stays for now: %s", run, error.message)
        yield False
        return
    try:
        yield True
    finally:
        lease.release()


def _record(cluster: Cluster, removed: PreviewRecord) -> None:
    event = PreviewRemoved(color=removed.color, release=removed.release, installed_at=removed.at)
    write(cluster, event, who=removed.run, run=removed.run, why="its run is over without a promotion")


def _leave_page(environment: str, removed: PreviewRecord) -> None:
    text = (
        f"# The preview in {environment} was removed\n\nHelm release of {removed.color}, release {code(shown(removed.release))}: "
        "the run is over without a promotion, and `approval.preview` is `remove`."
    )
    try:
        leave_page(removed.run, f"{environment}-preview-removed", text, f"Preview of {environment}")
    except AzoraError as error:  # Prefect is away, or has deleted the run
        log.warning("could not write the page of the removed preview: %s", error.message)


def _is_over(run: str) -> bool:
    """Return True for a run of Prefect that is over or deleted; a person's preview stays."""
    try:
        return bool(over([str(UUID(run))]))
    except ValueError:
        return False
