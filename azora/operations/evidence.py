"""Evidence of an approval request: its facts from cluster, Helm, record and reports, and its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from azora.config.environment import load_environment
from azora.config.settings import Settings
from azora.core.checks.result_entry import ResultEntry
from azora.core.cluster.state import World
from azora.core.messages.evidence.facts import Compared, Evidence, Replicas, Stage, Suite
from azora.core.messages.tally_text import who_may
from azora.core.promotion.goal import Wanted
from azora.core.promotion.next_step import same_router
from azora.core.promotion.plan import Plan
from azora.core.promotion.risks import Seen
from azora.core.record.entry import readable
from azora.core.record.last_policy import last_promotion, policy_at
from azora.core.release.object_changes import changes_of, differ_by_color, restarted
from azora.core.release.rendered import Normal, normal
from azora.core.release.values import Values
from azora.errors import PermanentError, Unreachable
from azora.gateways.helm.manifests import rendered_objects
from azora.gateways.kubernetes.cluster import connect
from azora.host.writes import System, writing
from azora.operations.promotion import chart_values
from azora.operations.promotion.context import Context
from azora.operations.reports.index import results_of
from azora.operations.reports.links import link
from azora.operations.reports.publishing import publish

Found = TypeVar("Found")


@dataclass(frozen=True)
class _Part:
    """One Helm release: its objects as installed last (None: not installed), and as they would be."""

    name: str
    before: list[Values] | None
    after: list[Values]

    def compared(self, same: Mapping[str, str]) -> Compared:
        return Compared(self.name, changes_of(self.before or [], self.after, same), is_new=self.before is None)


@dataclass(frozen=True)
class _Reader:
    """Reads what a page may lack: what cannot be read becomes a risk of the page, and ends nothing."""

    unknown: list[str] = field(default_factory=list)

    def read(self, what: str, found: Callable[[], Found], otherwise: Found) -> Found:
        try:
            return found()
        except PermanentError as error:
            self.unknown.append(f"{what}: {error.message}")
            return otherwise


def evidence_of(
    context: Context,
    plan: Plan,
    shown: Mapping[str, Normal],
    *,
    run_page: str,
    command: str,
    until: datetime,
    changed: Sequence[str] = (),
) -> Evidence:
    """Facts for the page of a request. *shown*: the objects that are approved, by Helm release.

    Raises:
        TransientError: something that may be there in a moment did not answer.
    """
    reader, world, wanted = _Reader(), context.cluster.look(), context.wanted
    parts = reader.read("the objects", lambda: list(_parts(context, world, wanted)), None)
    suites = tuple(_suites(context, plan))
    seen = Seen(
        restarts=_restarts(context, parts or ()),
        by_color=_by_color(context, world, parts or (), shown),
        policy_of=reader.read("the record", lambda: _policy_of(context, world, plan), None),
        rolled_back=world.rolled_back,
        flaky=sum(case.outcome == "flaky" for suite in suites for case in suite.cases),
    )
    stage = reader.read("the stage", lambda: _stage(context), None)
    return Evidence(
        plan=plan,
        at=datetime.now(UTC),
        run_page=run_page,
        command=command,
        until=until,
        approvers=_approvers(context),
        seen=replace(seen, unknown=tuple(reader.unknown)),
        changed=tuple(changed),
        objects=_compared(context, world, wanted, parts),
        replicas=tuple(_replicas(context, world)),
        suites=suites,
        stage=stage,
        rollback=world.rollback,
    )


def _approvers(context: Context) -> str:
    """People who may approve, and how many of them; empty where a form approves."""
    environment = context.delivery.environment
    policy = environment.approval
    return f"{policy.minimum} of {who_may(policy)}" if policy and environment.has_a_gate else ""


def publish_page(html: str, name: str, run: str, settings: Settings) -> str:
    """Write *html* as file *name* of *run*; returns its signed address.

    Raises:
        Unreachable: the report server did not take it.
    """
    file = settings.runs_folder / run / name
    with writing(System.FILES, str(file)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    there = publish([file], settings)
    if there.has(file):
        return link(file, settings)
    raise Unreachable(
        f"could not upload the page of evidence to {settings.reports_url}: {there.error}",
        advice=f"it is on the worker: {file}",
    )


def _parts(context: Context, world: World, wanted: Wanted) -> Iterator[_Part]:
    """Parts of the delivery that may change, in the color that is active now: so no color differs."""
    delivery, color = context.delivery, world.active or world.preview
    charts, name = delivery.application.charts, delivery.application.name
    stack = chart_values.stack_values(delivery, color, least={})
    yield _part(context, context.cluster.namespace.stack_name(color), charts.stack, stack)
    if not same_router(world, wanted):
        yield _part(context, name, charts.router, context.router_for(color)[1])
    if charts.data and wanted.data_digest not in {None, world.data_digest}:
        yield _part(context, f"{name}-data", charts.data, chart_values.data_values(delivery))


def _part(context: Context, name: str, chart: str, values: Values) -> _Part:
    installed = context.cluster.installed_manifests(name)
    wanted = (name, context.delivery.chart(chart), values)
    if installed is None:
        return _Part(name, None, context.helm.render(*wanted))
    return _Part(name, rendered_objects(installed), _upgraded(context, *wanted))


def _upgraded(context: Context, name: str, chart: Path, values: Values) -> list[Values]:
    """Objects as Helm would upgrade to them: Secrets that are made once keep their values.

    As a first installation where Helm refuses that, as for a release that another Helm left pending.
    """
    try:
        return context.helm.would_install(name, chart, values)
    except PermanentError:
        return context.helm.render(name, chart, values)


def _compared(context: Context, world: World, wanted: Wanted, parts: Sequence[_Part] | None) -> tuple[Compared, ...]:
    """Each Helm release of the delivery; one without a part has the digest of its last installation."""
    application, live = context.delivery.application, world.active_stack
    names = [context.cluster.namespace.stack_name(world.active or world.preview), application.name]
    names += [f"{application.name}-data"] if wanted.data_digest else []
    if parts is None:
        return tuple(Compared(name, None) for name in names)
    same = {live.label: context.delivery.release.label} if live and live.label else {}
    found = {part.name: part.compared(same) for part in parts}
    return tuple(found.get(name, Compared(name, ())) for name in names)


def _restarts(context: Context, parts: Sequence[_Part]) -> tuple[str, ...]:
    data = f"{context.delivery.application.name}-data"
    return next((restarted(part.before or [], part.after) for part in parts if part.name == data), ())


def _by_color(context: Context, world: World, parts: Sequence[_Part], shown: Mapping[str, Normal]) -> tuple[str, ...]:
    """Objects of the preview color that differ from those that are compared by more than the color's name."""
    if world.active is None:
        return ()
    colored = context.cluster.namespace.stack_name
    found: list[str] = []
    for part in parts:
        name = colored(world.preview) if part.name == colored(world.active) else part.name
        found += differ_by_color(normal(part.after), shown[name]) if name in shown else ()
    return tuple(found)


def _policy_of(context: Context, world: World, plan: Plan) -> int | None:
    """Number of the last promotion, where it was approved by other rules than those of *plan*."""
    last = last_promotion(world.switches)
    if last is None:
        return None
    before = context.cluster.log.find(lambda lines: policy_at(last, readable(lines)))
    return last.number if before not in {None, plan.bound.policy} else None


def _replicas(context: Context, world: World) -> Iterator[Replicas]:
    now = world.active_stack
    least = now.wanted if now else {}
    then = chart_values.stack_values(context.delivery, world.preview, least=least)["replicas"]
    for name in context.delivery.application.service_names:
        yield Replicas(name, least.get(name, 0), now.ready.get(name, 0) if now else 0, then[name])


def _suites(context: Context, plan: Plan) -> Iterator[Suite]:
    """Results of the run of the proof and of this run, as far as they are on this machine."""
    runs = dict.fromkeys([*([plan.proof.run] if plan.proof else []), context.delivery.run])
    root = context.settings.runs_folder
    for run in runs if root.is_dir() else ():  # a resumed run may be on another machine
        for entry in results_of(root, run):
            yield _suite(entry, run, context.settings)


def _suite(entry: ResultEntry, run: str, settings: Settings) -> Suite:
    folder = settings.runs_folder / run
    reports = tuple((kind, link(folder / file, settings)) for kind, file in entry.file_names.items())
    return Suite(entry.title, entry.ok, entry.summary, entry.cases, entry.more_cases, reports)


def _stage(context: Context) -> Stage | None:
    """The stage's newest switch to this release."""
    policy = context.delivery.environment.proof
    if policy is None:
        return None
    there = connect(load_environment(policy.environment, context.settings.environments), context.settings).look()
    release = context.delivery.release.id
    last = next((switch for switch in reversed(there.switches) if switch.release == release), None)
    return Stage(policy.environment, last, there.receipt_of(last.number)) if last else None
