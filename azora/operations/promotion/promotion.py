"""A promotion: which step is next, and the one table that takes it. Each step is safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from azora.core.colors import Color
from azora.core.promotion.next_step import Step, next_step
from azora.core.promotion.safety import must_know_helm
from azora.errors import Failed
from azora.host.retry import retried
from azora.operations.promotion import preview, switch
from azora.operations.promotion.context import Context
from azora.operations.promotion.live_probe import LiveProbe
from azora.operations.promotion.observer import SILENT, Observer

MOST_REPEATS = 5  # of one step that went well, in a row


@dataclass(frozen=True)
class Done:
    """Line for the log about a finished step; empty where its name is enough.

    `color` is the active color now; `odd` makes the line a warning.
    """

    message: str = ""
    color: Color | None = None
    odd: bool = False


class Promotion:
    """One delivery on its way: its context, and the probe that lives from the switch to its verdict.

    A context manager, at whose end the probe ends too.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.probe = LiveProbe(context.delivery, context.settings, context.cluster.namespace)
        self._well: tuple[Step | None, int] = (None, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.probe.cancel()

    @retried
    def next(self, *, end_to_end: bool = False) -> Step | None:
        """The one next step, from a fresh look; an API server that is away for a moment is waited for."""
        context = self.context
        has_cases = context.delivery.application.suites.e2e is not None
        wanted = replace(context.wanted, end_to_end=end_to_end and has_cases)
        world = context.look()
        must_know_helm(world, context.where)
        return next_step(world, wanted, datetime.now(UTC))

    def take(self, step: Step, observer: Observer = SILENT) -> Done:
        """Take *step*, any but ASK; the Lease must be held.

        Raises:
            Failed: it was taken again and again, and the next look asked for it each time.
        """
        last, times = self._well
        if step is last and times >= MOST_REPEATS:
            raise Failed(
                f"could not promote in {self.context.where}: {step} went well {times} times, and the cluster does not show it",
                advice=f"compare `azora status {self.context.where}` and `helm list` in its namespace with what the run's page says",
            )
        done = _STEPS[step](self, observer)
        self._well = (step, times + 1 if step is last else 1)
        return done


def _repair(promotion: Promotion, _: Observer) -> Done:
    repaired = preview.repair(promotion.context)
    said = f"a killed process left incomplete Helm releases; removed these revisions: {', '.join(repaired)}"
    return Done(said, odd=True)


def _install_data(promotion: Promotion, _: Observer) -> Done:
    preview.install_data(promotion.context)
    return Done()


def _install_preview(promotion: Promotion, observer: Observer) -> Done:
    record = preview.install_preview(promotion.context, observer)
    return Done(f"the preview of {promotion.context.where} is ready: Helm revision {record.revision}")


def _await_ready(promotion: Promotion, _: Observer) -> Done:
    preview.await_ready(promotion.context)
    return Done()


def _prove(promotion: Promotion, observer: Observer) -> Done:
    preview.prove(promotion.context, observer)
    return Done()


def _try_end_to_end(promotion: Promotion, observer: Observer) -> Done:
    preview.try_end_to_end(promotion.context, observer)
    return Done()


def _install_router(promotion: Promotion, _: Observer) -> Done:
    preview.install_router(promotion.context)
    return Done()


def _switch(promotion: Promotion, _: Observer) -> Done:
    entry = switch.switch(promotion.context, promotion.probe)
    where = promotion.context.where
    return Done(f"users of {where} reach {entry.to} since {entry.at.time()} (switch {entry.number})", entry.to)


def _watch(promotion: Promotion, observer: Observer) -> Done:
    receipt = switch.watch(promotion.context, promotion.probe, observer)
    where = promotion.context.where
    return Done(f"{receipt.total} requests around the switch of {where}, {receipt.failed} failed")


def _record_in_helm(promotion: Promotion, _: Observer) -> Done:
    switch.record_in_helm(promotion.context)
    return Done()


_STEPS: dict[Step, Callable[[Promotion, Observer], Done]] = {
    Step.REPAIR: _repair,
    Step.INSTALL_DATA: _install_data,
    Step.INSTALL_PREVIEW: _install_preview,
    Step.AWAIT_READY: _await_ready,
    Step.PROVE: _prove,
    Step.END_TO_END: _try_end_to_end,
    Step.INSTALL_ROUTER: _install_router,
    Step.SWITCH: _switch,
    Step.WATCH: _watch,
    Step.RECORD_IN_HELM: _record_in_helm,
}
