"""`azora demo`: start everything, then release twice. Imports Prefect once its server is known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from azora.cli.apps import App
from azora.cli.local import up
from azora.config.settings import node_environment, settings
from azora.local.application import update_application
from azora.local.layout import layout

app = App()


@app.command()
def demo(
    change: Annotated[Path, typer.Option(help="File of the application's repository that the second release changes.")],
    ask: Annotated[bool, typer.Option("--ask", help="Let you approve or reject each release; the demo waits.")] = False,
    with_gate: Annotated[
        bool | None,
        typer.Option("--gate/--no-gate", help="Let the cluster enforce approvals; default: as at the last start."),
    ] = None,
) -> None:
    """Start everything, release twice, and count what users met."""
    node = settings().node
    up(node, with_gate=with_gate)
    update_application(layout(node))
    os.environ.update(node_environment(node))  # what an earlier start wrote was read before
    settings.cache_clear()
    from azora.cli.demo_run import run  # noqa: PLC0415 - Prefect reads its address when it is imported

    run(ask=ask, change=change)
