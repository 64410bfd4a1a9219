"""`azora exporter`: what Prometheus scrapes of the pipeline."""

from __future__ import annotations

from typing import Annotated

import typer

from azora.cli.apps import App
from azora.cli.output import console
from azora.config.settings import settings
from azora.errors import BadInput
from azora.operations.metrics.exporter import exporter_of
from azora.operations.metrics.server import application, serve, targets_of

app = App()


@app.command()
def exporter(
    address: Annotated[str, typer.Option(help="Address to listen on; in a pod 0.0.0.0.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.", min=1, max=65535)] = 9877,
) -> None:
    """Serve the metrics of all environments at /metrics until the process ends. Works with Prefect down."""
    export(address, port)


def export(address: str, port: int) -> None:
    """Until the process ends.

    Raises:
        BadInput: it cannot listen there.
    """
    server = application(exporter_of(settings()), targets_of(settings()))
    console.print(f"metrics at http://{address}:{port}/metrics")
    try:
        serve(server, address, port)
    except OSError as error:
        raise BadInput(
            f"could not listen at {address}:{port}: {error.strerror or error}", advice="choose another port with --port"
        ) from error
