"""A release of an older version is recognised: the new one releases over it, and rolls back to it.

The older version is this repository's own commit of before ids were whole; its code runs as it was, in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from azora.config.settings import ROOT, settings
from azora.gateways.images.registry import find
from azora.operations.built_images import record_of_images
from azora.operations.checkout import checkout
from azora.operations.rollback import roll_back
from tests.support.guestbook import Guestbook, git, guestbook
from tests.support.polling import until_it_is
from tests.support.step_by_step import walk

OLDER = "3ef274ba569d2135d1d00f69a216b3ac4b8608d2"
WALK = """
import sys
from azora.application import load_application
from azora.bluegreen import Step
from azora.environment import load_environment
from azora.gateways.candidate import folder_of, frozen
from azora.gateways.delivering import promotion_of
from azora.gateways.images import build
from azora.gateways.lease import held
from azora.reports import Case, SuiteResult
from azora.settings import settings

# Its suites want a plugin of pytest that is not installed any more; what they say is not what is tested here.
sys.modules["azora.gateways.steps"].run_suite = lambda *_, **__: SuiteResult((Case("smoke", "passed", 0.1),), 0.1)

here, commit = settings(), sys.argv[1]
folder = folder_of(commit, here)
images = {
    image.name: build("guestbook", image, folder, base=here.base_image, registry=here.registry, log=here.runs_folder / "build.log").reference
    for image in load_application(folder).images
}
release = frozen(commit, "by the older version", images, here)
promotion = promotion_of(load_environment("staging", here.environments), release, run="older", settings=here)
take = {
    Step.INSTALL_PREVIEW: lambda: promotion.install_preview(lambda *_: None),
    Step.AWAIT_READY: promotion.await_ready,
    Step.PROVE: lambda: promotion.prove(lambda _: None),
    Step.INSTALL_ROUTER: promotion.install_router,
    Step.SWITCH: promotion.switch,
    Step.WATCH: lambda: promotion.watch(lambda _: None),
    Step.BOOK: promotion.book,
}
with held(promotion.cluster, "older"):
    while step := promotion.next():
        take[step]()
print(release.id)
"""


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The older version's tree."""
    shallow = subprocess.run(
        ["git", "rev-parse", "--is-shallow-repository"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    if shallow.stdout.strip() == "true":
        pytest.skip(f"this checkout's history does not reach {OLDER}: git fetch --unshallow")
    archive = tmp_path / "older.tar"
    git(ROOT, "archive", "--format=tar", f"--output={archive}", OLDER)
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "older", filter="data")
    return tmp_path / "older"


@pytest.fixture
def book(node: str, older: Path, tmp_path: Path) -> Iterator[Guestbook]:  # noqa: ARG001 - the node must be up
    policy: dict[str, object] = {"patience_seconds": None}  # a key that the older version does not know
    with guestbook(tmp_path / "now", "older", {"staging": policy}, source=older / "docs/examples/guestbook") as found:
        yield found


def released_by(older: Path, commit: str) -> str:
    """Id of the release of *commit*, as the older version's own code released it."""
    env = os.environ | {"REGISTRY_AUTH_FILE": str(settings().registry_login)}
    done = subprocess.run(
        [sys.executable, "-c", WALK, commit],
        cwd=older,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def remember_images(commit: str) -> None:
    """Record the images of *commit* as Azora's, which the older version did not."""
    for name, tag in checkout(commit, settings()).tags(settings()).values():
        digest = find(name, tag, settings())
        assert digest
        record_of_images(settings()).add(name.rpartition("/")[2], tag, digest)


def visitors_see(book: Guestbook, label: str) -> None:
    """An Ingress learns of new endpoints a moment after the Service."""
    until_it_is(label, lambda: book.page("staging").headers["X-Azora-Release"], seconds=10, what="visitors see it")


@pytest.mark.slow
def test_release_over_an_older_version(book: Guestbook, older: Path) -> None:
    """Its 12 digits are the release that they begin; its router, which selects no release, is upgraded; users come and go."""
    first = book.commit()
    recorded = released_by(older, first)
    seen = book.cluster("staging").look()
    assert len(recorded) == 12
    assert seen.active_stack is not None
    assert seen.active_stack.label == recorded
    assert (seen.active_stack.release or "").startswith(recorded)
    assert len(seen.active_stack.release or "") == 64
    assert seen.switches[-1].release == seen.active_stack.release
    remember_images(first)
    assert book.context(book.release(first), "staging").delivery.release.id == seen.active_stack.release

    charts = ROOT / "docs/examples/guestbook/deployments/charts/router"
    replaced = {"templates/doors.yaml": "templates/services.yaml", "values.schema.json": "values.schema.json"}
    files = {f"deployments/charts/front-door/{there}": (charts / here).read_text() for there, here in replaced.items()}
    release = book.release(book.commit(files, "A router that selects the release"))
    walk(book.context(release, "staging"))
    visitors_see(book, release.label)

    entry = roll_back(book.environment("staging"), None, settings(), by="ada")
    assert entry.release == seen.active_stack.release
    visitors_see(book, recorded)
    after = book.cluster("staging").look()
    assert (after.has_drifted, after.selected_release) == (False, seen.active_stack.release)
    assert {len(one.id) for one in book.cluster("staging").record.releases()} == {64}
    assert settings().application == "guestbook"
