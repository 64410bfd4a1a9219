"""Keep and verify the environments' records, as a step of the nightly run."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.record.chain import head_of
from azora.errors import AzoraError, CheckFailed
from azora.gateways.kubernetes.cluster import Cluster
from azora.operations.record.export import keep
from azora.operations.record.seen import add_news
from tasks import notifications
from tasks.context import cluster_of, this_run


def record_acts(cluster: Cluster) -> None:
    """Record and notify what people did in the cluster since the last look; an error is a warning."""
    name = cluster.namespace.environment.name
    try:
        notifications.acts(name, add_news(cluster, cluster.look(), who=this_run()))
    except AzoraError as error:
        get_run_logger().warning("could not record what people did in %s: %s", name, error.message)


@task(task_run_name="verify records", cache_policy=NO_CACHE)
def verify_records() -> None:
    """Export each environment's record and verify it against the export before.

    Raises:
        CheckFailed: a record was changed; all are verified before. One that cannot be read is a warning.
    """
    log = get_run_logger()
    faults = []
    for name in environments(settings().environments):
        try:
            record_acts(cluster_of(name))
            head = head_of(keep(cluster_of(name), settings().state_folder / "records" / name).lines)
            log.info("the record of %s holds: %d entries, head %s", name, head.number, head)
        except CheckFailed as error:
            faults.append(error)
        except AzoraError as error:
            log.warning("the record of %s was not verified: %s", name, error.message)
    if faults:
        raise CheckFailed("\n".join(error.message for error in faults), advice=faults[0].advice)
