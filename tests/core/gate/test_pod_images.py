"""Images of pods, wherever an object has them."""

from __future__ import annotations

import pytest

from azora.config.json_object import Json
from azora.core.gate.pod_images import belongs_to, digests_of, images_of, items_of, tagged
from tests.support.gated import R1, deployment, digest, image, job, pod, service
from tests.support.releases import BASE

VOLUME = [{"name": "v", "image": {"reference": image(3)}}, {"name": "e", "emptyDir": {}}]


@pytest.mark.parametrize(
    ("found", "images"),
    [
        pytest.param(deployment(R1, image(1), image(2)), (image(1), image(2)), id="Deployment"),
        pytest.param(
            pod(R1, image(1), initContainers=[{"image": image(2)}]), (image(1), image(2)), id="init container"
        ),
        pytest.param(pod(R1, image(1), ephemeralContainers=[{"image": image(2)}]), (image(1), image(2)), id="debug"),
        pytest.param(pod(R1, image(1), volumes=VOLUME), (image(1), image(3)), id="image volume"),
        pytest.param(job(R1, image(1)), (image(1),), id="Job"),
        pytest.param(job(R1, image(1), kind="CronJob"), (image(1),), id="CronJob"),
        pytest.param(service(R1), (), id="Service"),
        pytest.param({"kind": "Widget", "spec": {"template": {"spec": {}}}}, (), id="template of no pod"),
    ],
)
def test_images_of_an_object(found: Json, images: tuple[str, ...]) -> None:
    """Containers of every kind, and image volumes."""
    assert images_of([found]) == images


def test_digests_and_tags() -> None:
    """An image counts by its digest; one without is listed."""
    assert digests_of([image(1), f"mirror.example.org/other@{digest(1)}", "shop:1"]) == (digest(1),)
    assert tagged([image(1), "shop:1"]) == ("shop:1",)


def test_items_of_a_release() -> None:
    """Its label, its images, and those that its charts name themselves."""
    items = items_of(BASE, [deployment(R1, image(7))])
    assert items[0] == BASE.label
    assert digest(7) in items
    assert set(digests_of(BASE.images.values())) <= set(items)


@pytest.mark.parametrize(("name", "ours"), [("shop", True), ("tool", False)])
def test_pods_of_the_application(name: str, ours: bool) -> None:
    """By the label that the live Service selects."""
    assert belongs_to("shop", deployment(R1, name=name)) is ours
