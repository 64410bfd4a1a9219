"""Situations of the runbook: how to cause each on a node, and see from outside that it began or ended.

What is broken is put right at the end of its block, whether or not the runbook's commands did. The order is the cheapest: what
one situation leaves is what the next begins with.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import httpx
import yaml

from azora.config.application import Application, load_application
from azora.config.identity import of_pipeline
from azora.config.settings import settings
from azora.core.colors import COLOR_LABEL, COMPONENT_LABEL, Color
from azora.errors import AzoraError
from azora.gateways.kubernetes.access_review import token_expiry
from azora.gateways.kubernetes.rbac import grant
from azora.gateways.prefect.runs import Run
from tests.drill import gate
from tests.drill.registry import a_full_registry, takes_a_push
from tests.support import pipeline
from tests.support.changes import added, revision
from tests.support.polling import until

STACK_VALUES = "deployments/values/azora/staging.yaml"
FLAKY_CASE = '''"""A case that fails at its first try and passes at its second."""

from pathlib import Path

MARK = Path.home() / ".cache/azora-drill-{mark}"


def test_once_in_a_while() -> None:
    if MARK.exists():
        MARK.unlink()
        return
    MARK.touch()
    raise AssertionError("it took too long")
'''

Given = dict[str, str]


@dataclass(frozen=True)
class Situation:
    """Named as its section of the runbook. `broken` gives the variables of the section's commands.

    One that `needs_data` breaks the platform's databases; any other breaks any application.
    """

    name: str
    broken: Callable[[], AbstractContextManager[Given]]
    seen: Callable[[Given], bool]
    mended: Callable[[Given], bool]
    needs_data: bool = False


def application() -> Application:
    return load_application(Path(settings().repository_location))


def namespace() -> str:
    """Namespace of production."""
    return pipeline.cluster("production").namespace.name


def behind_the_edge() -> str:
    """A service that users reach through another one."""
    found = application()
    return next(service.name for service in found.services if service.name != found.edge)


# -- what is seen from outside


def users_are_well(environment: str) -> bool:
    """Every service behind the live address is well, and the live color has all its pods."""
    live = pipeline.world(environment).active_stack
    return live is not None and live.is_ready and answers_well(environment)


def answers_well(environment: str) -> bool:
    try:
        return pipeline.get(environment, application().health).is_success
    except httpx.TransportError:
        return False


def nobody_is_well(_: Given) -> bool:
    here = pipeline.world("production")
    return not any(here.stack(color).is_ready for color in Color)


def everybody_is_well(_: Given) -> bool:
    here = pipeline.world("production")
    stacks = [here.stack(color) for color in Color]
    return all(stack.is_ready for stack in stacks if stack.wanted) and users_are_well("production")


def over(given: Given) -> bool:
    return pipeline.run_called(given["RUN"]).is_over


# -- a release


@contextmanager
def a_commit_that_staging_proved() -> Iterator[Given]:
    yield {"REF": pipeline.a_proved_commit()}


def reached_production(given: Given) -> bool:
    return pipeline.cluster("production").running().commit == given["REF"] and users_are_well("production")


@contextmanager
def nobody_answers_in_time() -> Iterator[Given]:
    """A question whose time is over: Prefect's server ends its run."""
    commit = pipeline.a_proved_commit()
    run = pipeline.until_it_waits(pipeline.begin("release", ref=commit))
    expire(run)
    given = {"REF": commit, "RUN": pipeline.until_over(run, seconds=60).id}
    try:
        yield given
    finally:
        if waits_for_a_person(given):
            pipeline.reject(pipeline.run_called(given["RUN"]))
            pipeline.until_over(pipeline.run_called(given["RUN"]))


def expire(run: Run) -> None:
    """End the waiting time of *run* now instead of in three days, in Prefect and in production's record."""
    place = f"/flow_runs/{run.id}"
    with pipeline.prefect() as prefect:
        state = prefect.get(place).raise_for_status().json()["state"]
        details = state["state_details"] | {"pause_timeout": datetime.now(UTC).isoformat()}
        expired = {key: state[key] for key in ("type", "name", "message")} | {"state_details": details}
        prefect.post(f"{place}/set_state", json={"state": expired, "force": True}).raise_for_status()
    pipeline.cluster("production").record.remove_question(run.id)


def waits_for_a_person(given: Given) -> bool:
    return pipeline.run_called(given["RUN"]).waits


# -- the live color


@contextmanager
def no_room_for_new_pods() -> Iterator[None]:
    """Cordon the node for the block; after it, every stack of production has all of its pods again."""
    pipeline.kubectl("cordon", "node")
    try:
        yield
    finally:
        pipeline.kubectl("uncordon", "node")
        until(lambda: everybody_is_well({}), seconds=90, what="both colors of production are ready again")


def lose_pods(color: Color, component: str) -> None:
    """Delete the pods without grace, as a machine that burns down would."""
    pods = ("delete", "pod", "-l", f"{COLOR_LABEL}={color},{COMPONENT_LABEL}={component}")
    pipeline.kubectl("-n", namespace(), *pods, "--grace-period=0", "--force", "--wait=false")


def live_color() -> Color:
    active = pipeline.world("production").active
    assert active
    return active


@contextmanager
def the_live_color_loses_pods() -> Iterator[Given]:
    pipeline.a_way_back()
    bad = live_color()
    with no_room_for_new_pods():
        lose_pods(bad, behind_the_edge())
        yield {"BAD": bad}


def users_are_on_the_bad_color(given: Given) -> bool:
    return live_color() == given["BAD"] and not users_are_well("production")


def users_left_the_bad_color(given: Given) -> bool:
    return live_color() != given["BAD"] and users_are_well("production")


@contextmanager
def the_new_color_loses_pods_under_users() -> Iterator[Given]:
    """The release that waits in the other color is promoted, and its pods are lost once users are on it."""
    pipeline.two_proved_stacks()
    here = pipeline.world("production")
    waiting = here.stack(here.preview).record
    assert waiting
    run = pipeline.until_it_waits(pipeline.begin("release", ref=waiting.commit))
    with no_room_for_new_pods():
        pipeline.approve(run)
        until(lambda: live_color() is here.preview, seconds=120, what="users are on the new color")
        lose_pods(here.preview, behind_the_edge())
        yield {"BAD": here.preview, "RUN": pipeline.until_over(run, seconds=120).id}


# -- the live Service


@contextmanager
def the_live_service_selects_the_other_color() -> Iterator[Given]:
    home = live_color()
    select(home.other)
    try:
        yield {"WAS_LIVE": home}
    finally:
        select(home)


def select(color: Color) -> None:
    patch = f'{{"spec": {{"selector": {{"{COLOR_LABEL}": "{color}"}}}}}}'
    pipeline.kubectl(
        "-n", namespace(), "patch", "service", pipeline.cluster("production").namespace.live_service, "-p", patch
    )


def users_strayed(given: Given) -> bool:
    return live_color() != given["WAS_LIVE"] and pipeline.world("production").has_drifted


def users_are_home(given: Given) -> bool:
    return live_color() == given["WAS_LIVE"] and not pipeline.world("production").has_drifted


# -- the gate and freezes


@contextmanager
def approvals_are_gone() -> Iterator[Given]:
    """A backup without approvals was restored, and a pod that users need is to be made anew."""
    pod = pipeline.cluster("production").pods(live_color())[0]
    with gate.a_gate() as (namespace, given), gate.without_approvals(namespace, pod):
        lose_pods(live_color(), behind_the_edge())
        yield given
    until(lambda: everybody_is_well({}), seconds=120, what="production is well again without the gate")


def users_have_their_pods(_: Given) -> bool:
    return users_are_well("production") and gate.is_on()


@contextmanager
def the_gate_is_overridden() -> Iterator[Given]:
    home = live_color()
    other = pipeline.world("production").stack(home.other)
    with gate.a_gate() as (namespace, given), gate.overridden(namespace, other):
        yield given | {"WAS_LIVE": home}
    if live_color() is not home:
        select(home)


def an_override_is_in_force(given: Given) -> bool:
    return users_strayed(given) and bool(pipeline.world("production").overrides)


@contextmanager
def staging_is_frozen() -> Iterator[Given]:
    here = pipeline.cluster("staging")
    with gate.a_freeze(here.namespace):
        yield {"REF": here.running().commit}


def frozen(_: Given) -> bool:
    return pipeline.world("staging").freezes.in_force(datetime.now(UTC)) is not None


# -- what both colors share


@contextmanager
def without(database: str) -> Iterator[Given]:
    scale = ("-n", namespace(), "scale", "statefulset", database)
    pipeline.kubectl(*scale, "--replicas=0")
    try:
        yield {}
    finally:
        pipeline.kubectl(*scale, "--replicas=1")
        until(lambda: everybody_is_well({}), seconds=120, what=f"production is well again with {database}")


# -- the node and Prefect


@contextmanager
def without_services(*services: str) -> Iterator[Given]:
    with pipeline.stopped(*services):
        yield {}


def the_cluster_is_away(_: Given) -> bool:
    with suppress(AzoraError):
        pipeline.world("production")
        return False
    return True


def the_cluster_is_back(_: Given) -> bool:
    return not the_cluster_is_away({}) and users_are_well("production")


def prefect_is_away(_: Given) -> bool:
    try:
        return not httpx.get(f"{os.environ['PREFECT_API_URL']}/health", timeout=5).is_success
    except httpx.TransportError:
        return True


def prefect_is_back(_: Given) -> bool:
    return not prefect_is_away({})


# -- staging


@cache
def a_flaky_commit() -> str:
    """Commit, as main's newest, a case that fails at its first try and an install that takes a while."""
    suite = f"{application().suites.smoke}/test_flaky.py"
    return pipeline.commit({suite: FLAKY_CASE.replace("{mark}", uuid4().hex), **_slow_pods()}, "Add a flaky case")


def _slow_pods() -> dict[Path | str, str]:
    """Templates of the stack, with pods that become ready some seconds after they started."""
    stack, probe = f"{application().charts.stack}/templates", "readinessProbe: {"
    files = [path for path in (Path(settings().repository_location) / stack).iterdir() if probe in path.read_text()]
    assert files
    return {
        f"{stack}/{path.name}": path.read_text().replace(probe, f"{probe}initialDelaySeconds: 8, ") for path in files
    }


@contextmanager
def helm_is_killed() -> Iterator[Given]:
    """The run and its Helm die in the middle of an install; the next run waits until their Lease is free."""
    a_flaky_commit()  # its pods take their time
    commit = pipeline.commit(message="Change an image")  # no color has it: there is something to install
    here = pipeline.world("staging")
    name = pipeline.cluster("staging").namespace.stack_name(here.preview)
    run = pipeline.begin("deploy-staging", ref=commit)
    pipeline.wait_for(run, lambda _: name in pipeline.world("staging").pending, seconds=180)
    os.kill(pipeline.process_of(run), signal.SIGKILL)
    pipeline.kill_helm(name)
    pipeline.wait_for(run, lambda now: now.kind == "CRASHED", seconds=60)
    yield {"REF": commit}


def helm_is_stuck(_: Given) -> bool:
    return bool(pipeline.world("staging").pending)


def reached_staging(given: Given) -> bool:
    here = pipeline.world("staging")
    return not (here.pending or here.migrating) and pipeline.cluster("staging").running().commit == given["REF"]


@contextmanager
def a_flaky_case() -> Iterator[Given]:
    """Staging serves the release that has it."""
    if pipeline.cluster("staging").running().commit != a_flaky_commit():
        assert pipeline.until_over(pipeline.begin("deploy-staging", ref=a_flaky_commit())).went_well
    yield {"REF": a_flaky_commit()}


@contextmanager
def a_red_night() -> Iterator[Given]:
    """Tests of the newest commit fail; its author has taken it back since."""
    manifest = "deployments/application.yaml"
    red = re.sub(r"test: \[.*\]", "test: [sh, -c, 'echo sums do not add up; exit 1']", pipeline.content(manifest))
    with pipeline.undone():
        pipeline.commit({manifest: red}, "Break the sums")
        run = pipeline.until_over(pipeline.begin("nightly"))
    yield {"RUN": run.id}


def the_night_failed(given: Given) -> bool:
    return pipeline.run_called(given["RUN"]).kind == "FAILED"


def staging_runs_main(_: Given) -> bool:
    return pipeline.cluster("staging").running().commit == pipeline.git("rev-parse", "main") and users_are_well(
        "staging"
    )


@contextmanager
def a_migration_fails() -> Iterator[Given]:
    """A release of it has failed; its author has taken the commit back with a new one."""
    with pipeline.undone():
        once = added(STACK_VALUES, "migrations: {backoffLimit: 0}")
        bad = revision("drill", 'op.execute("ALTER TABLE edu.nothing ADD note text")', 'phase = "expand"')
        run = pipeline.until_over(pipeline.begin("deploy-staging", ref=pipeline.commit(once | bad, "Add a migration")))
        pipeline.git("revert", "--no-edit", "HEAD")
        yield {"RUN": run.id, "REF": pipeline.git("rev-parse", "HEAD")}


def a_migration_is_in_doubt(_: Given) -> bool:
    return bool(pipeline.world("staging").migrating)


# -- the machine


@contextmanager
def no_room_for_images() -> Iterator[Given]:
    """A release of a new image has failed for want of room."""
    with a_full_registry(), pipeline.undone():
        yield {"RUN": pipeline.until_over(pipeline.begin("deploy-staging", ref=pipeline.commit())).id}


def nothing_can_be_pushed(_: Given) -> bool:
    return not takes_a_push()


def there_is_room(_: Given) -> bool:
    return takes_a_push()


@contextmanager
def a_token_that_ends() -> Iterator[Given]:
    production = pipeline.cluster("production").namespace.environment
    grant(production, settings(), valid=timedelta(minutes=10))
    try:
        yield {}
    finally:
        grant(production, settings())


def token_is_good_for(days: float) -> bool:
    file = of_pipeline(pipeline.cluster("production").namespace.environment, settings()).kubeconfig
    assert file
    ends = token_expiry(yaml.safe_load(file.read_text())["users"][0]["user"]["token"])
    return ends is not None and ends - datetime.now(UTC) > timedelta(days=days)


SITUATIONS = [
    Situation("approval-expired", nobody_answers_in_time, over, waits_for_a_person),
    Situation("normal-release", a_commit_that_staging_proved, lambda _: True, reached_production),
    Situation("roll-back-now", the_live_color_loses_pods, users_are_on_the_bad_color, users_left_the_bad_color),
    Situation("automatic-rollback", the_new_color_loses_pods_under_users, over, users_left_the_bad_color),
    Situation("someone-edited-the-live-service", the_live_service_selects_the_other_color, users_strayed, users_are_home),
    Situation("gate-broken", approvals_are_gone, lambda _: not users_are_well("production"), users_have_their_pods),
    Situation("override-in-force", the_gate_is_overridden, an_override_is_in_force, users_are_home),
    Situation("environment-frozen", staging_is_frozen, frozen, lambda given: not frozen(given)),
    Situation("both-colors-unhealthy", lambda: without("azora-redis"), nobody_is_well, everybody_is_well, needs_data=True),
    Situation("database-down", lambda: without("azora-postgresql"), nobody_is_well, everybody_is_well, needs_data=True),
    Situation("certificate-expires", a_token_that_ends, lambda _: not token_is_good_for(1), lambda _: token_is_good_for(300)),
    Situation("cluster-unreachable", lambda: without_services("kube-apiserver"), the_cluster_is_away, the_cluster_is_back),
    Situation("prefect-down", lambda: without_services("prefect-worker", "prefect-server"), prefect_is_away, prefect_is_back),
    Situation("registry-full", no_room_for_images, nothing_can_be_pushed, there_is_room),
    Situation("helm-release-stuck", helm_is_killed, helm_is_stuck, reached_staging),
    Situation("flaky-case", a_flaky_case, reached_staging, lambda _: users_are_well("staging")),
    Situation("nightly-run-failed", a_red_night, the_night_failed, staging_runs_main),
    Situation("migration-failed", a_migration_fails, a_migration_is_in_doubt, reached_staging, needs_data=True),
]  # fmt: skip
