"""`azora probe`: count what users of an environment meet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from azora.cli.apps import App
from azora.cli.options import EnvironmentName, environment_called
from azora.cli.output import console
from azora.config.environment import Environment
from azora.config.settings import settings
from azora.config.urls import public_url
from azora.gateways.kubernetes.cluster import connect
from azora.gateways.probe.probe import Probe, run
from azora.operations.checkout import checkout
from azora.operations.promotion.live_probe import probed

app = App()


@app.command()
def probe(
    environment: EnvironmentName,
    seconds: Annotated[float, typer.Option(help="Maximum duration in seconds.", max=3600)] = 60,
    rate: Annotated[float, typer.Option(help="Requests per second.", max=2000)] = 100,
    path: Annotated[str | None, typer.Option(help="Path to request; default: the application's `probe`.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the counts, as JSON.")] = None,
) -> None:
    """Count what users of ENV meet; ends after SECONDS or with Ctrl-C."""
    count(environment_called(environment), seconds=seconds, rate=rate, path=path, out=out)


def count(environment: Environment, *, seconds: float, rate: float, path: str | None, out: Path | None) -> None:
    """Probe the live address until the time is over or somebody ends it; print and keep the counts."""
    url = public_url(environment.hosts.live, settings())
    asked: dict[str, Any] = {"path": path} if path else {**asked_of(environment), "strictly": True}
    counting = Probe(url, connect=settings().ingress_address, rate_per_second=rate, limit_seconds=seconds, **asked)
    file = out or settings().runs_folder / f"probe-{environment.name}.json"
    console.print(f"{rate:g} requests/s to {url} for at most {seconds:g} s; counts in {file}")
    console.print(run(counting, file).summary())


def asked_of(environment: Environment) -> dict[str, Any]:
    """Arguments of the probe's requests, as the running release has them."""
    cluster = connect(environment, settings())
    return probed(checkout(cluster.running().commit, settings()).application, cluster.namespace)
