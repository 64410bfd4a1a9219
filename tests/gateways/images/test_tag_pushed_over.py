"""A tag means what Azora pushed: what the registry answers is compared with the record in the cluster.

The registry and buildah are real.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from azora.config.application import Image
from azora.config.settings import Settings
from azora.gateways.images.builder import Built, Doubt, build
from azora.gateways.images.registry import find
from azora.gateways.kubernetes.built_images import BuiltImages
from tests.support.clusters import record_of_images
from tests.support.registries import push_over, serving

pytestmark = pytest.mark.skipif(
    not (shutil.which("buildah") and shutil.which("docker-registry")),
    reason="needs buildah and docker-registry: `make up` installs them",
)
IMAGE = Image(name="web", context="src", dockerfile="src/Dockerfile", sources=("src/page",))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings with a registry that anybody may push to."""
    with serving(tmp_path_factory.mktemp("registry")) as address:
        yield Settings(registry=address, registry_plain_http=True, base_image="")


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A commit with an image of its own."""
    home = tmp_path_factory.getbasetemp() / "home-of-builds"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src/page").write_text(str(tmp_path))
    (tmp_path / "src/Dockerfile").write_text("FROM scratch\nCOPY page /page\n")
    return tmp_path


def built(export: Path, machine: Settings, record: BuiltImages) -> tuple[Built, list[Doubt]]:
    doubts: list[Doubt] = []
    done = build("shop", IMAGE, export, machine, record, log=export / "build.log", doubts=doubts.append)
    return done, doubts


@pytest.mark.attack("a tag in the registry is pushed over", by="the record of built images")
def test_tag_pushed_over(export: Path, machine: Settings) -> None:
    """It is built again with a warning; the release has Azora's digest, and so has the tag afterwards."""
    record = record_of_images()
    first, _ = built(export, machine, record)
    foreign = push_over(machine.registry, "shop/web", first.tag)
    assert find("shop/web", first.tag, machine) == foreign

    again, (doubt,) = built(export, machine, record)

    assert not again.reused
    assert again.reference == first.reference
    assert doubt.recorded == first.reference.partition("@")[2]
    assert f"shop/web:{first.tag} is {foreign} in the registry" in str(doubt)
    assert "somebody else pushed over this tag" in str(doubt)
    assert find("shop/web", first.tag, machine) == doubt.recorded


@pytest.mark.attack("a tag is pushed before Azora builds that image", by="the record of built images")
def test_tag_before_the_first_build(export: Path, machine: Settings) -> None:
    """An image that is there before Azora built it, as after an update, is built again; nobody is accused."""
    first, _ = built(export, machine, record_of_images())
    foreign = push_over(machine.registry, "shop/web", first.tag)
    record = record_of_images()

    again, (doubt,) = built(export, machine, record)

    assert (again.reused, doubt.recorded, doubt.found) == (False, None, foreign)
    assert "not in the record of built images" in str(doubt)
    assert record.digest("web", first.tag) == again.reference.partition("@")[2] != foreign


def test_record_without_its_image(export: Path, machine: Settings) -> None:
    """An image that the registry lost is built again without a word, however well it is recorded."""
    record = record_of_images()
    first, _ = built(export, machine, record)
    elsewhere = machine.model_copy(update={"registry": f"{machine.registry}/empty"})

    again, doubts = built(export, elsewhere, record)

    assert (again.reused, doubts) == (False, [])
    assert again.reference.partition("@")[2] == first.reference.partition("@")[2]


def test_image_that_is_recorded(export: Path, machine: Settings) -> None:
    """The same content is built once."""
    record = record_of_images()
    first, none = built(export, machine, record)
    again, nothing = built(export, machine, record)

    assert (first.reused, again.reused, none, nothing) == (False, True, [], [])
    assert again.reference == first.reference


def test_push_that_is_killed(export: Path, machine: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends between push and record costs another build, and no trust."""

    class Killed(BaseException): ...

    def end(*_: object) -> None:
        raise Killed

    record = record_of_images()
    with monkeypatch.context() as patch:
        patch.setattr(record, "add", end)
        with pytest.raises(Killed):
            built(export, machine, record)

    again, (doubt,) = built(export, machine, record)
    assert (again.reused, doubt.recorded) == (False, None)
