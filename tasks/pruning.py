"""Keep the machine small, as a step of the night."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from azora.config.settings import settings
from azora.operations import pruning
from tasks import artifacts


@task(task_run_name="prune", cache_policy=NO_CACHE)
def prune() -> None:
    """Remove what is old.

    An error does not fail a nightly run: it is a warning on the run's page.
    """
    log = get_run_logger()
    try:
        parts = pruning.prune(settings(), dry_run=False)
    except Exception as error:
        log.warning("could not prune: %s", error)
        artifacts.pruned([pruning.Part("all", trouble=str(error))])
        return
    for part in parts:
        log.info("pruned %d of %d %s", len(part.gone), len(part.gone) + len(part.kept), part.kind)
        if part.trouble:
            log.warning("%s: %s", part.kind, part.trouble)
    artifacts.pruned(parts)
