"""Command line: the module of each command.

A module is imported when its command runs or prints its help.
"""

from __future__ import annotations

import ast
import importlib
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from typer import _click as click  # the click that typer brings
from typer.core import TyperCommand, TyperGroup

from azora.config.settings import settings
from azora.errors import BadInput

MODULES = {
    "release": "release",
    "follow": "follow",
    "deploy": "deploy",
    "register": "register",
    "status": "status",
    "history": "history",
    "verify": "verify",
    "doctor": "doctor",
    "switch": "switch",
    "rollback": "rollback",
    "freeze": "freeze",
    "unfreeze": "freeze",
    "approve": "approve",
    "reject": "approve",
    "approvals": "approvals",
    "plan": "plan",
    "e2e": "suites",
    "smoke": "suites",
    "probe": "probe",
    "prune": "prune",
    "exporter": "exporter",
    "reports": "reports",
    "demo": "demo",
    "local": "local",
    "rights": "rights",
}
GROUPS = {"local": "The embedded Kubernetes node.", "rights": "Rights of the pipeline's account in an environment."}


class Commands(TyperGroup):
    """Loads a command when it is run; the list of commands needs their docstrings alone."""

    _listing = False

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in MODULES:
            return None
        return TyperCommand(cmd_name, help=_help(cmd_name)) if self._listing else _loaded(cmd_name)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


def _loaded(name: str) -> click.Command:
    """Load the command *name*, after the settings.

    Prefect reads its address from the environment once, at its import.
    """
    with suppress(BadInput):  # told when the command runs
        settings()
    module = importlib.import_module(f"azora.cli.{MODULES[name]}")
    group = typer.main.get_group(module.app)
    if name in GROUPS:
        group.name, group.help = name, GROUPS[name]
        return group
    return group.commands[name]


def _help(name: str) -> str:
    """The docstring of a command, read without importing what the command needs."""
    if name in GROUPS:
        return GROUPS[name]
    tree = ast.parse(Path(__file__).with_name(f"{MODULES[name]}.py").read_text(encoding="utf-8"))
    found = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return ast.get_docstring(found) or ""


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"azora {metadata.version('azora')}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A release pipeline as plain Python: test, stage, prove, approve, promote blue-green.",
    epilog="Exit codes: 0 success, 1 failure, 2 wrong usage or input, 3 refused, 4 no response, 5 something would change.",
)


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...
