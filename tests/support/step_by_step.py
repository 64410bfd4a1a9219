"""A promotion step by step without Prefect, as the flow takes them."""

from __future__ import annotations

from azora.core.promotion.next_step import Step
from azora.gateways.kubernetes.lease import held
from azora.host.retry import retried
from azora.operations.promotion.context import Context
from azora.operations.promotion.promotion import Promotion


def walk(context: Context, *, until: Step | None = None) -> list[Step]:
    """Take step after step until there is none, or until *until*; return those that were taken.

    Each is taken again while its error says that this may help. *until* is not taken.
    """
    taken: list[Step] = []
    with Promotion(context) as promotion, held(context.cluster.namespace, context.delivery.run):
        while (step := promotion.next()) and step is not until:
            taken.append(step)
            retried(promotion.take)(step)
    return taken
