"""A switch and an installation right after an approval, which the API server has not read yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from azora.config.json_object import Json
from azora.config.settings import Settings
from azora.core.gate.approved import NAME
from azora.core.gate.marks import Marks
from azora.errors import Conflict, Refused
from azora.gateways.helm.client import Helm
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.kubernetes.newly_approved import once_read
from azora.local.programs import programs
from tests.support.api_server import ApiServer
from tests.support.gated import ADA, R1, R2, Gated, configuration, deployment, digest, gated, image, selector, service

NO_YET = Refused(
    "could not change it: ValidatingAdmissionPolicy 'azora-live' with binding 'azora-live' denied request:"
    f" release {R2} has 0 of 1 approvals in shop"
)
HOST = Refused("could not create it: ValidatingAdmissionPolicy 'azora-hosts' denied request: names its own hosts only")


class Slow:
    """An API server that has read an approval only after some attempts, and a clock that sleeps at once."""

    def __init__(self, attempts: int, approved: str = f"{R2} {ADA}", error: Exception = NO_YET) -> None:
        self.left, self.approved, self.error = attempts, approved, error
        self.now, self.reads = 0.0, 0

    def find(self, path: str) -> Json:
        self.reads += 1
        if path.endswith(NAME):
            return {"data": {"approved": self.approved}}
        return {"metadata": {"annotations": Marks.of(configuration("shop"), "shop").annotations}}

    def attempt(self) -> str:
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return "done"

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def tried(slow: Slow) -> str:
    return once_read(Namespace(cast(Any, slow), configuration("shop"), "shop"), slow.attempt, slow)


def test_approval_that_is_read_later() -> None:
    """A refused act is repeated until the API server has read the approval; then it is done once."""
    slow = Slow(3)
    assert (tried(slow), slow.left, slow.now) == ("done", -1, 1.5)


def test_approval_that_is_never_read() -> None:
    """After 20 s the refusal is the error."""
    slow = Slow(1000)
    with pytest.raises(Refused, match="0 of 1 approvals"):
        tried(slow)
    assert slow.now == 20.0


@pytest.mark.parametrize(
    ("slow", "reads"),
    [
        pytest.param(Slow(1, approved=""), 2, id="nobody approved"),
        pytest.param(Slow(1, approved=f"{R1} {ADA}"), 2, id="another release was approved"),
        pytest.param(Slow(1, error=HOST), 0, id="another rule"),
        pytest.param(Slow(1, error=Conflict("it was changed")), 0, id="another error"),
    ],
)
def test_refusal_that_stays(slow: Slow, reads: int) -> None:
    """Without an approval that counts, and for other errors, nothing is repeated."""
    with pytest.raises(type(slow.error)):
        tried(slow)
    assert (slow.now, slow.reads) == (0.0, reads)


@pytest.fixture(scope="module")
def shop(server: ApiServer) -> Gated:
    return gated(server)


def test_switch_right_after_an_approval(shop: Gated) -> None:
    """The real API server lets each of ten newly approved releases through, to the pipeline's account."""
    pipeline = shop.of("pipeline")
    path = f"{shop.path(service(R1))}/shop"
    for number in range(10):
        release = f"{number}a" * 20
        shop.approve(ADA, release)
        body = {"spec": {"selector": selector(release)}}
        found = once_read(pipeline, lambda body=body: pipeline.api.patch(path, body))
        assert found["spec"]["selector"]["azora.dev/release"] == release


def test_installation_right_after_an_approval(shop: Gated, tmp_path: Path) -> None:
    """Helm installs an image that was approved a moment ago; one that nobody approved is refused at once."""
    chart = tmp_path / "shop"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: shop, version: 1.0.0}")
    found = deployment(R1, image("b"), called="by-helm")
    (chart / "templates/it.yaml").write_text(yaml.safe_dump(found).replace(digest("b"), "{{ .Values.image }}"))
    settings = Settings(identities=shop.server.folder, helm=str(programs() / "helm"), application="shop")
    helm = Helm(shop.environment, settings)

    def install(number: object) -> int:
        values = {"image": digest(number)}
        act = lambda: helm.upgrade("by-helm", chart, values, timeout_seconds=20, wait=False)  # noqa: E731
        return once_read(shop.of("pipeline"), act)

    with pytest.raises(Refused, match="these images of shop do not have 1 approvals") as refused:
        install("c")
    assert "docs/approvals.md" in refused.value.advice
    shop.approve(ADA, digest("b"))
    assert install("b")
