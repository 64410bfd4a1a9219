"""`azora release`: start the whole pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from azora.cli.apps import App, known_environments
from azora.cli.follow import begin
from azora.cli.options import AsJson, Summary, UntilAsked, Wait, environment_called
from azora.config.settings import settings

app = App()


@app.command()
def release(
    ref: Annotated[str, typer.Argument(help="Branch, tag or commit.", show_default="AZORA_BRANCH")] = "",
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="ENV", autocompletion=known_environments, help="Environment to release to.")
    ] = "production",
    fresh: Annotated[bool, typer.Option("--fresh/--no-fresh", help="Test and prove it on every stage again.")] = False,
    wait: Wait = False,
    until_asked: UntilAsked = False,
    summary: Summary = None,
    outputs: Annotated[
        Path | None,
        typer.Option(help="File to append run=ID and url=URL to at the start, and plan=HASH when the run waits."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole pipeline for REF: test, build, prove on each stage before ENV, get approval, promote."""
    environment_called(to)
    begin(
        "release",
        {"ref": ref or settings().branch, "fresh": fresh, "to": to},
        wait=wait,
        until_asked=until_asked,
        summary=summary,
        outputs=outputs,
        as_json=as_json,
    )
