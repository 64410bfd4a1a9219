"""The commands. Each imports what it needs when it runs: a rollback must not wait for Prefect's modules."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from azora.cli.apps import App, known_environments
from azora.cli.local import app as local_app
from azora.cli.local import up as local_up
from azora.cli.output import done, emit, note
from azora.cli.rights import app as rights_app
from azora.config.environment import Environment, environments, load_environment
from azora.config.os_user import user_name
from azora.config.settings import node_environment, settings
from azora.core.cluster.record import Switch
from azora.core.colors import Color
from azora.core.release.release import LABEL_DIGITS, shown
from azora.errors import BadInput

app = App(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A release pipeline as plain Python: test, stage, prove, ask, promote blue-green.",
    epilog="Exit codes: 0 done, 1 it failed, 2 wrong usage or input, 3 refused, 4 nothing answered, 5 something would change.",
)
app.add_typer(local_app, name="local", help="The embedded Kubernetes node.")
app.add_typer(rights_app, name="rights", help="What the pipeline's account may do in an environment.")

ME = user_name()
SOMETHING_CHANGES = 5


def _named(who: str) -> str:
    """Raises BadInput where neither the command line nor the machine has a name."""
    if not who.strip():
        raise BadInput(
            f"could not name who does this: user {os.getuid()} of this machine has no name", advice="add --as NAME"
        )
    return who


EnvironmentName = Annotated[
    str, typer.Argument(metavar="ENV", help="staging, production, …", autocompletion=known_environments)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run to its end; its result is the exit code.")]
UntilAsked = Annotated[bool, typer.Option("--until-asked", help="Follow it no further than to a question: exit 0.")]
Summary = Annotated[
    Path | None, typer.Option(help="Append plan, answer and counts here as they become known (markdown).")
]
Approver = Annotated[str, typer.Option("--as", callback=_named, help="Who you are; default: the user of this machine.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Kept with the answer; at least 8 letters.")]
PlanHash = Annotated[
    str, typer.Option("--plan", help="Hash of the plan that the answer is to; its first 12 digits suffice.")
]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"azora {metadata.version('azora')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


@app.command()
def release(
    ref: Annotated[str, typer.Argument(help="Branch, tag or commit.")] = "main",
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="ENV", autocompletion=known_environments, help="Where users get it.")
    ] = "production",
    fresh: Annotated[bool, typer.Option("--fresh/--no-fresh", help="Test and prove it on every stage again.")] = False,
    wait: Wait = False,
    until_asked: UntilAsked = False,
    summary: Summary = None,
    outputs: Annotated[
        Path | None, typer.Option(help="Append run=ID and url=URL here once it is started, plan=HASH once it waits.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start the whole pipeline for REF: test, build, prove on the stages before ENV, request the approval, promote."""
    from azora.cli.follow import begin  # noqa: PLC0415

    _environment(to)

    begin(
        "release",
        {"ref": ref, "fresh": fresh, "to": to},
        wait=wait,
        until_asked=until_asked,
        summary=summary,
        outputs=outputs,
        as_json=as_json,
    )


@app.command()
def follow(
    run: Annotated[str, typer.Argument(help="Id of the run, its beginning, or the run's name.")],
    until_asked: UntilAsked = False,
    summary: Summary = None,
    as_json: Json = False,
) -> None:
    """Follow RUN, whoever started it; its result is the exit code."""
    from azora.cli.follow import follow_and_exit, told_to  # noqa: PLC0415
    from azora.gateways.prefect.runs import run_called  # noqa: PLC0415

    on_look = told_to(summary)
    follow_and_exit(run_called(run), until_asked=until_asked, on_look=on_look, as_json=as_json)


@app.command()
def deploy(
    environment: EnvironmentName,
    ref: Annotated[str, typer.Argument(metavar="RELEASE", help="Branch, tag or commit.")] = "main",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Bring RELEASE to staging, or to production after an approval."""
    from azora.cli.follow import begin  # noqa: PLC0415

    _environment(environment)
    begin(f"deploy-{environment}", {"ref": ref}, wait=wait, as_json=as_json)


@app.command()
def register(as_json: Json = False) -> None:
    """Make the flows known to Prefect under the application's name; safe to repeat. Removes what older versions registered."""
    from azora.gateways.prefect.registration import register as register_all  # noqa: PLC0415

    lines = []
    for line in register_all(settings()):
        lines.append(line)
        emit(line, as_json=as_json)
    done(f"{settings().application} is registered", {"done": lines}, as_json=as_json)
    note(f"registered {settings().application}", by=ME)


@app.command()
def status(
    environment: Annotated[str | None, typer.Argument(metavar="[ENV]", autocompletion=known_environments)] = None,
    as_json: Json = False,
) -> None:
    """Who serves users, what waits, what can be rolled back to."""
    from azora.cli.status import show  # noqa: PLC0415

    show([environment] if environment else environments(settings().environments), as_json=as_json)


@app.command()
def doctor(
    environment: Annotated[str | None, typer.Argument(metavar="[ENV]", autocompletion=known_environments)] = None,
    as_json: Json = False,
) -> None:
    """Look at all that a release depends on: rights, versions, clocks, disks; exit 1 when something is bad."""
    from azora.cli.doctor import show  # noqa: PLC0415

    names = [environment] if environment else environments(settings().environments)
    raise typer.Exit(show(names, as_json=as_json))


@app.command()
def switch(environment: EnvironmentName, color: Color, by: Approver = ME, as_json: Json = False) -> None:
    """Send users of ENV to COLOR; refused when it is not ready, not proved or not approved there. Works with Prefect down."""
    from azora.operations.rollback import book, switch_users  # noqa: PLC0415

    here = _environment(environment)
    entry = switch_users(here, color, by=by)
    if entry is None:
        done(
            f"users of {environment} are on {color} already",
            {"environment": environment, "color": color},
            as_json=as_json,
        )
        return
    sentence = f"users of {environment} go to {color} (switch {entry.number})"
    done(sentence, entry.model_dump(mode="json"), as_json=as_json)
    note(sentence, environment=environment, release=entry.release[:LABEL_DIGITS], color=color, by=by)
    book(here, by=f"switch by {by}")
    _mark(environment, entry, as_json=as_json)


@app.command()
def rollback(
    environment: EnvironmentName,
    revision: Annotated[int | None, typer.Argument(help="Number of a switch that `azora status` lists.")] = None,
    by: Approver = ME,
    as_json: Json = False,
) -> None:
    """Send users of ENV back. Works with Prefect down."""
    from azora.operations.rollback import book, roll_back  # noqa: PLC0415

    here = _environment(environment)
    entry = roll_back(here, revision, by=by)
    sentence = f"users of {environment} are back on {entry.to}: release {shown(entry.release)} (switch {entry.number})"
    done(sentence, entry.model_dump(mode="json"), as_json=as_json)
    note(sentence, environment=environment, release=entry.release[:LABEL_DIGITS], color=entry.to, by=by)
    book(here, by=f"rollback by {by}")
    _mark(environment, entry, as_json=as_json)


@app.command()
def approve(
    run: Annotated[str, typer.Argument(help="Id of the waiting run, or its beginning.")],
    reason: Reason = "",
    plan: PlanHash = "",
    approver: Approver = ME,
    as_json: Json = False,
) -> None:
    """Show the plan that RUN waits with, and approve it and no other. Without a terminal --plan names it."""
    from azora.cli.approve import answer  # noqa: PLC0415

    answer(run, "approve", approver, reason, plan, as_json=as_json)


@app.command()
def reject(
    run: Annotated[str, typer.Argument(help="Id of the waiting run, or its beginning.")],
    reason: Reason = "",
    plan: PlanHash = "",
    approver: Approver = ME,
    as_json: Json = False,
) -> None:
    """Reject the plan that RUN waits with: the environment stays as it is."""
    from azora.cli.approve import answer  # noqa: PLC0415

    answer(run, "reject", approver, reason, plan, as_json=as_json)


@app.command()
def plan(
    what: Annotated[
        str, typer.Argument(metavar="RUN|REF", help="A run that waits; with --to a branch, tag or commit.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="ENV", help="Show what releasing REF to ENV would change.")] = "",
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 5 when something would change.")] = False,
    as_json: Json = False,
) -> None:
    """Show the plan that RUN waits with, or that a release of REF to ENV would have."""
    from azora.cli.plan import show_plan_for, show_plan_of  # noqa: PLC0415

    changes = show_plan_for(what, _environment(to), as_json=as_json) if to else show_plan_of(what, as_json=as_json)
    raise typer.Exit(SOMETHING_CHANGES if exit_code and changes else 0)


@app.command()
def e2e(environment: EnvironmentName, as_json: Json = False) -> None:
    """Run the browser cases of what ENV runs against its live address."""
    from azora.cli.suites import run_cases  # noqa: PLC0415

    run_cases(_environment(environment), "e2e", as_json=as_json)


@app.command()
def smoke(environment: EnvironmentName, as_json: Json = False) -> None:
    """Run the smoke cases of what ENV runs against its live address."""
    from azora.cli.suites import run_cases  # noqa: PLC0415

    run_cases(_environment(environment), "smoke", as_json=as_json)


@app.command()
def probe(
    environment: EnvironmentName,
    seconds: Annotated[float, typer.Option(help="How long, at most.", max=3600)] = 60,
    rate: Annotated[float, typer.Option(help="Requests a second.", max=2000)] = 100,
    path: Annotated[str | None, typer.Option(help="What to call; default: the application's `probe`.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the counts here as JSON.")] = None,
) -> None:
    """Count what users of ENV meet; ends after SECONDS or with Ctrl-C."""
    from azora.cli.probe import count  # noqa: PLC0415

    count(_environment(environment), seconds=seconds, rate=rate, path=path, out=out)


@app.command()
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; print what would go, and why.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what is old: images, exports, reports, layers, Prefect's runs; never what may be needed again."""
    from azora.cli.prune import run  # noqa: PLC0415

    run(dry_run=dry_run, as_json=as_json)


@app.command()
def exporter(
    address: Annotated[str, typer.Option(help="Where to listen; in a pod 0.0.0.0.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.", min=1, max=65535)] = 9877,
) -> None:
    """Tell Prometheus what the clusters' records say, at /metrics, until it is ended. Works with Prefect down."""
    from azora.cli.exporter import export  # noqa: PLC0415

    export(address, port)


@app.command()
def demo(
    change: Annotated[Path, typer.Option(help="File of the application's repository that the second release changes.")],
    ask: Annotated[bool, typer.Option("--ask", help="Let you approve or reject each release; the demo waits.")] = False,
) -> None:
    """Start everything, release twice, and count what users met."""
    from azora.local.application import update_application  # noqa: PLC0415
    from azora.local.layout import layout  # noqa: PLC0415

    node = settings().node
    local_up(node)
    update_application(layout(node))
    os.environ.update(node_environment(node))  # what an earlier start wrote was read before
    settings.cache_clear()
    from azora.cli.demo import run  # noqa: PLC0415 - Prefect reads its address when it is imported

    run(ask=ask, change=change)


def _environment(name: str) -> Environment:
    return load_environment(name, settings().environments)


def _mark(environment: str, entry: Switch, *, as_json: bool) -> None:
    """On Grafana's boards, where there is one."""
    from azora.core.messages.annotations import of_move  # noqa: PLC0415
    from azora.gateways.notify.grafana import annotate  # noqa: PLC0415

    for trouble in annotate([of_move(settings().application, environment, entry)], settings()):
        emit(f"  {trouble}", as_json=as_json)
