"""Release of a run by its labels, which whoever has Prefect's password can write."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from types import SimpleNamespace
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from azora.config.settings import Settings
from azora.core.release.release import Release
from azora.errors import Refused
from azora.gateways.git.repository import Commit
from azora.gateways.prefect.run_labels import Facts
from tasks import source
from tasks.context import name_of_this_run
from tests.support.clusters import record_of_images
from tests.support.releases import BASE, digest

COMMIT = Commit(BASE.commit, BASE.commit[:7], BASE.subject, "Ada", "ada@example.org")
HERE = Settings(registry="registry:5000", application="azora", base_image="")


def labelled(monkeypatch: pytest.MonkeyPatch, image: str, *, release: str = "") -> Release | None:
    """Release of a run whose labels name *image*; Azora pushed digest 1, and the registry has every one."""
    record = record_of_images()
    record.add("web", "aa", digest(1))
    named = BASE.model_copy(update={"images": {"web": image}})
    seams = {
        "facts_of": lambda _: Facts(BASE.commit, release or named.id, named.images),
        "this_run": lambda: "run",
        "settings": lambda: HERE,
        "checkout": lambda *_: SimpleNamespace(release=lambda _, images: named.model_copy(update={"images": images})),
        "record_of_images": lambda _: record,
        "exists": lambda *_: True,
        "get_run_logger": lambda: logging.getLogger("azora.test"),
    }
    for name, seam in seams.items():
        monkeypatch.setattr(source, name, seam)
    return source.find_fixed_release.fn(COMMIT)


def test_labels_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release whose images Azora pushed is that of the run."""
    found = labelled(monkeypatch, f"registry:5000/azora/web@{digest(1)}")
    assert found
    assert found.images == {"web": f"registry:5000/azora/web@{digest(1)}"}


@pytest.mark.attack("labels of a run name an image that Azora did not build", by="the record of built images")
def test_labels_with_a_foreign_image(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An image that Azora did not push does not count, though id and registry fit: the run builds its images, with a warning."""
    with caplog.at_level(logging.WARNING):
        assert labelled(monkeypatch, f"registry:5000/azora/web@{digest(2)}") is None
    assert "did not record that it built the image of web" in caplog.text


@pytest.mark.parametrize(
    ("image", "release", "says"),
    [
        pytest.param(
            f"registry:5000/azora/web@{digest(1)}",
            "f" * 64,
            "its commit and images make",
            id="another id",
            marks=pytest.mark.attack("labels of a run name another release", by="the release's digests"),
        ),
        pytest.param(
            f"elsewhere.example/azora/web@{digest(1)}",
            "",
            "is not an image in",
            id="another registry",
            marks=pytest.mark.attack("labels of a run name an image of another registry", by="the run"),
        ),
    ],
)
def test_labels_that_do_not_fit(monkeypatch: pytest.MonkeyPatch, image: str, release: str, says: str) -> None:
    """Labels that contradict each other, or lead out of the registry, end the run."""
    with pytest.raises(Refused, match=says):
        labelled(monkeypatch, image, release=release)


def test_name_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index of the reports has the name that Prefect shows, not the one with which the run began."""
    renamed: list[str] = []
    client = SimpleNamespace(update_flow_run=lambda _, name: renamed.append(name))
    monkeypatch.setattr(source, "connected", lambda _: nullcontext(client))
    run = FlowRun(flow_id=uuid4(), name="release main")
    with FlowRunContext.model_construct(flow_run=run):
        source.name_the_run("release 3f2a1c9 to production")
        assert name_of_this_run() == "release 3f2a1c9 to production"
    assert renamed == ["release 3f2a1c9 to production"]
