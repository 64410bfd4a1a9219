"""`azora register`: the application's flows in Prefect."""

from __future__ import annotations

from azora.cli.apps import App
from azora.cli.options import ME, AsJson
from azora.cli.output import done, emit, note
from azora.config.settings import settings
from azora.gateways.prefect import registration

app = App()


@app.command()
def register(as_json: AsJson = False) -> None:
    """Register the flows in Prefect under the application's name; safe to repeat.

    Removes what older versions registered.
    """
    lines = []
    for line in registration.register(settings()):
        lines.append(line)
        emit(line, as_json=as_json)
    done(f"{settings().application} is registered", {"done": lines}, as_json=as_json)
    note(f"registered {settings().application}", by=ME)
