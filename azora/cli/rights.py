"""`azora rights …`: what the pipeline's account may do in an environment, shown and given."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from azora.cli.apps import App, known_environments
from azora.cli.options import environment_called
from azora.cli.output import done, emit, note
from azora.config.os_user import user_label
from azora.config.settings import settings

app = App(no_args_is_help=True)


EnvironmentName = Annotated[str, typer.Argument(metavar="ENV", autocompletion=known_environments)]


@app.command()
def show(environment: EnvironmentName) -> None:
    """Print what `apply` applies, for one who applies it by other means."""
    from azora.config.permissions import manifest_of  # noqa: PLC0415

    typer.echo(manifest_of(environment_called(environment).namespace), nl=False)


@app.command()
def apply(
    environment: EnvironmentName,
    valid_days: Annotated[float, typer.Option(help="Lifetime of the account's token.", min=0.01)] = 365,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Create the namespace of ENV, the pipeline's account, its Role and kubeconfig.

    Run it as an administrator.
    """
    from azora.gateways.kubernetes.rbac import grant  # noqa: PLC0415

    here = environment_called(environment)
    granted = grant(here, settings(), valid=timedelta(days=valid_days))
    sentence = f"the pipeline may release to {environment} until {granted.until:%Y-%m-%d}: {granted.kubeconfig}"
    said = {"environment": environment, "kubeconfig": str(granted.kubeconfig), "until": granted.until}
    done(sentence, said, as_json=as_json)
    note(sentence, environment=environment, by=user_label())
    if settings().identities is None:
        emit(f"  for the worker: export AZORA_IDENTITIES={granted.kubeconfig.parent}", as_json=as_json)
