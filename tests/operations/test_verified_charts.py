"""Helm reads what the release was made of, whatever is written to the export after it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from azora.config.environment import load_environment
from azora.config.settings import ROOT, Settings
from azora.core.release.delivery import Delivery
from azora.errors import Refused
from azora.gateways.git.repository import resolve
from azora.host.content_hash import digest_of
from azora.operations.checkout import Checkout, checkout
from azora.operations.promotion import chart_values
from azora.operations.verified_charts import verified_charts
from tests.support.guestbook import SOURCE, make_repository
from tests.support.rendering import helm_program
from tests.support.repositories import Repository, at

CHART, VALUES = "deployments/charts/guestbook", "deployments/values/guestbook"
STAGING = load_environment("staging", ROOT / "docs/examples/environments")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """The guestbook."""
    make_repository(tmp_path / "guestbook", SOURCE)
    return Repository(tmp_path / "guestbook", made=True)


def delivered(repository: Repository, state: Path) -> tuple[Checkout, Delivery]:
    """A release of main on its way to staging, with the export that it was made of."""
    settings = at(repository, state=state, helm=helm_program())
    found = checkout(resolve("main", settings).sha, settings)
    release = found.placeholder_release("a change", "registry.example")
    charts = partial(verified_charts, found, release, settings)
    return found, found.delivery(release, STAGING, settings, charts=charts)


def used(delivery: Delivery) -> object:
    """Values and charts, as an installation uses them."""
    return [(name, chart, values) for name, chart, values in chart_values.everything(delivery)]


@pytest.mark.attack("charts or values are changed after the release was made", by="the release's digests")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(lambda export: (export / f"{CHART}/templates/more.yaml").write_text(""), "more.yaml", id="a template more"),
        pytest.param(lambda export: (export / f"{CHART}/Chart.yaml").write_text("x"), f"{CHART}/Chart.yaml", id="the chart"),
        pytest.param(lambda export: (export / f"{VALUES}/staging.yaml").write_text("a: 1"), f"{VALUES}/staging.yaml", id="values"),
        pytest.param(lambda export: (export / f"{CHART}/Chart.yaml").unlink(), f"{CHART}/Chart.yaml", id="a file less"),
    ],
)  # fmt: skip
def test_export_that_was_changed(
    repository: Repository, tmp_path: Path, change: Callable[[Path], object], named: str
) -> None:
    """Nothing is rendered from it; the error names the file."""
    found, delivery = delivered(repository, tmp_path / "state")
    change(found.folder)
    with pytest.raises(Refused, match=rf"differ from the release: .*{named}"):
        used(delivery)


@pytest.mark.attack("charts are changed between the check and Helm", by="the verified copy")
def test_export_that_is_changed_later(repository: Repository, tmp_path: Path) -> None:
    """Helm reads a copy that only this user may write; a change of the copy is refused, too."""
    found, delivery = delivered(repository, tmp_path / "state")
    before = used(delivery)
    (found.folder / CHART / "templates/more.yaml").write_text("kind: Secret")
    assert used(delivery) == before
    copy = delivery.charts()
    assert copy.stat().st_mode & 0o077 == 0
    assert not (copy / CHART / "templates/more.yaml").exists()
    (copy / CHART / "templates/more.yaml").write_text("kind: Secret")
    with pytest.raises(Refused, match=r"templates/more.yaml"):
        used(delivery)


def test_folder_that_no_digest_covers(repository: Repository, tmp_path: Path) -> None:
    """Python's bytecode is in no digest, so that a template in its folder is not rendered."""
    more = repository.folder / CHART / "templates/__pycache__/more.yaml"
    more.parent.mkdir()
    more.write_text("kind: Secret")
    repository.git("add", "--force", str(more))
    repository.git("commit", "--quiet", "-m", "Bytecode")
    found, delivery = delivered(repository, tmp_path / "state")
    used(delivery)
    assert (found.folder / CHART / "templates/__pycache__").is_dir()
    assert not (delivery.charts() / CHART / "templates/__pycache__").exists()


def test_charts_through_links(repository: Repository, tmp_path: Path) -> None:
    """The copy has the files that links of a chart lead to."""
    repository.commit("shared/note.txt", "hello")
    (repository.folder / "note.txt").symlink_to("shared/note.txt")
    (repository.folder / CHART / "note.txt").symlink_to("../../../note.txt")
    repository.git("add", "note.txt", f"{CHART}/note.txt")
    repository.git("commit", "--quiet", "-m", "Links")
    _, delivery = delivered(repository, tmp_path / "state")
    assert (delivery.chart(CHART) / "note.txt").read_text() == "hello"


def test_release_from_before_links_were_followed(repository: Repository, tmp_path: Path) -> None:
    """Its digests have links as text; it is still installed by a rollback."""
    found, delivery = delivered(repository, tmp_path / "state")
    values = digest_of(found.folder, [found.application.values])
    plain = {"charts_digest": digest_of(found.folder, found.charts), "values_digest": values}
    verified_charts(found, delivery.release.model_copy(update=plain), Settings())
