"""Plan as an approver reads it: Markdown, for a run's form, the run's page and a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from azora.core.cluster.freeze import Act, Freeze
from azora.core.cluster.overrides import Override
from azora.core.cluster.record import ProofRecord
from azora.core.messages.listing import capped
from azora.core.messages.markdown import cell, code
from azora.core.promotion.plan import Change, Plan, counted
from azora.core.release.release import shown

SHOWN_COMMITS = 10  # of each kind: more hide the answer's fields below them
MOST_COMMITS = 1000  # of each kind, on their own page: more keep a browser busy

WHEN = {
    "before_preview": "**before** anything in {environment} changes: until the approval, no object of its namespace changes",
    "after_preview": "**after** the preview is installed and proved: the approval switches users within seconds",
}

ON_MAIN = {True: "yes", False: "**no**", None: "unknown"}
_EVIDENCE = re.compile(r"^\*\*\[Evidence\]\((\S+)\)", re.MULTILINE)  # text of others begins no line
LOST_NOT_KNOWN = "⚠ Commits that users would get or lose: unknown, as the commit of the active release is unknown"


def markdown(plan: Plan, *, whole: bool = False, head: str = "", until: datetime | None = None) -> str:
    """The plan as the approver reads it in the form and on the run's page.

    It has the newest commits, and the name of the page with all of them; *whole*, it has them itself. *head*: of the record.
    *until*: deadline of the answer.
    """
    most, rest = (MOST_COMMITS, "") if whole else (SHOWN_COMMITS, f", see the page `{commits_key(plan)}`")
    lines = [
        f"## {code(plan.release.subject.strip() or plan.release.short)}",
        "",
        *_evidence(plan),
        f"| | {plan.environment} |",
        "|---|---|",
        *_freeze(plan),
        *(f"| ⚠ override in force | {format_override(one)} |" for one in plan.overrides),
        f"| active now | {format_active(plan.active, plan.runs_now or '')} |",
        f"| active after the switch | {plan.preview}: {cell(plan.release.title)} |",
        f"| approval | {WHEN[plan.ask].format(environment=plan.environment) if plan.ask else 'not needed here'} |",
        *([f"| answer until | {until:%Y-%m-%d %H:%M} UTC |"] if until else []),
        f"| proof | {_proof(plan.proof)} |",
        f"| on the main branch | {ON_MAIN[plan.on_main]} |",
        f"| migrations | {_migrations(plan)} |",
        f"| router | {_router(plan)} |",
        *([f"| objects | `{shown(plan.objects)}` |"] if plan.objects else []),
        f"| plan | `{shown(plan.hash)}` |",
        *([f"| record | `{head}` |"] if head else []),
        "",
        *_commits(plan, most, rest),
        "",
        f"### {counted(len(plan.images), 'changed image')}",
        "",
    ]
    if plan.images:
        lines += ["| image | runs now | would run |", "|---|---|---|"]
        lines += [f"| {cell(name)} | {cell(before or 'none')} | {cell(after)} |" for name, before, after in plan.images]
    return "\n".join(lines)


def format_freeze(freeze: Freeze) -> str:
    """Until when, by whom and why, for a page."""
    return f"until {freeze.until:%Y-%m-%d %H:%M} UTC, by {cell(freeze.by)}: {cell(freeze.reason)}"


def format_override(override: Override) -> str:
    """Object, person and reason, for a page."""
    return f"{cell(override.where)}, by {cell(override.by)}: {cell(override.reason)}"


def format_limits(freeze: Freeze, exception: Act | None, then: str) -> str:
    """Freeze for the page of one release: the act that lets it through, or what an answer does: *then*."""
    if exception:
        limits = f"**this one may go**, by {cell(exception.by)}: {cell(exception.reason)}"
    else:
        limits = f"**nothing is promoted before**: {then}"
    return f"{format_freeze(freeze)}; {limits}"


def format_active(color: str | None, title: str) -> str:
    """Active color and its release, for a page."""
    return f"{color}: {cell(title)}" if color else "none"


def _freeze(plan: Plan) -> list[str]:
    return [f"| ⚠ frozen | {format_limits(plan.freeze, plan.exception, 'answer after it')} |"] if plan.freeze else []


def _evidence(plan: Plan) -> list[str]:
    """Link to the page of evidence, or the reason why the request has none."""
    if plan.evidence:
        return [f"**[Evidence]({plan.evidence})**: risks, each changed object, images, tests and receipts", ""]
    return [f"**⚠ There is no page of evidence**: {code(plan.no_evidence)}", ""] if plan.no_evidence else []


def evidence_address(text: str) -> str:
    """Address of the page of evidence that the plan *text* links; empty without one."""
    found = _EVIDENCE.search(text)
    return found[1] if found else ""


def commits_key(plan: Plan) -> str:
    """The name of the page with all commits."""
    return f"{plan.environment}-commits"


def commits_page(plan: Plan) -> str:
    """The commits that users would get and lose, newest first, at most `MOST_COMMITS` of each."""
    title = f"# From {code(plan.runs_now or 'nothing')} to {code(plan.release.title)}"
    return "\n".join([title, "", *_commits(plan, MOST_COMMITS)])


def _commits(plan: Plan, most: int, rest: str = "") -> list[str]:
    """Both kinds, each under its count; *rest* says where those are that are not listed."""
    if plan.lost is None:
        gained = f"{counted(len(plan.changes), 'commit')} in the release"
        return [f"### {LOST_NOT_KNOWN}", "", f"### {gained}", "", *listed(plan.changes, most, rest)]
    lost = [f"### ⚠ {counted(len(plan.lost), 'commit')} that users would lose", "", *listed(plan.lost, most, rest), ""]
    gained = counted(len(plan.changes), "new commit")
    return [*(lost if plan.lost else []), f"### {gained}", "", *listed(plan.changes, most, rest)]


def listed(changes: Sequence[Change], most: int, rest: str = "") -> list[str]:
    """The newest *most* of *changes*, an item of a list each, and how many more there are."""
    lines = [f"{code(one.short)} {code(one.subject)} ({code(one.author)})" for one in changes]
    return capped(lines, most, bullet="- ", where=rest)


def _migrations(plan: Plan) -> str:
    """Pending migrations, and whether a rollback past them is possible."""
    told = ", ".join(f"{migration.phase} {cell(migration.revision)}" for migration in plan.migrations)
    if any(migration.phase == "contract" for migration in plan.migrations):
        return f"{told}; **no rollback** to the active release: a rollback past a contract is refused"
    heads = ", ".join(map(cell, plan.release.migration_heads))
    return told or f"none to run{f' (at {heads})' if heads else ''}"


def _router(plan: Plan) -> str:
    """Hosts, and whether the router's objects change: what users meet before any pod of the release."""
    changes = {None: "is installed", True: "**changes** (its chart, its values or the hosts)", False: "stays as it is"}
    live, preview = plan.hosts
    return f"{changes[plan.router_changes]}: users at {cell(live)}, the preview at {cell(preview)}"


def _proof(proof: ProofRecord | None) -> str:
    return (
        f"{cell(proof.summary or 'passed')}, {proof.at:%Y-%m-%d %H:%M} UTC, run {cell(proof.run[:8])}"
        if proof
        else "none"
    )
