"""`azora local …`: the embedded node of a machine that has no cluster."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from azora.cli.apps import App
from azora.cli.options import AsJson
from azora.cli.output import console
from azora.errors import BadInput, Failed
from azora.gateways.images.buildah import nothing_is_built
from azora.host.folders import erase
from azora.host.process import Arguments
from azora.local import node as life
from azora.local.actionlint import VERSION, actionlint
from azora.local.cache import cache_folder
from azora.local.layout import Layout, known, layout
from azora.local.programs import programs
from azora.local.progress import Progress
from azora.local.worker_user import go_on_as_worker

app = App(name="local", no_args_is_help=True, help="Embedded Kubernetes node: start, stop, inspect.")

Name = Annotated[str, typer.Argument(envvar="AZORA_NODE", help="Name of the node.")]


@app.command()
def up(
    name: Name = "demo",
    with_prefect: Annotated[
        bool, typer.Option(help="Also start PostgreSQL, Prefect and its worker, and Prometheus.")
    ] = True,
    with_gate: Annotated[
        bool | None,
        typer.Option("--gate/--no-gate", help="Let the cluster enforce approvals; default: as at the last start."),
    ] = None,
) -> None:
    """Start the node and all that belongs to it; what runs is left alone."""
    steps = Progress(console)
    node = layout(name)
    life.up(node, steps, with_prefect=with_prefect, with_gate=with_gate)
    console.print(f"[bold]{name} is up[/] in {steps.elapsed_seconds:.1f} s")
    _addresses(node)


@app.command()
def build() -> None:
    """Build the programs that every node runs; nothing where they are built."""
    with Progress(console).step("programs of the node") as say:
        programs(say)


@app.command(hidden=True)
def workflows(files: list[Path]) -> None:
    """Check FILES with actionlint; builds it where the cache has none.

    What it would ask of other programs is left out: a machine that happens to have them must not say otherwise.
    """
    with Progress(console).step("workflows of GitHub") as say:
        command: Arguments = [actionlint(say), "-shellcheck=", "-pyflakes=", *files]
        say(f"actionlint {VERSION}")
        read = subprocess.run(command, capture_output=True, text=True, check=False)
        if read.returncode:
            raise Failed(
                f"could not accept the workflows: actionlint reports\n{read.stdout or read.stderr}",
                advice="correct the workflows, then retry",
            )


@app.command()
def down(name: Name = "demo") -> None:
    """Stop the node; nothing of it is left but its state folder."""
    steps = Progress(console)
    life.down(layout(name), steps)


@app.command()
def clean(
    name: Name = "demo",
    everything: Annotated[
        bool, typer.Option("--everything", help="All nodes, and the cache of built programs.")
    ] = False,
) -> None:
    """Stop the node and forget its state: images, volumes, databases, reports."""
    steps = Progress(console)
    for one in known() if everything else [name]:
        life.clean(layout(one), steps)
    if everything:
        with steps.step(f"cache in {cache_folder()}"):
            erase(cache_folder())


@app.command()
def sweep(name: Name = "demo") -> None:
    """Free unused blobs of the node's registry, which restarts within a second. `azora prune` does it too."""
    go_on_as_worker(layout(name))  # builds are its
    with nothing_is_built("free the registry's unused blobs"):
        life.sweep(layout(name))
    console.print(f"the registry of {name} is swept")


@app.command()
def status(name: Name = "demo", as_json: AsJson = False) -> None:
    """List the node's services and whether each is ready; exit 1 when one is not."""
    node = layout(name)
    services = life.status(node)
    if as_json:
        typer.echo(json.dumps([asdict(service) for service in services], indent=2))
    else:
        _show(node, services)
    if not services or not all(service.ready for service in services if service.state != "STOPPED"):
        raise typer.Exit(1)


@app.command()
def kubeconfig(
    name: Name = "demo",
    approver: Annotated[bool, typer.Option("--approver", help="That of the node's approver.")] = False,
) -> None:
    """Print the path of the administrator's kubeconfig: export KUBECONFIG=$(azora local kubeconfig)."""
    node = layout(name)
    file = node.approver if approver else node.kubeconfig
    if not file.is_file():
        raise BadInput(f"could not find {file}: node {name!r} was never started", advice=f"run `azora local up {name}`")
    typer.echo(file)


@app.command()
def password(name: Name = "demo") -> None:
    """Print the user:password that the node's Prefect and its reports ask for."""
    file = layout(name).auth
    if not file.is_file():
        raise BadInput(f"could not find {file}: node {name!r} was never started", advice=f"run `azora local up {name}`")
    typer.echo(file.read_text())


@app.command()
def logs(
    name: Name = "demo",
    service: Annotated[str, typer.Option("--service", "-s", help="Only this service's log.")] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", help="Number of last lines of each log.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log.")] = False,
) -> None:
    """The last lines of the node's logs."""
    folder = layout(name).log
    files = sorted(folder.glob(f"{service or '*'}.log"))
    if not files:
        known = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "none"
        raise BadInput(
            f"could not find a log of {service or 'any service'!r} in {folder}", advice=f"there are: {known}"
        )
    subprocess.run(["tail", f"--lines={lines}", *(["--follow=name"] if follow else []), *files], check=False)


def _show(node: Layout, services: list[life.ServiceStatus]) -> None:
    if not services:
        console.print(f"node {node.name!r} is down; start it with `azora local up {node.name}`")
        return
    table = Table(box=None)
    for title in ("service", "state", "ready", "pid", "up"):
        table.add_column(title)
    for one in services:
        table.add_row(
            one.name, one.state.lower(), "yes" if one.ready else "[red]no[/]", str(one.pid or ""), f"{one.up_seconds} s"
        )
    console.print(table)
    _addresses(node)


def _addresses(node: Layout) -> None:
    places = {
        "ingress": f"http://127.0.0.1:{node.ingress_port}",
        "Prefect": node.prefect_url,
        "reports": node.reports_url,
        "password": f"azora local password {node.name}",
        "Prometheus": node.prometheus_url,
        "registry": node.registry,
        "kubeconfig": node.kubeconfig,
        "logs": node.log,
    }
    for what, where in places.items():
        console.print(f"  {what:<11}{where}", highlight=False)
