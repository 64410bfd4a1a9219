"""Objects that a plan shows, rendered as a first installation: nothing of the cluster is in them."""

from __future__ import annotations

from collections.abc import Iterator

from azora.core.cluster.state import World
from azora.core.release.delivery import Delivery
from azora.core.release.rendered import Normal, normal
from azora.core.release.values import Values
from azora.errors import Refused
from azora.gateways.helm.client import Helm
from azora.operations.promotion import chart_values

Shown = dict[str, Normal]


def shown_objects(delivery: Delivery, helm: Helm, world: World) -> Shown:
    """Objects that *delivery* would install while *world* is as it is, by Helm release."""
    return {
        name: normal(helm.render(name, delivery.chart(chart), values))
        for name, chart, values in _installed(delivery, world)
    }


def _installed(delivery: Delivery, world: World) -> Iterator[tuple[str, str, Values]]:
    application, preview = delivery.application, world.preview
    charts = application.charts
    yield f"{application.name}-{preview}", charts.stack, chart_values.stack_values(delivery, preview, least={})
    yield application.name, charts.router, chart_values.router_values(delivery, preview, delivery.release.label)
    if charts.data and delivery.environment.data:
        yield f"{application.name}-data", charts.data, chart_values.data_values(delivery)


def not_as_shown(name: str, environment: str, found: str) -> Refused:
    """The error for objects of Helm release *name* that are not those that were shown."""
    return Refused(
        f"could not install {name} of {environment}: its objects differ from those that were shown:\n{found}",
        advice="the chart's templates read the time, random values, `lookup`, .Release.IsUpgrade or .Release.Revision: take that"
        " out of them (docs/application-contract.md); where they do not, the cluster or Helm changed: start the release again",
    )
