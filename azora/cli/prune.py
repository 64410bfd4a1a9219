"""`azora prune`: what went, or would go, and what kept the rest from going."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from azora.cli.apps import App
from azora.cli.options import AsJson, as_worker_of_the_node
from azora.cli.output import console, note, safe
from azora.config.os_user import user_label
from azora.config.settings import settings
from azora.core.retention import Decision, bytes_told
from azora.operations import pruning
from azora.operations.pruning import Part

app = App()

NOT_NOW = 4


@app.command()
def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Remove nothing; print what would be removed, and why.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old images, exports, reports, layers and Prefect runs; never what may be needed again."""
    as_worker_of_the_node()
    run(dry_run=dry_run, as_json=as_json)


def run(*, dry_run: bool, as_json: bool) -> None:
    """Prune, and tell it; exit 4 where a part could not be done."""
    parts = pruning.prune(settings(), dry_run=dry_run)
    if as_json:
        print(json.dumps({"dry_run": dry_run, "parts": [_data(part) for part in parts]}))  # noqa: T201 - for a machine
    else:
        for part in parts:
            _print(part, dry_run=dry_run)
    for part in parts:
        if part.gone and not dry_run:
            note(f"pruned {len(part.gone)} of {len(part.gone) + len(part.kept)} {part.kind}", by=user_label())
    sys.exit(NOT_NOW if any(part.trouble for part in parts) else 0)


def _print(part: Part, *, dry_run: bool) -> None:
    freed = f", {bytes_told(part.freed_bytes)}" if part.freed_bytes else ""
    console.print(
        f"[bold]{part.kind}[/]  {len(part.gone)} {'would be removed' if dry_run else 'removed'}{freed}; {len(part.kept)} kept"
    )
    for decision in part.gone:
        console.print(f"  {safe(decision.item.name)}  [dim]{_size(decision)}{safe(decision.reason)}[/]")
    if part.trouble:
        console.print(f"  [yellow]! {safe(part.trouble)}[/]")


def _size(decision: Decision) -> str:
    return f"{bytes_told(decision.item.size)}, " if decision.item.size else ""


def _data(part: Part) -> dict[str, Any]:
    found = {"gone": part.gone, "kept": part.kept}
    told = {key: [_entry(decision) for decision in decisions] for key, decisions in found.items()}
    return {"kind": part.kind, "freed_bytes": part.freed_bytes, "trouble": part.trouble, **told}


def _entry(decision: Decision) -> dict[str, Any]:
    at = decision.item.at
    return {
        "name": decision.item.name,
        "at": at and at.isoformat(),
        "bytes": decision.item.size,
        "reason": decision.reason,
    }
