"""The plan as an approver reads it: markdown, in the form of a waiting run, on the run's page and in a terminal."""

from __future__ import annotations

from azora.plan import Plan, counted
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
        f"## {plan.release.subject or plan.release.short}",
        "",
        f"| | {plan.environment} |",
        "|---|---|",
        f"| users are served by | {plan.active or 'nobody yet'}: {plan.runs_now or '–'} |",
        f"| would be served by | {plan.preview}: {plan.release.title} |",
        f"| asked | {WHEN[plan.ask].format(environment=plan.environment) if plan.ask else 'nobody: no approval is needed here'} |",
        f"| proved | {_proof(plan.proof)} |",
        f"| migrations | {_migrations(plan)} |",
        f"| plan | `{shown(plan.hash)}` |",
        "",
        f"### {counted(len(plan.changes), 'new commit')}",
        "",
        *[f"- `{change.short}` {change.subject} ({change.author})" for change in plan.changes[:SHOWN_COMMITS]],
        *([f"- … and {len(plan.changes) - SHOWN_COMMITS} more"] if len(plan.changes) > SHOWN_COMMITS else []),
        "",
        f"### {counted(len(plan.images), 'other image')}",
        "",
    ]
    if plan.images:
        lines += ["| image | runs now | would run |", "|---|---|---|"]
        lines += [f"| {name} | `{before or 'none'}` | `{after}` |" for name, before, after in plan.images]
    return "\n".join(lines)


def _migrations(plan: Plan) -> str:
    """Each that would run, and whether there is a way back after it."""
    told = ", ".join(f"{migration.phase} `{migration.revision}`" for migration in plan.migrations)
    if any(migration.phase == "contract" for migration in plan.migrations):
        return f"{told}; **no way back** to what runs now: a rollback past a contract is refused"
    return told or f"none to run (at {', '.join(plan.release.migration_heads) or 'none'})"


def _proof(proof: ProofRecord | None) -> str:
    return (
        f"{proof.summary or 'passed'}, {proof.at:%Y-%m-%d %H:%M} UTC, run `{proof.run[:8]}`"
        if proof
        else "not proved elsewhere"
    )
