"""Artifacts of a run for people: markdown on its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.exceptions import MissingContextError

from azora.config.settings import settings
from azora.core.checks.case_history import told
from azora.core.checks.result_entry import entry_of, file_name
from azora.core.checks.suite_result import Case, SuiteResult
from azora.core.cluster.record import Receipt
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.messages.markdown import block, cell, code
from azora.core.messages.plan_page import commits_key, commits_page, format_freeze, format_override, markdown
from azora.core.messages.receipt import receipt_rows
from azora.core.promotion.approval import line_to_copy
from azora.core.promotion.binding import Bound
from azora.core.promotion.plan import Plan
from azora.core.release.release import Release, shown
from azora.core.retention import bytes_told
from azora.errors import PAGE_LETTERS, AzoraError, storable
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.prefect.runs import page_of
from azora.host.writes import System, writing
from azora.operations.pruning import Part
from azora.operations.reports.links import link, viewer_link
from azora.operations.reports.publishing import Published, keep_result, publish
from tasks.context import name_of_this_run, this_run

MARKS = {"passed": "✓", "failed": "✗", "flaky": "≈", "skipped": "–"}
REASON_CHARACTERS = 600


def release(candidate: Release) -> None:
    """Page of the release: names and short digests to read, whole references to copy."""
    images = sorted(candidate.images.items())
    rows = "\n".join(
        f"| {cell(name)} | {cell(reference.partition('@sha256:')[2][:12])} |" for name, reference in images
    )
    references = "\n".join(reference for _, reference in images)
    _page(
        "release",
        f"# {code(candidate.subject.strip() or candidate.short)}\n\n"
        f"release `{candidate.id}` of commit `{candidate.commit}` · migrations {', '.join(map(code, candidate.migration_heads)) or 'none'}\n\n"
        f"| image | digest |\n|---|---|\n{rows}\n\n{block(references, len(references))}",
        "Release",
    )


def plan(asked: Plan, head: str, until: datetime, missing: str = "") -> None:
    """Page of a request: the plan, its deadline *until*, and how to approve it.

    *missing*: text that people of the cluster read first.
    """
    text = markdown(asked, head=head, until=until)
    form = (
        f"Approve with *Resume* in the menu of [the run's page]({page_of(this_run())}), or run:\n\n"
        f"```\n{line_to_copy(this_run(), asked.hash)}\n```"
    )
    shown = f"{missing}\n\n{text}" if missing else f"{text}\n\n{form}"
    _page(f"{asked.environment}-plan", shown, f"Plan for {asked.environment}")


def warnings(environment: str, world: World) -> None:
    """Page of a freeze and of overrides in force; none without them."""
    freeze = world.freezes.in_force(datetime.now(UTC))
    rows = [f"- frozen {format_freeze(freeze)}"] if freeze else []
    rows += [f"- override in force: {format_override(one)}" for one in world.overrides]
    if rows:
        text = "\n".join([f"# ⚠ {environment}", "", *rows])
        _page(f"{environment}-warnings", text, f"Freeze and overrides of {environment}")


def commits(environment: str, shown: Plan) -> None:
    """Every commit that users would get or lose."""
    _page(commits_key(shown), commits_page(shown), f"Commits for {environment}")


def answer(to: Bound, decision: str, approver: str, reason: str) -> None:
    """Page of an answer: the person, the decision, the reason and the plan."""
    said = {"approve": "Approved", "reject": "Rejected"}.get(decision, decision)
    _page(
        f"{to.environment}-answer",
        f"# {said} by {code(approver)}\n\n> {code(reason, REASON_CHARACTERS)}\n\nplan `{shown(to.hash)}` · release `{shown(to.release)}` · {to.environment}",
        f"Answer for {to.environment}",
    )


def suite(key: str, title: str, result: SuiteResult) -> None:
    """Results case by case, with links to the reports; why a case failed, and what it saw."""
    there = _published(key, title, result)
    rows = "\n".join(
        f"| {MARKS.get(case.outcome, '?')} {case.outcome} | {cell(case.name)} | {case.seconds:.1f} s |"
        for case in result.cases
    )
    links = " · ".join(f"[{name}]({link(file, settings())})" for name, file in result.files.items() if there.has(file))
    troubles = [_trouble(case, there) for case in result.cases if case.outcome in {"failed", "flaky"}]
    _page(
        key,
        "\n\n".join(
            [
                f"# {title}",
                " · ".join(filter(None, [result.summary(), links])),
                *_without_links(there),
                *troubles,
                f"| result | case | took |\n|---|---|---|\n{rows}",
            ]
        ),
        title,
    )


def unit_tests(logs: dict[str, str]) -> None:
    """Page of the unit tests: services that passed, now or earlier on the same sources, with their logs."""
    passed = tuple(Case(name, "passed", 0) for name in logs)
    files = {name: Path(log) for name, log in logs.items()}
    there = _published("unit-tests", "Unit tests", SuiteResult(passed, 0, files))
    here = settings().runs_folder / this_run()
    when = {
        name: "" if Path(log).parent == here else ", cached: passed before on the same sources"
        for name, log in logs.items()
    }
    rows = "\n".join(
        f"| {MARKS['passed']} {cell(name)} | {_log(Path(log), there)}{when[name]} |" for name, log in logs.items()
    )
    text = "\n\n".join(["# Unit tests", *_without_links(there), f"| service | |\n|---|---|\n{rows}"])
    _page("unit-tests", text, "Unit tests of the services")


def last_switch(environment: str, cluster: Cluster) -> None:
    """Page as `receipt`, of the newest switch that has one, be it good or bad."""
    with suppress(AzoraError):
        world = cluster.look()
        found = [world.receipt_of(switch.number) for switch in world.switches]
        if kept := [one for one in found if one]:
            receipt(environment, kept[-1], cluster, world.active)


def receipt(environment: str, found: Receipt, cluster: Cluster, active: Color | None) -> None:
    """Page of a switch: the requests around it, and the pods that serve users now."""
    pods = "\n".join(
        f"| {cell(pod['metadata']['name'])} | {cell(pod['metadata']['labels'].get('azora.dev/color', 'both'))} | {pod['status'].get('phase')} |"
        for pod in cluster.pods()
    )
    figures = {**dict(receipt_rows(found)), "failed": f"**{found.failed}**"}
    rows = "\n".join(f"| {name} | {figure} |" for name, figure in figures.items())
    _page(
        f"{environment}-switch",
        f"# {active} serves users of {environment}\n\n"
        f"Switch {found.number}: {found.verdict}{f', {code(found.reason, REASON_CHARACTERS)}' if found.reason else ''}\n\n"
        f"| requests around the switch | |\n|---|---|\n{rows}\n\n"
        f"| pod | color | phase |\n|---|---|---|\n{pods}",
        f"Receipt of the last switch of {environment}",
    )


def pruned(parts: Sequence[Part]) -> None:
    """Page of a removal: what was removed, and the error that stopped the rest."""
    rows = "\n".join(
        f"| {part.kind} | {len(part.gone)} | {bytes_told(part.freed_bytes) if part.freed_bytes else ''} | {len(part.kept)} |"
        for part in parts
    )
    troubles = [f"**⚠ {part.kind}**: {code(part.trouble, REASON_CHARACTERS)}" for part in parts if part.trouble]
    _page(
        "pruned",
        "\n\n".join(["# Pruning", *troubles, f"| kind | removed | size | kept |\n|---|---|---|---|\n{rows}"]),
        "Pruning",
    )


def _published(key: str, title: str, result: SuiteResult) -> Published:
    """Keep the result for the index, and bring it to the report server with the reports of this run.

    A server that is away costs the links.
    """
    _keep(key, title, result)
    run = settings().runs_folder / this_run()
    ours = {file for file in result.files.values() if file.is_relative_to(run)}
    there = publish({file if file.parent == run else file.parent for file in ours} | {run / file_name(key)}, settings())
    if there.error:
        _warn(f"could not upload reports to {settings().reports_url}: {there.error}; the run goes on without links")
    earlier = frozenset(result.files.values()) - ours
    return Published(None if there.files is None else there.files | earlier, there.error)


def _without_links(there: Published) -> list[str]:
    """Sentence for files that have no link."""
    folder, why = code(str(settings().runs_folder / this_run())), code(there.error, REASON_CHARACTERS)
    said = f"**⚠ The report server does not have all reports**: {why}. They are on the worker, in {folder}."
    return [said] if there.error else []


def _log(log: Path, there: Published) -> str:
    return f"[log]({link(log, settings())})" if there.has(log) else "log on the worker"


def _keep(key: str, title: str, result: SuiteResult) -> None:
    """Write the result for the index of the reports; an error costs its line there."""
    folder = settings().runs_folder / this_run()
    of = {"run_name": name_of_this_run(), "application": settings().application, "run_folder": str(folder)}
    try:
        keep_result(entry_of(result, title, **of, at=datetime.now(UTC)), key, folder)
    except (OSError, ValueError) as error:  # a disk that is full, a name that is no text
        _warn(f"could not write the result of {title!r} to {folder}: {error}")


def _warn(text: str) -> None:
    with suppress(MissingContextError):  # the page of a run has its warnings
        get_run_logger().warning(text)


def _trouble(case: Case, there: Published) -> str:
    """A case that failed at least once: what it said, how it fared before, and the pictures it left."""
    pictures = {"screenshot": case.screenshot, "video": case.video, "trace.zip": case.trace}
    addresses = {name: link(file, settings()) for name, file in pictures.items() if file and there.has(file)}
    if "trace.zip" in addresses and settings().reports_viewer_url:
        addresses["trace"] = viewer_link(settings().reports_viewer_url, addresses["trace.zip"])
    links = " · ".join(f"[{name}]({address})" for name, address in addresses.items())
    seen = (
        f"\n\n![Screenshot of {code(case.name)} at its failure]({addresses['screenshot']})"
        if "screenshot" in addresses
        else ""
    )
    flaky = "flaky: passed at the second try; " if case.outcome == "flaky" else ""
    return (
        f"**{MARKS[case.outcome]} {code(case.name)}** {links}\n\n{flaky}{told(case)}\n\n"
        f"{block(case.message.strip() or 'no output')}{seen}"
    )


def _page(key: str, text: str, description: str) -> None:
    with writing(System.PREFECT, f"artifact {key}"):
        create_markdown_artifact(storable(text, PAGE_LETTERS), key=key, description=storable(description))


def progress(key: str, description: str) -> Callable[[int, int], None]:
    """A bar on the run's page, empty at first; call what is returned with how many are done, of how many."""
    with writing(System.PREFECT, f"artifact {key}"):
        bar = create_progress_artifact(0.0, key=key, description=description)

    def report(done: int, of: int) -> None:
        with writing(System.PREFECT, f"artifact {key}"):
            update_progress_artifact(bar, 100 * done / max(of, 1))  # type: ignore[arg-type]

    return report
