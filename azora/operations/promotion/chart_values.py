"""Chart values of a release: layers merged over each other, and the digest of what decides them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from azora.core.colors import Color
from azora.core.release.delivery import Delivery
from azora.core.release.release import digest
from azora.core.release.values import Values, merged
from azora.errors import BadInput
from azora.host.content_hash import digest_of

ANY_RELEASE = "any"


def stack_values(delivery: Delivery, color: Color, *, least: dict[str, int]) -> Values:
    """Values of a stack in *color*, with at least as many replicas per service as *least*."""
    values = _values(
        delivery,
        delivery.application.charts.stack,
        {
            "azora": {**_azora(delivery), "color": str(color), "release": delivery.release.label},
            "images": _images(delivery, "stack"),
        },
    )
    written = values.get("replicas", {})
    if not isinstance(written, dict):
        raise _unfit(delivery, f"replicas: {json.dumps(written)}", "not a map", "write `replicas: {SERVICE: n}`")
    replicas = {name: _replicas(delivery, name, written.get(name, 1)) for name in delivery.application.service_names}
    return {**values, "replicas": written | {name: max(n, least.get(name, 0)) for name, n in replicas.items()}}


def _replicas(delivery: Delivery, service: str, written: object) -> int:
    if isinstance(written, int) and not isinstance(written, bool) and written >= 1:
        return written
    raise _unfit(
        delivery,
        f"replicas.{service}: {json.dumps(written)}",
        "no whole number of 1 or more",
        f"write `replicas: {{{service}: 1}}` or more: users are served by a stack in which each service has a ready pod",
    )


def router_values(delivery: Delivery, active: Color, release: str) -> Values:
    """Values of the router while *active* serves with pods that are labelled with *release*."""
    return _values(
        delivery,
        delivery.application.charts.router,
        {
            "azora": {**_azora(delivery), "color": str(active), "release": release},
            "edge": {"component": delivery.application.edge},
            "hosts": delivery.environment.hosts.model_dump(),
        },
    )


def data_values(delivery: Delivery) -> Values:
    """Values of the databases."""
    chart = str(delivery.application.charts.data)
    return _values(delivery, chart, {"azora": _azora(delivery), "images": _images(delivery, "data")})


def everything(delivery: Delivery) -> Iterator[tuple[str, Path, Values]]:
    """Helm release, chart and values of each part of a delivery: blue first, green beside a bigger blue."""
    application = delivery.application
    for color in Color:
        values = stack_values(delivery, color, least={})
        if color is Color.GREEN:
            bigger = {service: values["replicas"][service] + 1 for service in application.service_names}
            values = stack_values(delivery, color, least=bigger)
        yield f"{application.name}-{color}", delivery.chart(application.charts.stack), values
    values = router_values(delivery, Color.BLUE, delivery.release.label)
    yield application.name, delivery.chart(application.charts.router), values
    if application.charts.data and delivery.environment.data:
        yield f"{application.name}-data", delivery.chart(application.charts.data), data_values(delivery)


def data_digest(delivery: Delivery) -> str:
    """Changes with anything that would change the databases' objects."""
    return _digest(delivery, str(delivery.application.charts.data), data_values(delivery))


def router_digest(delivery: Delivery) -> str:
    """Digest of the router's objects, without the active color and its release."""
    return _digest(delivery, delivery.application.charts.router, router_values(delivery, Color.BLUE, ANY_RELEASE))


def _digest(delivery: Delivery, chart: str, values: Values) -> str:
    return digest({"chart": digest_of(delivery.charts(), [chart], follow=True), "values": values})[:16]


def _values(delivery: Delivery, chart: str, ours: Values) -> Values:
    """Values of *chart*'s files with *ours* over them.

    Raises BadInput for a key of the files that *ours* would replace.
    """
    theirs = delivery.values[chart]
    if key := next(_replaced(theirs, ours), None):
        raise _unfit(delivery, key, "Azora sets it", "remove it", chart)
    return merged(theirs, ours)


def _replaced(theirs: Values, ours: Values, above: str = "") -> Iterator[str]:
    """Keys of *theirs* that have another value in *ours*."""
    for key, value in ours.items():
        written = theirs.get(key)
        if isinstance(written, dict) and isinstance(value, dict):
            yield from _replaced(written, value, f"{above}{key}.")
        elif written not in (None, value):
            yield f"{above}{key}"


def _unfit(delivery: Delivery, written: str, why: str, advice: str, chart: str = "") -> BadInput:
    """*written* in the values of *chart* (default: the stack's) cannot be used."""
    application, environment = delivery.application, delivery.environment.name
    chart = chart or application.charts.stack
    folder = f"{application.values}/{Path(chart).name}"
    return BadInput(
        f"could not use `{written}` in the values of {chart!r} for {environment}: {why}",
        advice=f"{advice} ({folder}/{environment}.yaml or common.yaml, or the chart's values.yaml);"
        " docs/application-contract.md lists the values that Azora sets",
    )


def _azora(delivery: Delivery) -> Values:
    return {"application": delivery.application.name, "environment": delivery.environment.name}


def _images(delivery: Delivery, chart: str) -> dict[str, str]:
    names = {image.name for image in delivery.application.images if image.chart == chart}
    return {name: reference for name, reference in delivery.release.images.items() if name in names}
