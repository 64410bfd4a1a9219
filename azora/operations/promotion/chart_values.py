"""Chart values of a release: layers merged over each other, and the digest of what decides them."""

from __future__ import annotations

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
    values = merged(
        delivery.values[delivery.application.charts.stack],
        {
            "azora": {**_azora(delivery), "color": str(color), "release": delivery.release.label},
            "images": _images(delivery, "stack"),
        },
    )
    replicas = values.setdefault("replicas", {})
    if not isinstance(replicas, dict):
        raise BadInput(
            f"could not use `replicas: {replicas!r}` in the values of {delivery.application.charts.stack!r}: not a map",
            advice="write `replicas: {SERVICE: n}`; the keys azora, images and replicas are reserved for Azora",
        )
    for service in delivery.application.service_names:
        replicas[service] = max(replicas.get(service, 1), least.get(service, 0))
    return values


def router_values(delivery: Delivery, active: Color, release: str) -> Values:
    """Values of the router while *active* serves with pods that are labelled with *release*."""
    return merged(
        delivery.values[delivery.application.charts.router],
        {
            "azora": {**_azora(delivery), "color": str(active), "release": release},
            "edge": {"component": delivery.application.edge},
            "hosts": delivery.environment.hosts.model_dump(),
        },
    )


def data_values(delivery: Delivery) -> Values:
    """Values of the databases."""
    layers = delivery.values[str(delivery.application.charts.data)]
    return merged(layers, {"azora": _azora(delivery), "images": _images(delivery, "data")})


def everything(delivery: Delivery) -> Iterator[tuple[str, Path, Values]]:
    """Helm release, chart and values of each part of a delivery: blue first, green beside a bigger blue."""
    application, folder = delivery.application, delivery.folder
    for color in Color:
        values = stack_values(delivery, color, least={})
        if color is Color.GREEN:
            bigger = {service: count + 1 for service, count in values["replicas"].items()}
            values = stack_values(delivery, color, least=bigger)
        yield f"{application.name}-{color}", folder / application.charts.stack, values
    values = router_values(delivery, Color.BLUE, delivery.release.label)
    yield application.name, folder / application.charts.router, values
    if application.charts.data and delivery.environment.data:
        yield f"{application.name}-data", folder / application.charts.data, data_values(delivery)


def data_digest(delivery: Delivery) -> str:
    """Changes with anything that would change the databases' objects."""
    return _digest(delivery, str(delivery.application.charts.data), data_values(delivery))


def router_digest(delivery: Delivery) -> str:
    """Digest of the router's objects, without the active color and its release."""
    return _digest(delivery, delivery.application.charts.router, router_values(delivery, Color.BLUE, ANY_RELEASE))


def _digest(delivery: Delivery, chart: str, values: Values) -> str:
    return digest({"chart": digest_of(delivery.folder, [chart]), "values": values})[:16]


def _azora(delivery: Delivery) -> Values:
    return {"application": delivery.application.name, "environment": delivery.environment.name}


def _images(delivery: Delivery, chart: str) -> dict[str, str]:
    names = {image.name for image in delivery.application.images if image.chart == chart}
    return {name: reference for name, reference in delivery.release.images.items() if name in names}
