"""`azora rights …`: what the pipeline's account may do in an environment, shown and given."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from azora.cli.apps import App, known_environments
from azora.cli.options import environment_called
from azora.cli.output import console, done, emit, note, safe
from azora.config.environment import Environment
from azora.config.os_user import user_label
from azora.config.settings import settings
from azora.errors import Refused

app = App(no_args_is_help=True)


CUT = 0.9  # of the lifetime that was asked for: a token with less was cut by the cluster

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
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Apply also where pods that are there would be refused.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Create the namespace of ENV, the pipeline's account, its Role and kubeconfig.

    Run it as an administrator.
    """
    from azora.gateways.kubernetes.rbac import grant, refused_pods  # noqa: PLC0415

    here = environment_called(environment)
    if not yes and (refused := refused_pods(here, settings())):
        _confirm(here, refused)
    granted = grant(here, settings(), valid=timedelta(days=valid_days))
    sentence = f"the pipeline may release to {environment} until {granted.until:%Y-%m-%d}: {granted.kubeconfig}"
    said = {"environment": environment, "kubeconfig": str(granted.kubeconfig), "until": granted.until}
    done(sentence, said, as_json=as_json)
    note(sentence, environment=environment, by=user_label())
    if granted.until < datetime.now(UTC) + CUT * timedelta(days=valid_days):
        emit(
            f"  the cluster gives no longer token: the worker renews it at half time; `azora doctor {environment}` tells when it did not",
            as_json=as_json,
        )
    if settings().identities is None:
        emit(f"  for the worker: export AZORA_IDENTITIES={granted.kubeconfig.parent}", as_json=as_json)


def _confirm(environment: Environment, refused: list[str]) -> None:
    """Show what the Pod Security Standard would refuse, and ask.

    Raises Refused without a terminal.
    """
    console.print(
        f"[bold]{environment.namespace}[/] has pods that its Pod Security Standard would refuse once they are made anew:"
    )
    for line in refused:
        console.print(f"  {safe(line)}")
    if not sys.stdin.isatty():
        raise Refused(
            f"could not apply the rights of {environment.name}: pods that are there would be refused, and nobody can confirm it",
            advice="give Azora a namespace of its own, or add --yes",
        )
    typer.confirm("apply the rights all the same?", abort=True)
