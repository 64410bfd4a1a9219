"""`azora switch`: users to a color, by hand. Imports neither Prefect nor Helm before users are there."""

from __future__ import annotations

from azora.cli.apps import App
from azora.cli.moved import report_switch
from azora.cli.options import ME, Approver, AsJson, EnvironmentName, Why, environment_called
from azora.cli.output import done
from azora.config.identity import settings_by_hand
from azora.config.settings import settings
from azora.core.colors import Color
from azora.operations.rollback import switch_users

app = App()


@app.command()
def switch(
    environment: EnvironmentName, color: Color, why: Why = "", by: Approver = ME, as_json: AsJson = False
) -> None:
    """Switch users of ENV to COLOR; refused when not ready, not proved or not approved.

    Works with Prefect down.
    """
    here = environment_called(environment)
    entry = switch_users(here, color, settings_by_hand(settings()), by=by, why=why)
    if entry is None:
        done(
            f"users of {environment} are on {color} already",
            {"environment": environment, "color": color},
            as_json=as_json,
        )
        return
    sentence = f"users of {environment} go to {color} (switch {entry.number})"
    report_switch(here, entry, sentence, by=entry.by, as_json=as_json)
