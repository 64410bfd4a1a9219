"""`azora reports`: the server to which the links on the pages of runs lead."""

from __future__ import annotations

from typing import Annotated

import typer

from azora.cli.apps import App
from azora.cli.output import console
from azora.config.settings import settings

app = App()


@app.command()
def reports(
    address: Annotated[str, typer.Option(help="Address to listen on; in a pod 0.0.0.0.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port of the reports.", min=1, max=65535)] = 4280,
    viewer_port: Annotated[int, typer.Option(help="TCP port of the trace viewer.", min=1, max=65535)] = 4281,
) -> None:
    """Serve the reports of runs, and the trace viewer, until the process ends. Works with Prefect down."""
    from azora.operations.reports.serving import applications, serve  # noqa: PLC0415

    found = applications(settings(), port, viewer_port)
    for name, one in zip(("reports", "viewer"), found, strict=False):
        console.print(f"{name:<9}http://{address}:{one}/", highlight=False)
    serve(found, address, settings())
