"""`azora rollback`: users back. Imports neither Prefect nor Helm before users are there."""

from __future__ import annotations

from typing import Annotated

import typer

from azora.cli.apps import App
from azora.cli.moved import report_switch
from azora.cli.options import ME, Approver, AsJson, EnvironmentName, Why, environment_called
from azora.config.identity import settings_by_hand
from azora.config.settings import settings
from azora.core.release.release import shown
from azora.operations.rollback import roll_back

app = App()


@app.command()
def rollback(
    environment: EnvironmentName,
    revision: Annotated[int | None, typer.Argument(help="Number of a switch that `azora status` lists.")] = None,
    why: Why = "",
    by: Approver = ME,
    as_json: AsJson = False,
) -> None:
    """Send users of ENV back. Works with Prefect down."""
    here = environment_called(environment)
    entry = roll_back(here, revision, settings_by_hand(settings()), by=by, why=why)
    sentence = f"users of {environment} are back on {entry.to}: release {shown(entry.release)} (switch {entry.number})"
    report_switch(here, entry, sentence, by=entry.by, as_json=as_json)
