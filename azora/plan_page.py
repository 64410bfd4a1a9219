"""The plan as an approver reads it: markdown, in the form of a waiting run, on the run's page and in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from azora.markdown import cell, code
from azora.plan import Change, Plan, counted
from azora.record import ProofRecord
from azora.release import shown

SHOWN_COMMITS = 10  # more hide the answer's fields below them

WHEN = {
    "before_preview": "**before** anything in {environment} changes: until a yes, no object of its namespace differs",
    "after_preview": "**after** the preview was installed and proved: a yes moves users within seconds",
}


def markdown(plan: Plan) -> str:
    """The plan as the approver reads it in the form and on the run's page."""
    lines = [
        f"## {code(plan.release.subject or plan.release.short)}",
        "",
        f"| | {plan.environment} |",
        "|---|---|",
        f"| users are served by | {plan.active or 'nobody yet'}: {cell(plan.runs_now or '')} |",
        f"| would be served by | {plan.preview}: {cell(plan.release.title)} |",
        f"| asked | {WHEN[plan.ask].format(environment=plan.environment) if plan.ask else 'nobody: no approval is needed here'} |",
        f"| proved | {_proof(plan.proof)} |",
        f"| migrations | {_migrations(plan)} |",
        f"| plan | `{shown(plan.hash)}` |",
        "",
        f"### {counted(len(plan.changes), 'new commit')}",
        "",
        *listed(plan.changes, SHOWN_COMMITS),
        "",
        f"### {counted(len(plan.images), 'other image')}",
        "",
    ]
    if plan.images:
        lines += ["| image | runs now | would run |", "|---|---|---|"]
        lines += [f"| {cell(name)} | {cell(before or 'none')} | {cell(after)} |" for name, before, after in plan.images]
    return "\n".join(lines)


def listed(changes: Sequence[Change], most: int) -> list[str]:
    """The newest *most* of *changes*, an item of a list each, and how many more there are."""
    more = len(changes) - most
    shown_ones = [f"- {code(one.short)} {code(one.subject)} ({code(one.author)})" for one in changes[:most]]
    return [*shown_ones, *([f"- … and {more} more"] if more > 0 else [])]


def _migrations(plan: Plan) -> str:
    """Each that would run, and whether there is a way back after it."""
    told = ", ".join(f"{migration.phase} {cell(migration.revision)}" for migration in plan.migrations)
    if any(migration.phase == "contract" for migration in plan.migrations):
        return f"{told}; **no way back** to what runs now: a rollback past a contract is refused"
    return told or f"none to run (at {', '.join(map(cell, plan.release.migration_heads)) or 'none'})"


def _proof(proof: ProofRecord | None) -> str:
    return (
        f"{cell(proof.summary or 'passed')}, {proof.at:%Y-%m-%d %H:%M} UTC, run {cell(proof.run[:8])}"
        if proof
        else "not proved elsewhere"
    )
