"""`azora plan`: the plan that a run waits with, or that a release would have."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from azora.cli.apps import App
from azora.cli.exit_codes import SOMETHING_CHANGES
from azora.cli.options import AsJson, environment_called
from azora.cli.output import console, print_plan, program
from azora.config.environment import Environment
from azora.config.settings import settings
from azora.core.messages.plan_page import markdown
from azora.core.promotion.approval import line_to_copy
from azora.errors import BadInput
from azora.gateways.git.repository import resolve
from azora.gateways.prefect.runs import run_called
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.operations.checkout import checkout
from azora.operations.planning import plan_now
from azora.operations.promotion.factory import context_of
from azora.operations.promotion.promotion import Promotion

app = App()

BY_HAND = "by-hand"


@app.command()
def plan(
    what: Annotated[str, typer.Argument(metavar="RUN|REF", help="A waiting run; with --to a branch, tag or commit.")],
    to: Annotated[str, typer.Option("--to", metavar="ENV", help="Show what releasing REF to ENV would change.")] = "",
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 5 when something would change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the plan that RUN waits with, or that a release of REF to ENV would have."""
    changes = (
        show_plan_for(what, environment_called(to), as_json=as_json) if to else show_plan_of(what, as_json=as_json)
    )
    raise typer.Exit(SOMETHING_CHANGES if exit_code and changes else 0)


def show_plan_of(run: str, *, as_json: bool) -> bool:
    """Print the plan that *run* waits with; a run that waits would change something."""
    try:
        found = run_called(run, application=settings().application)
    except BadInput as error:
        raise BadInput(error.message, advice=f"{error.advice}; for a branch, tag or commit, add --to ENV") from error
    waits = waiting_plan(found.id)
    if as_json:
        print(json.dumps({"run": found.id, "hash": waits.hash, "text": waits.text}))  # noqa: T201 - for a machine
    else:
        print_plan(waits.text)
        console.print(f"to approve it: {line_to_copy(found.id, waits.hash, program())}")
    return True


def show_plan_for(ref: str, environment: Environment, *, as_json: bool) -> bool:
    """Print what a release of *ref* to *environment* would change now; whether it would change anything.

    Nothing is built: where an image is missing, the plan is one of images that nobody has yet, and has no hash.
    """
    commit = resolve(ref, settings())
    found = checkout(commit.sha, settings())
    images = found.built_images(settings())
    release = (
        found.release(commit.subject, images)
        if images
        else found.placeholder_release(commit.subject, settings().registry)
    )
    found_plan = plan_now(environment, release, run=BY_HAND, settings=settings())
    changes = Promotion(context_of(environment, release, run=BY_HAND, settings=settings())).next() is not None
    if as_json:
        data = {
            "hash": found_plan.hash if images else None,
            "built": images is not None,
            "changes": changes,
            "commit": commit.sha,
            **asdict(found_plan.bound),
        }
        print(json.dumps(data | {"text": markdown(found_plan, whole=True)}))  # noqa: T201 - for a machine
    else:
        print_plan(markdown(found_plan, whole=True))
        _notes(built=images is not None, changes=changes, name=environment.name)
    return changes


def _notes(*, built: bool, changes: bool, name: str) -> None:
    if not built:
        console.print("not every image is built yet: the hash will change")
    if not changes:
        console.print(f"{name} runs this release already: nothing would change")
