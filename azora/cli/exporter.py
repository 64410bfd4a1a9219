"""`azora exporter`: what Prometheus scrapes of the pipeline."""

from __future__ import annotations

from azora.cli.output import console
from azora.config.settings import settings
from azora.errors import BadInput
from azora.operations.metrics.exporter import exporter_of
from azora.operations.metrics.server import application, serve, targets_of


def export(address: str, port: int) -> None:
    """Until the process ends.

    Raises:
        BadInput: it cannot listen there.
    """
    app = application(exporter_of(settings()), targets_of(settings()))
    console.print(f"metrics at http://{address}:{port}/metrics")
    try:
        serve(app, address, port)
    except OSError as error:
        raise BadInput(
            f"could not listen at {address}:{port}: {error.strerror or error}", advice="choose another with --port"
        ) from error
