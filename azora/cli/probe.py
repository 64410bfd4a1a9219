"""`azora probe`: count what users of an environment meet."""

from __future__ import annotations

from pathlib import Path

from azora.cli.output import console
from azora.config.environment import Environment
from azora.config.settings import settings
from azora.config.urls import public_url
from azora.gateways.kubernetes.cluster import connect
from azora.gateways.probe.probe import Probe, run
from azora.operations.checkout import checkout


def count(environment: Environment, *, seconds: float, rate: float, path: str | None, out: Path | None) -> None:
    """Probe the live address until the time is over or somebody ends it; print and keep the counts."""
    url = public_url(environment.hosts.live, settings())
    path = path or probed_path(environment)
    probe = Probe(url, connect=settings().ingress_address, rate_per_second=rate, path=path, limit_seconds=seconds)
    file = out or settings().runs_folder / f"probe-{environment.name}.json"
    console.print(f"{rate:g} requests/s to {url} for at most {seconds:g} s; counts in {file}")
    console.print(run(probe, file).summary())


def probed_path(environment: Environment) -> str:
    """What the running release says is cheap to ask."""
    commit = connect(environment, settings()).running().commit
    return checkout(commit, settings()).application.probe
