"""`azora demo`: the whole road twice, on this machine, counted from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from azora.cli.demo_gate import approve
from azora.cli.follow import Told, follow_run
from azora.cli.options import environment_called
from azora.cli.output import console
from azora.config.settings import settings
from azora.config.urls import public_url
from azora.core.checks.probe_result import ProbeResult, read_result
from azora.core.cluster.record import Switch
from azora.core.cluster.state import World
from azora.errors import Failed
from azora.gateways.kubernetes.cluster import connect
from azora.gateways.prefect.runs import Run, start
from azora.local.progress import Progress

RATE = 100
SERVED_WITHIN_SECONDS = 300
GIT = ["git", "-c", "user.name=Demo", "-c", "user.email=demo@azora.localhost"]


def run(*, ask: bool, change: Path) -> None:
    """Release to empty environments, change a line, release again with a probe, print the addresses."""
    began = time.monotonic()
    if _production().active is None:
        console.rule("first release: both environments start")
        first = _release("main", ask=ask)
        if not first.went_well:
            console.print(f"{first.state}: nothing was released, production has no active color yet")
            _tell_where_to_look(first, time.monotonic() - began)
            return
    console.rule("second release, with a probe")
    _wait_until_all_are_served()
    commit = _change(change)
    with _probe() as file:
        over = _release(commit, ask=ask)
    _tell(over, read_result(file), time.monotonic() - began)


def _release(ref: str, *, ask: bool) -> Run:
    """Start the deployment through the API and follow it; approve here, or with *ask* wait for a person.

    Raises:
        Failed: it did not go well, and it is not that a person who was asked rejected it.
    """
    started = start("release", {"ref": ref, "fresh": False}, application=settings().application)
    console.print(f"started through Prefect's API: {started.url}")
    told: set[Told] = set()
    now = follow_run(started.id, until_waiting=not ask, told=told)
    while now.waits:
        approve(now)
        now = follow_run(started.id, until_waiting=not ask, told=told)
    rejected_by_person = ask and now.kind == "COMPLETED"
    if not now.went_well and not rejected_by_person:
        raise Failed(f"could not release {ref}: {now.state}: {now.message}", advice=f"see the run's page: {now.url}")
    return now


def _change(file: Path) -> str:
    """Commit one visible line to the application's repository; returns the commit."""
    repository = Path(settings().repository_location)
    (repository / file).write_text(f"Released by the demo on {datetime.now().astimezone():%A, %d %B %Y at %H:%M:%S}\n")
    _git(repository, "add", str(file))
    _git(repository, "commit", "--quiet", "-m", "Change the banner")
    commit = _git(repository, "rev-parse", "HEAD")
    console.print(f"committed {commit[:7]} in {repository}: {file}")
    return commit


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run([*GIT, "-C", str(repository), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(
            f"could not `git {arguments[0]}` in {repository}: {done.stderr}",
            advice="`azora local clean` resets the demo",
        )
    return done.stdout.strip()


@contextmanager
def _probe() -> Iterator[Path]:
    """A process of its own that calls production through the Ingress for as long as the block takes."""
    file = settings().runs_folder / "demo-probe.json"
    file.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "azora",
        "probe",
        "production",
        "--rate",
        str(RATE),
        "--seconds",
        "3000",
        "--out",
        str(file),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield file
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_until_all_are_served() -> None:
    """Wait until every pod of production is ready: a node that was just restarted starts all pods at once."""
    deadline = time.monotonic() + SERVED_WITHIN_SECONDS
    with Progress(console).step("every pod of production's live color is ready"):
        while not ((stack := _production().active_stack) and stack.is_ready):
            if time.monotonic() > deadline:
                raise Failed(
                    f"could not begin: production is not ready after {SERVED_WITHIN_SECONDS} s",
                    advice="check the pods: `azora status production`",
                )
            time.sleep(1)


def _production() -> World:
    return connect(environment_called("production"), settings()).look()


def _tell(over: Run, probed: ProbeResult, seconds: float) -> None:
    console.rule("requests of users")
    console.print(f"{probed.total} requests at {RATE}/s through the Ingress, [bold]{probed.failed} failed[/]")
    console.print(of_the_switch(over, _production().last_switch, probed))
    _tell_where_to_look(over, seconds)
    if probed.failed:
        raise Failed(f"could not switch without loss: {probed.failed} requests failed", advice=f"counts: {over.url}")


def of_the_switch(over: Run, last: Switch | None, probed: ProbeResult) -> str:
    """Format the times of the first and the last request around a switch that the probe counted."""
    at = last.at.timestamp() if last else 0.0
    if last is None or at < probed.began:
        return f"{over.state}: nothing was switched, users stay on {last.to if last else 'no color'}"
    if at > probed.ended:
        return f"switched to {last.to} {(at - probed.ended) / 60:.0f} min after the probe's end: not counted"
    new, old = probed.first_on(str(last.to)), probed.last_on(str(last.to.other))
    return (
        f"first on {last.to} {_after(new, at)} · last on {last.to.other} {_after(old, at)} · p99 {probed.all.p99_ms} ms"
    )


def _tell_where_to_look(over: Run, seconds: float) -> None:
    console.rule("where to look")
    for name in ("production", "staging"):
        environment = environment_called(name)
        console.print(f"{name:<11} {public_url(environment.hosts.live, settings())}")
    console.print(f"Prefect     {over.url.split('/runs/')[0]}")
    console.print(f"the run     {over.url}")
    console.print(f"reports     {settings().reports_url}/{over.id}/")
    console.print(
        f"password    .venv/bin/azora local password {settings().node}; enter it once in Prefect and once for the reports"
    )
    console.print("terminal    .venv/bin/azora status")
    if environment_called("production").has_a_gate:
        console.print(
            "approvals   enforced by the cluster: .venv/bin/azora history production; `make demo GATE=0` turns that off"
        )
    else:
        console.print("approvals   by a form, under any name; `make demo GATE=1` lets the cluster enforce them")
    console.print(f"done in {seconds:.0f} s; `make down` stops everything")


def _after(moment: float | None, switched: float) -> str:
    return f"{moment - switched:+.3f} s" if moment else "never"
