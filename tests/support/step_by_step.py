"""A promotion step by step without Prefect, as the flow takes them."""

from __future__ import annotations

from collections.abc import Callable

from azora.core.promotion.next_step import Step
from azora.gateways.kubernetes.lease import held
from azora.operations.promotion.promotion import Promotion


def walk(promotion: Promotion, *, until: Step | None = None) -> list[Step]:
    """Take step after step until there is none, or until *until*, which is not taken; returns those that were."""
    take: dict[Step, Callable[[], object]] = {
        Step.REPAIR: promotion.repair,
        Step.INSTALL_DATA: promotion.install_data,
        Step.INSTALL_PREVIEW: lambda: promotion.install_preview(lambda _ready, _wanted: None),
        Step.AWAIT_READY: promotion.await_ready,
        Step.PROVE: lambda: promotion.prove(lambda _result: None),
        Step.INSTALL_ROUTER: promotion.install_router,
        Step.SWITCH: promotion.switch,
        Step.WATCH: lambda: promotion.watch(lambda _result: None),
        Step.BOOK: promotion.book,
    }
    taken: list[Step] = []
    with held(promotion.cluster, promotion.delivery.run):
        while (step := promotion.next()) and step is not until:
            taken.append(step)
            take[step]()
    return taken
