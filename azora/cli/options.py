"""Arguments and options that several commands have, and what they need of the person who runs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from azora.cli.apps import known_environments
from azora.config.environment import Environment, load_environment
from azora.config.os_user import user_name
from azora.config.settings import settings
from azora.errors import BadInput

ME = user_name()


def environment_called(name: str) -> Environment:
    """Environment *name* of the settings' folder. Raises BadInput: there is none, or its file is wrong."""
    return load_environment(name, settings().environments)


def as_worker_of_the_node() -> None:
    """Go on as the worker of the embedded node, with its reports, exports and layers."""
    if settings().is_the_embedded_node:
        from azora.local.layout import layout  # noqa: PLC0415 - other clusters need none of it
        from azora.local.worker_user import go_on_as_worker  # noqa: PLC0415

        node = layout(settings().node)
        if settings().state_folder == node.state:  # else it is another application's
            go_on_as_worker(node)


def ask_why() -> str:
    """Ask the person at the terminal for the reason of an answer. Raises BadInput: there is no terminal."""
    from azora.core.promotion.approval import REASON_LETTERS  # noqa: PLC0415 - most commands ask for no reason

    if not sys.stdin.isatty():
        raise BadInput(
            "could not answer: no reason was given", advice="add -m 'why'; the text is stored with the answer"
        )
    return str(typer.prompt(f"Why? At least {REASON_LETTERS} letters"))


def _named(who: str) -> str:
    """Raises BadInput where neither the command line nor the machine has a name."""
    if who and not who.strip():
        raise BadInput(f"could not use --as {who!r}: it is blank", advice="give the name of the person")
    if not who:
        raise BadInput(
            f"could not find your name: user {os.getuid()} of this machine has no name", advice="add --as NAME"
        )
    return who


EnvironmentName = Annotated[
    str, typer.Argument(metavar="ENV", help="staging, production, …", autocompletion=known_environments)
]
OptionalEnvironment = Annotated[str | None, typer.Argument(metavar="[ENV]", autocompletion=known_environments)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run to its end; its result is the exit code.")]
UntilAsked = Annotated[bool, typer.Option("--until-asked", help="Stop following at an approval request: exit 0.")]
Summary = Annotated[Path | None, typer.Option(help="File to append plan, answer and counts to, as Markdown.")]
Approver = Annotated[str, typer.Option("--as", callback=_named, help="Your name; default: the user of this machine.")]
Why = Annotated[str, typer.Option("--reason", "-m", help="Why users are moved; stored in the record.")]
WaitingRun = Annotated[str, typer.Argument(help="Id of the waiting run, or its first digits.")]
