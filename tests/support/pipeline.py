"""Shared parts of the pipeline's tests: commits in the repository, runs, answers, views from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import httpx
from rich.console import Console

from azora.config.environment import Environment, load_environment
from azora.config.identity import of_person
from azora.config.json_object import Json
from azora.config.settings import ROOT, Settings, settings
from azora.config.urls import public_url
from azora.core.auth import authorization
from azora.core.cluster.state import World
from azora.core.colors import COLOR_LABEL
from azora.core.release.alembic import migrations_of
from azora.core.release.release import Release
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.rbac import grant
from azora.gateways.prefect import runs
from azora.gateways.prefect.runs import Run
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.host.folders import erase
from azora.local import node as life
from azora.local.layout import layout
from azora.local.programs import programs
from azora.local.progress import Progress
from azora.local.supervision import Supervisor
from azora.operations.checkout import checkout
from azora.operations.rollback import switch_users
from tests.support.polling import until

STYLESHEET = Path("services/web/static/site.css")  # of the platform
ENTRIES = Path("src/store/entries.txt")  # of the guestbook
AZORA_S_OWN = (
    "azora-record",
    "azora-built",
    "azora-log-",
    "azora-promotion",
)  # not part of the promise that nothing differs before a yes

WORKER_S_REPORT_SECONDS = 15.0
SHORT_SECONDS = 5.0  # what is promised to be quick is looked at more often


# -- the application's repository


def git(*arguments: str) -> str:
    """Run git in the node's application repository."""
    command = [
        "git",
        "-C",
        settings().repository_location,
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@azora.localhost",
    ]
    return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit(files: dict[Path | str, str] | None = None, message: str = "Change something") -> str:
    """Commit *files* (default: what changes one image) on main; returns the commit."""
    for name, text in (files or _change_of_an_image()).items():
        file = Path(settings().repository_location) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        git("add", str(name))
    git("commit", "--quiet", "-m", message)
    return git("rev-parse", "HEAD")


def _change_of_an_image() -> dict[Path | str, str]:
    mark = uuid4().hex[:8]
    if (Path(settings().repository_location) / STYLESHEET).exists():
        return {STYLESHEET: f"{content(STYLESHEET)}\n.only-{mark} {{ color: red }}\n"}
    return {ENTRIES: f"{content(ENTRIES)}Ada: {mark}\n"}


def take_over_this_checkout() -> None:
    """Main of the application's repository is what this checkout has committed."""
    git("fetch", "--quiet", str(ROOT), "HEAD")
    git("checkout", "--quiet", "--force", "-B", "main", "FETCH_HEAD")


def undo_to(commit: str) -> None:
    """Main is *commit* again."""
    git("reset", "--quiet", "--hard", commit)


@contextmanager
def undone() -> Iterator[None]:
    """Undo the commits of the block: they are on no branch after it."""
    before = git("rev-parse", "HEAD")
    try:
        yield
    finally:
        undo_to(before)


def content(name: Path | str) -> str:
    return (Path(settings().repository_location) / name).read_text()


# -- runs


def begin(deployment: str, **parameters: object) -> Run:
    """Start a run of the application's *deployment*, as the UI would."""
    return runs.start(deployment, parameters, application=settings().application)


def run_called(id_: str) -> Run:
    return runs.run_called(id_, application=settings().application)


def wait_for(run: Run, reached: Callable[[Run], bool], *, seconds: float) -> Run:
    """The run once it *reached* something; fails at once when it ends otherwise."""
    began = time.monotonic()
    while (past := time.monotonic() - began) < seconds:
        now = run_called(run.id)
        if reached(now):
            return now
        assert not now.is_over, f"{now.name} ended as {now.state}: {now.message}"
        time.sleep(0.2 if past < SHORT_SECONDS else 0.5)  # each look costs Prefect's server what the run itself needs
    raise AssertionError(f"{now.name} is still {now.state} after {seconds:g} s: {now.url}")


def until_it_waits(run: Run, *, seconds: float = 300) -> Run:
    return wait_for(run, lambda now: now.waits, seconds=seconds)


def until_over(run: Run, *, seconds: float = 300) -> Run:
    return wait_for(run, lambda now: now.is_over, seconds=seconds)


def until_the_crash_is_reported(run: Run, *, seconds: float = 60) -> None:
    """Wait for the worker's last word on *run*, whose process was killed: "Retry" counts only after it.

    Prefect reports a crash twice: the runner at once, the worker when the hooks are over, over a retry in between. The
    second report leaves no mark when nothing was in between, and the worker's event "executed" comes before it: tried, and
    the retry ended as Crashed. So there is nothing to watch for but the time.
    """
    wait_for(run, lambda now: now.kind == "CRASHED", seconds=seconds)
    time.sleep(WORKER_S_REPORT_SECONDS)


def a_proved_commit() -> str:
    """Commit that staging proved, with other images than users of production have.

    Its `release` waits for an approval within seconds. It runs through staging only where no earlier test left such a
    commit.
    """
    active = world("production").active_stack
    images = cluster("production").running().images if active else {}
    kept = {release.id: release.commit for release in releases_of("staging") if release.images != images}
    found = (proof.release for proof in world("staging").proofs)
    return next((kept[release] for release in found if release in kept), None) or proved(commit())


def serve_main() -> bool:
    """Return True when both environments serve, and production what main is.

    As much of the pipeline runs as that takes.
    """
    if _is_sound("staging") and _is_sound("production") and _is_main(cluster("production").running()):
        return True
    return whole_release("main").went_well and _is_sound("staging")


def whole_release(commit: str) -> Run:
    """The run that brought *commit* to production, once it is over; approved where it asks."""
    run = begin("release", ref=commit)
    if wait_for(run, lambda now: now.waits or now.is_over, seconds=600).waits:
        approve(run)
    return until_over(run, seconds=600)


def goes_on_from(environment: str, ref: str) -> bool:
    """Return True when *ref* has every migration of what runs there, and nothing there is half done."""
    here = world(environment)
    found = checkout(git("rev-parse", ref), settings())
    known = {one.revision for one in migrations_of(found.revision_files())}
    return not here.active or (
        not here.pending and known >= {one.revision for one in cluster(environment).running().migrations}
    )


def reject_what_waits() -> None:
    """Reject the requests that an earlier run of the tests left and nobody answered.

    Call it before anything is emptied: otherwise the release would be proved again.
    """
    for left in (asked := runs.waiting(application=settings().application)):
        reject(left)
    for left in asked:
        until_over(left)


def _is_main(release: Release) -> bool:
    """Return True when *release* is made of what main is made of, by whatever commit."""
    sha = git("rev-parse", "main")
    found = checkout(sha, settings())
    images = found.built_images(settings())
    if images is None:
        return False
    content = {"images", "charts_digest", "values_digest", "migrations"}
    made = found.release(release.subject, images)
    return release.model_dump(include=content) == made.model_dump(include=content)


def _is_sound(environment: str) -> bool:
    """All its pods are ready, nothing is half done, and users are answered."""
    now = world(environment)
    return bool(now.active_stack and now.active_stack.is_ready) and not now.pending and get(environment).is_success


def releases_of(environment: str) -> tuple[Release, ...]:
    """Releases that ran in the environment, from its record."""
    return cluster(environment).record.releases()


def proved(sha: str) -> str:
    """*sha*, once staging proved it and production was spared."""
    run = until_it_waits(begin("release", ref=sha))
    reject(run)
    until_over(run)
    return sha


def two_proved_stacks() -> None:
    """Either color of production may serve users."""
    here = world("production")
    waits = here.stack(here.preview)
    if waits.is_proved and waits.is_ready:
        return
    run = until_it_waits(begin("release", ref=a_proved_commit()))
    approve(run)
    assert until_over(run).went_well


def a_way_back() -> None:
    """A rollback of production needs no number: it has an old stack, and did not go back to it already."""
    two_proved_stacks()
    if (here := world("production")).rolled_back:
        switch_users(cluster("production").namespace.environment, here.preview, settings(), by="test")


def take_preview_away(environment: str) -> None:
    """Remove the color that does not serve from the cluster and from the record.

    An approval then installs that color, whatever the release brings.
    """
    here, color = cluster(environment), world(environment).preview
    flags = (
        f"--kubeconfig={layout(settings().node).kubeconfig}",
        "--namespace",
        here.namespace.name,
        "--ignore-not-found",
    )
    command = [str(programs() / "helm"), "uninstall", here.namespace.stack_name(color), *flags]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    here.record.write(**{str(color): None})
    kubectl("-n", here.namespace.name, "wait", "--for=delete", "pod", "-l", f"{COLOR_LABEL}={color}", "--timeout=110s")


def approve(run: Run) -> None:
    answer(run, "approve", "tested and awaited")


def reject(run: Run) -> None:
    answer(run, "reject", "not on a Friday")


def answer(run: Run, decision: str, reason: str) -> None:
    """Answer as Ada, to the plan that *run* waits with."""
    plan = waiting_plan(run.id).hash
    here = settings().application
    runs.answer(run.id, application=here, decision=decision, approver="ada", reason=reason, plan=plan)


def retry(run: Run) -> None:
    """Schedule the run once more, as the UI's "Retry" does."""
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
    with prefect() as client:
        client.post(f"/flow_runs/{run.id}/set_state", json={"state": state, "force": True}).raise_for_status()


def prefect() -> httpx.Client:
    """Prefect's public API, for who knows the auth string."""
    known = {"Authorization": authorization(os.environ["PREFECT_API_AUTH_STRING"])}
    return httpx.Client(base_url=os.environ["PREFECT_API_URL"], headers=known, timeout=30)


def process_of(run: Run) -> int:
    """Pid of the process that executes *run*; there must be one.

    A signal to process 0 would go to the tests.
    """
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"PREFECT__FLOW_RUN_ID={run.id}".encode() in environment and b"prefect" in command:
            return int(folder.name)
    raise AssertionError(f"nothing executes {run.name}: {run.url}")


def kill_helm(release: str) -> None:
    """SIGKILL the Helm that installs or upgrades *release* in staging.

    The signal is sent once the cluster shows that Helm is at it.
    """
    ours = ["pgrep", "-f", f"helm upgrade {release} .*{cluster('staging').namespace.name}"]

    def at_it() -> str:
        found = subprocess.run(ours, capture_output=True, text=True, check=False).stdout
        return found if release in world("staging").pending else ""

    pid, *_ = until(at_it, seconds=60, what=f"helm is at {release}", every=0.05).split()
    os.kill(int(pid), signal.SIGKILL)


# -- looks from outside


def cluster(environment: str) -> Cluster:
    """Cluster of *environment*, as the node's administrator.

    What the pipeline's own account may see is not tested here.
    """
    return _connected(load_environment(environment, settings().environments), settings())


@cache
def _connected(environment: Environment, here: Settings) -> Cluster:
    return connect(environment, here, of_person(environment, here))


def world(environment: str) -> World:
    return cluster(environment).look()


def empty(*environments: str) -> None:
    """Delete the namespaces, wait until they are gone, and let the pipeline into new ones.

    The pipeline's Roles went with the old namespaces. Their pods are given no time to end.
    """
    all_of_them = [cluster(environment) for environment in environments]
    names = [here.namespace.name for here in all_of_them]
    for here in all_of_them:  # first: a run that is killed here leaves none of another record
        forget_exports(here.namespace.environment.name)
    kubectl("delete", "namespace", *names, "--ignore-not-found", "--wait=false")
    for name in names:
        kubectl("-n", name, "delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false")
    kubectl("wait", "--for=delete", *(f"namespace/{name}" for name in names), "--timeout=110s")
    for here in all_of_them:
        grant(here.namespace.environment, settings())


def forget_exports(environment: str) -> None:
    """Remove what earlier nightly runs exported of the record: the next one verifies against none of it."""
    erase(layout(settings().node).work / "records" / environment)


def objects(environment: str) -> dict[str, str]:
    """Every object of the namespace that a person would call its state, with its content.

    Azora's own record is left out.
    """
    here = cluster(environment).namespace
    paths = [f"{here.core}/{kind}" for kind in ("services", "configmaps", "secrets", "pods", "serviceaccounts")]
    paths += [f"{here.apps}/{kind}" for kind in ("deployments", "statefulsets", "replicasets")]
    paths += [f"/apis/{group}/namespaces/{here.name}/{kind}" for group, kind in OTHER_KINDS]
    found: dict[str, str] = {}
    for path in paths:
        for item in (here.api.find(path) or {"items": []})["items"]:
            if not item["metadata"]["name"].startswith(AZORA_S_OWN):
                found[f"{path.rsplit('/', 1)[-1]}/{item['metadata']['name']}"] = _content(item)
    return found


OTHER_KINDS = (
    ("batch/v1", "jobs"),
    ("networking.k8s.io/v1", "ingresses"),
    ("policy/v1", "poddisruptionbudgets"),
    ("discovery.k8s.io/v1", "endpointslices"),
)


def _content(item: Json) -> str:
    """Without what the cluster itself keeps turning: versions, field managers, status times."""
    item["metadata"].pop("resourceVersion", None)
    item["metadata"].pop("managedFields", None)
    item.pop("status", None)
    return json.dumps(item, sort_keys=True)


def address(environment: str) -> str:
    """The live address, as people type it."""
    return public_url(load_environment(environment, settings().environments).hosts.live, settings())


def kubectl(*arguments: str) -> str:
    """Output of `kubectl *arguments`, on the tests' node."""
    command = [str(programs() / "kubectl"), f"--kubeconfig={layout(settings().node).kubeconfig}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def get(environment: str, path: str = "/") -> httpx.Response:
    """One request to the live address."""
    host = load_environment(environment, settings().environments).hosts.live
    return httpx.get(f"http://{settings().ingress_address}{path}", headers={"Host": host}, timeout=10)


# -- the node


@contextmanager
def stopped(*services: str) -> Iterator[None]:
    """Programs of the node stopped for the block, started again after it."""
    node = layout(settings().node)
    Supervisor(node).stop(services)
    try:
        yield
    finally:
        life.up(node, Progress(Console()))
