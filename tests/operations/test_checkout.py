"""A commit that has something by name only is refused by name, where a release uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from azora.errors import BadInput
from azora.gateways.git.repository import resolve
from azora.operations.checkout import checkout, must_be_whole
from tests.support.guestbook import SOURCE, make_repository
from tests.support.repositories import Repository, at

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The guestbook."""
    monkeypatch.setenv("AZORA_STATE", str(tmp_path / "state"))
    make_repository(tmp_path / "guestbook", SOURCE)
    return Repository(tmp_path / "guestbook", made=True)


def pointer(place: str) -> Callable[[Repository], object]:
    return lambda repository: repository.commit(place, POINTER)


def submodule(place: str) -> Callable[[Repository], object]:
    def add(repository: Repository) -> None:
        head = repository.git("rev-parse", "HEAD")
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},{place}")
        repository.git("commit", "--quiet", "-m", "A submodule")

    return add


def link(place: str, target: str) -> Callable[[Repository], object]:
    def add(repository: Repository) -> None:
        (repository.folder / place).symlink_to(target)
        repository.git("add", place)
        repository.git("commit", "--quiet", "-m", "A link")

    return add


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(pointer("src/front/logo.png"), "src/front/logo.png: a pointer of Git LFS", id="LFS in an image"),
        pytest.param(pointer("deployments/values/guestbook/big.yaml"), "big.yaml: a pointer of Git LFS", id="LFS in values"),
        pytest.param(submodule("src/front/vendor"), "src/front/vendor: a submodule", id="submodule in an image"),
        pytest.param(submodule("deployments/charts/guestbook/charts/lib"), "charts/lib: a submodule", id="submodule in a chart"),
        pytest.param(link("src/store/out", "/etc/passwd"), "src/store/out: a link that leads out", id="absolute link"),
        pytest.param(link("src/store/out", "../../../x"), "src/store/out: a link that leads out", id="link upwards"),
    ],
)  # fmt: skip
def test_content_that_is_used(repository: Repository, change: Callable[[Repository], object], says: str) -> None:
    """Everything that goes into an image, a chart, values or a suite must be in the commit."""
    change(repository)
    with pytest.raises(BadInput) as refused:
        look(repository)
    assert says in refused.value.message


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(pointer("docs/film.mp4"), id="LFS"),
        pytest.param(submodule("vendor"), id="submodule"),
        pytest.param(link("bin", "/usr/bin"), id="link"),
        pytest.param(link("src/front/here", "greeting.txt"), id="link inside an image"),
        pytest.param(lambda repository: repository.commit("docs/caf\udce9", "a name outside UTF-8"), id="name"),
    ],
)
def test_content_that_is_not_used(repository: Repository, change: Callable[[Repository], object]) -> None:
    """Elsewhere in the repository it is nobody's business."""
    change(repository)
    look(repository)


def look(repository: Repository) -> None:
    here = at(repository)
    must_be_whole(checkout(resolve("main", here).sha, here), here)
