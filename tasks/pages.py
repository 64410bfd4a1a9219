"""What a run leaves for people: markdown artifacts on its page."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact

from azora.gateways.cluster import Cluster
from azora.plan import Plan, markdown
from azora.record import Receipt
from azora.release import Release
from azora.reports import SuiteResult
from azora.settings import settings

MARKS = {"passed": "✓", "failed": "✗", "flaky": "≈", "skipped": "–"}


def release(candidate: Release) -> None:
    """What is released."""
    rows = "\n".join(f"| {name} | `{reference}` |" for name, reference in sorted(candidate.images.items()))
    _page(
        "release",
        f"# {candidate.title}\n\ncommit `{candidate.commit}` · migrations {', '.join(candidate.migration_heads) or 'none'}\n\n"
        f"| image | reference |\n|---|---|\n{rows}",
        "What is released",
    )


def plan(environment: str, shown: Plan) -> None:
    """What would change, as it was shown."""
    _page(f"{environment}-plan", markdown(shown), f"The plan for {environment}, as it was asked about")


def answer(environment: str, decision: str, approver: str, reason: str, shown: Plan) -> None:
    """Who said what to which plan."""
    _page(
        f"{environment}-answer",
        f"**{approver}: {decision}** plan `{shown.hash}`\n\n> {reason}",
        f"The answer for {environment}",
    )


def suite(key: str, title: str, result: SuiteResult) -> None:
    """Results case by case, with links to the reports."""
    rows = "\n".join(
        f"| {MARKS.get(case.outcome, '?')} {case.outcome} | {case.name} | {case.seconds:.1f} s |"
        for case in result.cases
    )
    links = " · ".join(f"[{name}]({_link(file)})" for name, file in result.files.items())
    _page(
        key,
        f"# {title}\n\n{result.summary()} · {links}\n\n| | case | |\n|---|---|---|\n{rows}",
        title,
    )


def receipt(environment: str, found: Receipt, cluster: Cluster) -> None:
    """What the switch did to users, and the pods that serve them now."""
    world = cluster.look()
    pods = "\n".join(
        f"| {pod['metadata']['name']} | {pod['metadata']['labels'].get('azora.dev/color', '')} | {pod['status'].get('phase')} |"
        for pod in cluster.pods()
    )
    _page(
        f"{environment}-switch",
        f"# Switch {found.number} of {environment}: {found.verdict}\n\n"
        f"users are on **{world.active}**\n\n"
        "| requests | failed | first on the new color | last on the old color | p50 | p99 |\n|---|---|---|---|---|---|\n"
        f"| {found.total} | {found.failed} | {_after(found.first_on_new_seconds)} | {_after(found.last_on_old_seconds)} "
        f"| {found.p50_ms or '–'} ms | {found.p99_ms or '–'} ms |\n\n| pod | color | phase |\n|---|---|---|\n{pods}",
        f"What the switch did to users of {environment}",
    )


def _after(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:+.3f} s"


def _link(file: object) -> str:
    relative = str(file).removeprefix(str(settings().runs_folder)).lstrip("/").replace(" ", "%20")
    return f"{settings().reports_url}/{relative}"


def _page(key: str, text: str, description: str) -> None:
    create_markdown_artifact(text, key=key, description=description)
