"""Registration of an application in Prefect: its deployments, and an end for runs of dead processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from azora.config.environment import environments
from azora.config.settings import ROOT, Settings
from azora.core.heartbeat import ENDS, HEARTBEAT, SILENCE, Automated
from azora.core.prefect_names import (
    KEPT,
    OLD_NAMES,
    OLD_QUEUE,
    checkout_of,
    deployments_for,
    name_of,
    names_in,
    tag_of,
)
from azora.errors import Failed
from azora.gateways.prefect.client import OVER, connected
from azora.gateways.prefect.paging import every
from azora.gateways.prefect.work_pool import close_pool
from azora.host.child_environment import child_environment
from azora.host.process import run
from azora.host.writes import System, writing

PREFECT_YAML = ROOT / "prefect.yaml"
TIMEOUT_SECONDS = 600.0


def register(settings: Settings) -> Iterator[str]:
    """Register everything, say of each part what was done. Safe to repeat, and to kill.

    Raises:
        Failed: `prefect deploy` did not work; its last lines are in the error.
        Refused: the work pool is somebody else's.
    """
    yield from close_pool(settings.application)
    wanted = deployments_for(PREFECT_YAML.read_text(), environments(settings.environments), settings.branch)
    names = names_in(wanted, settings.application)
    _deploy(wanted, settings)
    yield f"registered {len(names)} deployments: {', '.join(names)}"
    with connected("remove old deployments") as client:
        for deployment in _old(client, settings):
            yield _retire(client, deployment, settings.application)
    with connected("set up the automation for dead runs") as client:
        yield _automate(client, dead_runs(settings.application))


def _deploy(prefect_yaml: str, settings: Settings) -> None:
    """Register with Prefect's own command, which reads prefect.yaml and fails at a broken entrypoint."""
    what = "register the deployments of prefect.yaml"
    ours = {"AZORA_CHECKOUT": str(ROOT), "AZORA_APPLICATION": settings.application}
    env = child_environment("PREFECT_*", "AZORA_*") | ours
    with NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(prefect_yaml)
        file.flush()
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", file.name]
        with writing(System.PREFECT, "prefect deploy --all"):
            done = run(command, timeout_seconds=TIMEOUT_SECONDS, what=what, cwd=ROOT, env=env)
            if done.returncode:
                raise Failed(f"could not {what}: {done.tail(5)}", advice="correct what the message names, then retry")


# -- what an older version registered


def _old(client: SyncPrefectClient, settings: Settings) -> Iterator[DeploymentResponse]:
    """Deployments with old names; on a shared server, those of another checkout are left alone."""
    named = DeploymentFilter(name=DeploymentFilterName(any_=list(OLD_NAMES)))
    for deployment in list(every(client.read_deployments, deployment_filter=named)):
        checkout = checkout_of(deployment.pull_steps)
        if checkout and (settings.is_the_embedded_node or Path(checkout).resolve() == ROOT):
            yield deployment


def _retire(client: SyncPrefectClient, deployment: DeploymentResponse, application: str) -> str:
    """Move the runs of an old deployment to the application, and delete it after its last run.

    An unfinished run needs the deployment, to end well by the present code.
    """
    tag = tag_of(application)
    for schedule in deployment.schedules:
        client.delete_deployment_schedule(deployment.id, schedule.id)
    unfinished = [one for one in _tagged_runs(client, deployment.id, tag) if one.state_type not in OVER]
    if not unfinished:
        client.delete_deployment(deployment.id)
        return f"removed the old deployment {deployment.name}"
    today = client.read_deployment_by_name(f"{_flow_of(client, deployment)}/{name_of(application, deployment.name)}")
    same = {name: getattr(today, name) for name in ("entrypoint", "path", "pull_steps", "job_variables")}
    client.update_deployment(deployment.id, DeploymentUpdate(tags=sorted({*deployment.tags, tag}), **same))
    waits = ", ".join(f"{one.name} ({one.state_name})" for one in unfinished)
    return (
        f"{KEPT} {deployment.name}, without schedules, until its runs finish: {waits}; "
        f"keep a worker on the work queue {OLD_QUEUE!r} until then, then run `azora register` again"
    )


def _flow_of(client: SyncPrefectClient, deployment: DeploymentResponse) -> str:
    return client.read_flow(deployment.flow_id).name


def _tagged_runs(client: SyncPrefectClient, deployment: UUID, tag: str) -> list[FlowRun]:
    """All runs of the deployment that somebody wanted, each with *tag* from now on."""
    which = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]))
    newest_first = FlowRunSort.EXPECTED_START_TIME_DESC
    found = [one for one in every(client.read_flow_runs, flow_run_filter=which, sort=newest_first) if _was_wanted(one)]
    for one in found:
        if tag not in one.tags:
            client.update_flow_run(one.id, tags=sorted({*one.tags, tag}))
    return found


def _was_wanted(one: FlowRun) -> bool:
    """Not only planned by a schedule."""
    return not (one.auto_scheduled and one.state_type is StateType.SCHEDULED and one.run_count == 0)


# -- runs whose process died with its worker


def dead_runs(application: str) -> AutomationCore:
    """Ends a run of *application* as crashed that sent signs of life and sends none for `SILENCE`.

    Prefect looks once in `SILENCE` where no run is at work, so that it takes up to twice as long.
    """
    return AutomationCore(
        name=f"{application}: end runs whose process died",
        description="Ends runs whose process and worker were killed together. Created by azora register.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{tag_of(application)}"}
            ),
            for_each={"prefect.resource.id"},
            after={HEARTBEAT},
            expect={HEARTBEAT, *ENDS},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                name="Crashed",
                message=f"no heartbeat for {SILENCE.total_seconds() / 60:g} minutes: its process and its worker were killed",
            )
        ],
    )


def _automate(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    """One of that name, as *wanted*; made anew where it differs."""
    found = client.read_automations_by_name(wanted.name)
    if len(found) == 1 and _content(found[0]) == _content(wanted):
        return f"automation {wanted.name!r} exists already"
    for one in found:
        client.delete_automation(one.id)
    client.create_automation(wanted)
    return f"created the automation {wanted.name!r}"


def automation_seen(application: str) -> Automated:
    """State of the automation of *application*."""
    wanted = dead_runs(application)
    with connected("read the automation for dead runs") as client:
        found = client.read_automations_by_name(wanted.name)
    if not found:
        return Automated.MISSING
    if any(_content(one) == _content(wanted) for one in found):
        return Automated.SET_UP
    return Automated.OTHER if any(one.enabled for one in found) else Automated.DISABLED


def _content(automation: AutomationCore) -> dict[str, object]:
    """Content of an automation, without the ids that the server gave it."""
    return AutomationCore.model_validate(automation.model_dump(exclude={"id"})).model_dump()
