"""The steps before the switch: the preview stack comes up and is proved; users meet nothing of it."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

from azora.config.json_object import Json
from azora.core.cluster.pod_diagnosis import Deadline
from azora.core.cluster.record import PreviewRecord, StackRecord
from azora.core.cluster.state import Stack
from azora.core.colors import Color
from azora.core.promotion.switch_verdict import pods_ready, unready
from azora.core.release.chart_contract import images_of, live_ports
from azora.core.release.custom_resources import unready as unready_resource
from azora.core.release.values import Values
from azora.errors import AzoraError, BadInput, CheckFailed, Conflict, HelmFailed, NotReadyYet
from azora.gateways.helm.runner import GiveUp
from azora.gateways.kubernetes.inventory import Inventory
from azora.gateways.kubernetes.pod_errors import troubles
from azora.gateways.suites.pytest_runner import must_pass
from azora.operations.promotion import chart_values
from azora.operations.promotion.context import Context
from azora.operations.promotion.live_probe import await_answer, must_answer
from azora.operations.promotion.observer import Observer
from azora.operations.promotion.takeover import remove_leftover_hooks

SHOWN_LINES = 20


def repair(context: Context) -> list[str]:
    """Remove incomplete Helm revisions; no object or traffic changes. Returns the repaired releases."""
    context.hold()
    pending = list(context.cluster.look().pending)
    for name in pending:
        context.cluster.forget_pending(name)
    return pending


def install_data(context: Context) -> None:
    """PostgreSQL, Redis and what else the environment's data chart brings."""
    context.hold()
    application = context.delivery.application
    name, chart = f"{application.name}-data", context.delivery.chart(str(application.charts.data))
    values = chart_values.data_values(context.delivery)
    context.claim(name, chart, values)
    context.must_be_as_shown(name, chart, values)
    remove_leftover_hooks(context.cluster, context.helm, (name, chart, values))
    context.install(name, chart, values, timeout_seconds=300)
    context.cluster.record.write(data=chart_values.data_digest(context.delivery))


def install_preview(context: Context, observer: Observer) -> StackRecord:
    """Bring the preview stack up at full size.

    Raises:
        HelmFailed: with the pods' own words; those of the migration, where that failed.
        Refused: its migrations may not run here.
    """
    context.hold()
    world = context.look_past_drift()
    color = world.preview
    least = world.active_stack.wanted if world.active_stack else {}
    values = chart_values.stack_values(context.delivery, color, least=least)
    chart = context.delivery.chart(context.delivery.application.charts.stack)
    limit = context.delivery.environment.install_minutes * 60
    name = context.cluster.namespace.stack_name(color)
    plain = chart_values.stack_values(context.delivery, color, least={})
    context.claim(name, chart, values)
    context.must_be_as_shown(name, chart, values, plain)
    if world.active:  # it is upgraded after the switch: too late for a refusal
        context.must_be_as_shown(context.delivery.application.name, *context.router_for(color))
    context.cluster.record.add_release(context.delivery.release)
    context.cluster.record.begin_migrating(context.delivery.release)
    _note(context, color)
    if world.stack(color).helm == "failed":
        context.cluster.forget_unready(color)
    if context.delivery.environment.has_a_gate:
        context.cluster.forget_overridden(color)
    _must_still_wait(context, color)
    remove_leftover_hooks(context.cluster, context.helm, (name, chart, values))
    try:
        revision = context.install(
            name,
            chart,
            values,
            timeout_seconds=limit,
            give_up=_watcher(context, color, observer),
        )
        rendered = context.helm.render(name, chart, values)
        _await_named(context, color, rendered, time.monotonic() + limit)
    except AzoraError as error:
        raise _explained(context, error, color) from error
    wanted = sum(values["replicas"].values())
    observer.pods(wanted, wanted)
    record = context.record_of(revision).model_copy(update={"ports": _ports(context, color)})
    context.cluster.record.set_installed(color, record)
    return record


def _note(context: Context, color: Color) -> None:
    """Note whose preview this is, for the removal by policy."""
    noted = PreviewRecord(
        run=context.delivery.run, release=context.delivery.release.id, color=color, at=datetime.now(UTC)
    )
    context.cluster.record.write(preview=noted.model_dump_json())


def _await_named(context: Context, color: Color, rendered: list[Values], deadline: float) -> None:
    """Wait for those of the *rendered* objects whose kinds application.yaml names under `waits_for`.

    Raises HelmFailed with each that is not ready at the *deadline*.
    """
    kinds = context.delivery.application.waits_for
    named = [found for found in rendered if found["kind"] in kinds]
    inventory = Inventory(context.cluster.namespace.api, context.cluster.namespace.name)
    while late := [
        f"{one['kind']} {one['metadata']['name']}: {why}"
        for one in named
        if (why := unready_resource(inventory.read(one)))
    ]:
        if time.monotonic() > deadline:
            raise HelmFailed(
                f"could not install {color} of {context.where}: not ready within"
                f" {context.delivery.environment.install_minutes} minutes: {'; '.join(late)}",
                advice="see what its operator says of it, or take its kind out of `waits_for` in application.yaml",
            )
        time.sleep(1)
        context.hold()


def _must_still_wait(context: Context, color: Color) -> None:
    """Raise Conflict where users came to *color* meanwhile, by a rollback that took the Lease."""
    context.hold()
    if context.cluster.look().active is color:
        raise Conflict(
            f"could not install into {color} of {context.where}: this color is active now",
            advice="start the release again",
        )


def _ports(context: Context, color: Color) -> tuple[Json, ...] | None:
    """Ports of the live Service for *color*; None where an older router's chart names no release."""
    with suppress(BadInput):
        return live_ports(context.rendered_router(color), context.delivery.application.name)
    return None


def _watcher(context: Context, color: Color, observer: Observer) -> GiveUp:
    """Watcher of *color*'s pods while Helm waits: reports the number ready, gives up when hopeless."""
    deadline = Deadline(context.delivery.release.label, context.delivery.environment.patience_seconds)

    def look() -> str | None:
        try:
            observer.pods(*pods_ready(context.cluster.stack(color)))
            lost = deadline.lost(context.cluster.pods(color), time.monotonic())
        except AzoraError:  # Helm says what it met, and for how long it waits
            return None
        return f"{', '.join(lost)} cannot start" if lost else None

    return look


def await_ready(context: Context) -> None:
    """Raises NotReadyYet (tried again) until every pod of the preview is ready."""
    world = context.cluster.look()
    if reason := unready(world.stack(world.preview)):
        raise _explained(context, NotReadyYet(f"could not prove {context.where}: {reason}"), world.preview)


def prove(context: Context, observer: Observer) -> None:
    """The smoke cases against the preview, through the preview Service; recorded when all pass."""
    context.hold()
    world = context.cluster.look()
    color = world.preview
    stack = world.stack(color)
    _check_images(context, stack)
    if world.service_version:
        context.cluster.point_preview_at(stack)
        context.route_preview(world)
    host = context.delivery.environment.hosts.preview
    with suppress(NotReadyYet):  # the cases will say what is wrong
        await_answer(context.delivery, context.settings, host, tries=20)
    must_answer(context.delivery, context.settings, context.cluster.namespace, host)
    result = context.suite("smoke", host, stack)
    observer.preview_smoke(result)
    must_pass(result, f"the preview of {context.where} ({color})")
    context.cluster.record.set_installed(color, context.proof(stack))


def try_end_to_end(context: Context, observer: Observer) -> None:
    """Run the browser cases against the preview, through the preview Service, before the switch."""
    context.hold()
    world = context.cluster.look()
    stack = world.stack(world.preview)
    result = context.suite("e2e", context.delivery.environment.hosts.preview, stack)
    observer.preview_e2e(result)
    must_pass(result, f"the preview of {context.where} ({stack.color}) end to end")
    passed = {"cases": result.passed + result.flaky, "cases_by": context.delivery.run}
    context.cluster.record.set_stack(stack.color, context.proof(stack).model_copy(update=passed))


def install_router(context: Context) -> None:
    """The first time: live Service, preview Service and Ingress, for the one stack there is.

    Raises:
        Refused: nobody approved it, or what was approved is no longer what is there.
    """
    context.hold()
    world = context.cluster.look()
    context.approval(world)
    context.must_not_be_frozen(world)
    context.upgrade_router(world.stack(world.preview))
    await_answer(context.delivery, context.settings, context.delivery.environment.hosts.live)


def _check_images(context: Context, stack: Stack) -> None:
    """Check that what runs is what was tested: every image of the stack is one of this release, by digest."""
    strangers = stack.images - set(context.delivery.release.images.values())
    if strangers:  # what the chart pins by itself is of this release too
        strangers -= images_of(_rendered(context, stack.color))
    if strangers:
        raise CheckFailed(
            f"could not prove {context.where}/{stack.color}: it runs images of another release: {sorted(strangers)}",
            advice="the stack was changed manually; start the release again",
        )


def _rendered(context: Context, color: Color) -> list[Json]:
    """Objects of the stack's chart in *color*."""
    values = chart_values.stack_values(context.delivery, color, least={})
    chart = context.delivery.chart(context.delivery.application.charts.stack)
    return context.helm.render(context.cluster.namespace.stack_name(color), chart, values)


def _explained(context: Context, error: AzoraError, color: Color) -> AzoraError:
    """*error* with the errors of *color*'s new pods, and the sentence that users were not affected."""
    said: list[str] = []
    if isinstance(error, HelmFailed | NotReadyYet):
        with suppress(AzoraError):
            said = troubles(context.cluster, color, context.delivery.release.label)[:SHOWN_LINES]
    message = "\n  ".join([error.message, *said])
    advice = "; ".join(filter(None, [error.advice, f"users of {context.where} are not affected"]))
    return type(error)(message, advice=advice)
