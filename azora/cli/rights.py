"""`azora rights …`: rights of the pipeline's account and of approvers, printed, granted, removed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from azora.cli.apps import App, known_environments
from azora.cli.options import environment_called
from azora.cli.output import console, done, emit, note, safe
from azora.config.environment import Environment
from azora.config.os_user import user_label
from azora.config.settings import settings
from azora.errors import AzoraError, Refused

if TYPE_CHECKING:
    from azora.gateways.kubernetes.namespace import Namespace

app = App(no_args_is_help=True)


CUT = 0.9  # of the lifetime that was asked for: a token with less was cut by the cluster

EnvironmentName = Annotated[str, typer.Argument(metavar="ENV", autocompletion=known_environments)]


@app.command()
def show(environment: EnvironmentName) -> None:
    """Print what `apply` applies, for one who applies it by other means.

    With `by: cluster` the gate, too, but for the lines of what runs and the Namespace's label.
    """
    from azora.config.gate_objects import gate_manifest  # noqa: PLC0415
    from azora.config.permissions import manifest_of  # noqa: PLC0415

    here = environment_called(environment)
    typer.echo(manifest_of(here.namespace), nl=False)
    if here.has_a_gate:
        typer.echo(f"---\n{gate_manifest(here, settings().application)}", nl=False)


@app.command()
def apply(
    environment: EnvironmentName,
    valid_days: Annotated[float, typer.Option(help="Lifetime of the account's token.", min=0.01)] = 365,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Without a question: take over what runs, also where pods that are there would be refused.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Create the namespace of ENV, the pipeline's account, its Role and kubeconfig.

    With `approval.by: cluster` in the file, turn the gate on. Run it as an administrator.
    """
    from azora.gateways.kubernetes.rbac import grant, refused_pods  # noqa: PLC0415

    here = environment_called(environment)
    if not yes and (refused := refused_pods(here, settings())):
        _confirm(here, refused)
    granted = grant(here, settings(), valid=timedelta(days=valid_days))
    with _recorded(here, as_json=as_json):
        _gate(here, yes=yes, as_json=as_json)
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


@app.command()
def remove(
    environment: EnvironmentName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without a question.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Turn the gate of ENV off.

    Its label, people's Roles and azora-approved are removed. The cluster's policies stay and judge nothing without the label. The
    pipeline's account and its rights stay. Run it as an administrator.
    """
    from azora.gateways.kubernetes.gate import turn_off  # noqa: PLC0415

    here = environment_called(environment)
    if not yes:
        _ask(
            f"turn the gate of {environment} off? The pipeline's account then moves users without an approval",
            environment,
        )
    with _recorded(here, as_json=as_json):
        turn_off(_namespace(here))
    sentence = f"the gate of {environment} is off"
    done(sentence, {"environment": environment, "gate": False}, as_json=as_json)
    note(sentence, environment=environment, by=user_label())


def _namespace(environment: Environment) -> Namespace:
    """Namespace of *environment*, as the person who gives the command."""
    from azora.config.identity import of_person  # noqa: PLC0415
    from azora.gateways.kubernetes.cluster import connect  # noqa: PLC0415

    return connect(environment, settings(), of_person(environment, settings())).namespace


@contextmanager
def _recorded(environment: Environment, *, as_json: bool) -> Iterator[None]:
    """Record a change of the gate by the block; an error is a line."""
    from azora.gateways.kubernetes.access_review import user_of  # noqa: PLC0415
    from azora.gateways.kubernetes.cluster import Cluster  # noqa: PLC0415
    from azora.gateways.kubernetes.gate import gate_of  # noqa: PLC0415
    from azora.operations.record.seen import gate_changed  # noqa: PLC0415

    namespace = _namespace(environment)
    before = gate_of(namespace)
    yield
    try:
        gate_changed(Cluster(namespace), before, gate_of(namespace), who=user_of(namespace.api))
    except AzoraError as error:
        emit(f"  the change is not in the record: {error.message}", as_json=as_json)


def _gate(environment: Environment, *, yes: bool, as_json: bool) -> None:
    """Turn the gate on where the file has one; write the Namespace's annotations in any case."""
    from azora.gateways.kubernetes.gate import gate_of, mark, running, to_take_over, turn_on  # noqa: PLC0415

    namespace = _namespace(environment)
    _hosts(namespace, yes=yes, as_json=as_json)
    if not environment.has_a_gate:
        mark(namespace)
        if gate_of(namespace).is_on:
            emit(
                f"  the gate is on, and the file has no `by: cluster`: `azora rights remove {environment.name}` turns it off",
                as_json=as_json,
            )
        return
    now = running(namespace)
    if now.tagged:
        raise Refused(
            f"could not turn the gate of {environment.name} on: these images have no digest: {', '.join(now.tagged)}",
            advice="release the application again with images by digest; a sidecar of the cluster needs one, too, in `approval.sidecars`",
        )
    new = to_take_over(namespace, now.items)
    if new and not yes:
        console.print(
            f"[bold]{environment.namespace}[/] runs these releases and images. They count as approved from now on:"
        )
        for item in new:
            console.print(f"  {safe(item)}")
        _ask("take them over and turn the gate on?", environment.name)
    turn_on(namespace, new)
    sentence = f"the gate of {environment.name} is on: {len(new)} items taken over"
    emit(sentence, as_json=as_json)
    note(sentence, environment=environment.name, by=user_label())


def _hosts(namespace: Namespace, *, yes: bool, as_json: bool) -> None:
    """Show the Ingresses and routes that break the rules of hosts, and ask.

    Raises Refused where another environment has one of the hosts.
    """
    from azora.operations.hosts_check import against_the_rules, must_own_hosts  # noqa: PLC0415

    must_own_hosts(namespace)
    if not (found := list(against_the_rules(namespace))):
        return
    rules = "these break the rules of hosts; the gate's policies leave them as they are, and refuse their next change:"
    for line in (rules, *(f"  {one}" for one in found)):
        emit(line, as_json=as_json)
    if not yes:
        _ask("apply the rights all the same?", namespace.environment.name)


def _ask(question: str, environment: str) -> None:
    if not sys.stdin.isatty():
        raise Refused(f"could not change the gate of {environment}: nobody can confirm it", advice="add --yes")
    typer.confirm(question, abort=True)


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
