"""`azora deploy`: one environment alone."""

from __future__ import annotations

from typing import Annotated

import typer

from azora.cli.apps import App
from azora.cli.follow import begin
from azora.cli.options import AsJson, EnvironmentName, Wait, environment_called
from azora.config.settings import settings

app = App()


@app.command()
def deploy(
    environment: EnvironmentName,
    ref: Annotated[
        str, typer.Argument(metavar="RELEASE", help="Branch, tag or commit.", show_default="AZORA_BRANCH")
    ] = "",
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Bring RELEASE to staging, or to production after an approval."""
    environment_called(environment)
    begin(f"deploy-{environment}", {"ref": ref or settings().branch}, wait=wait, as_json=as_json)
