"""Unit tests are run once for the same sources, and for as long as what they said is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from prefect.logging import disable_run_logger

from azora.config.application import Service
from azora.config.settings import settings
from azora.errors import TestsFailed
from azora.gateways.suites.pass_cache import passed_before
from azora.operations.checkout import Checkout
from tasks import building

# The tests of `web`: they note that they ran, and pass where the page is sound.
TESTS = (
    "from pathlib import Path; Path('RAN').open('a').write('x'); assert Path('web/page.html').read_text() != 'broken'"
)
COMMAND = [sys.executable, "-c", TESTS]
WEB = Service(name="web", test=tuple(COMMAND), sources=("web",))


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An export of a commit, whose runs leave their logs beside it."""
    page = tmp_path / "export/web/page.html"
    page.parent.mkdir(parents=True)
    page.write_text("hello")
    monkeypatch.setenv("AZORA_KUBE_CONTEXT", "none")  # or a running node's settings would be read
    monkeypatch.setenv("AZORA_STATE", str(tmp_path / "state"))
    settings.cache_clear()
    monkeypatch.setattr(building, "folder_for_tests", lambda *_: page.parents[1])
    yield page.parents[1]
    monkeypatch.undo()
    settings.cache_clear()


def content(service: Service, export: Path) -> str | None:
    """Content of the tests of *service* in *export*; nothing else of an application is read."""
    return Checkout("", export, cast(Any, None)).content_of_tests(service)


def checked(run: str, export: Path, monkeypatch: pytest.MonkeyPatch, *, fresh: bool = False) -> Path:
    """The log that run *run* shows for the tests of the service in *export*."""
    monkeypatch.setattr(building, "this_run", lambda: run)
    with disable_run_logger():
        log = building.check_service.fn("web", COMMAND, "3f2a1c9", content(WEB, export), fresh=fresh)
    return Path(log)


def times_run(export: Path) -> int:
    return len((export / "RAN").read_text())


def test_pass_of_the_same_sources(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that passed are not run again, and their log is shown."""
    first = checked("one", export, monkeypatch)
    (export / "README.md").write_text("not looked at by the tests")
    assert checked("two", export, monkeypatch) == first
    assert (first.parent.name, times_run(export)) == ("one", 1)


def test_pass_with_fresh(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fresh` runs the tests, and the new result holds from then on."""
    checked("one", export, monkeypatch)
    fresh = checked("two", export, monkeypatch, fresh=True)
    assert (fresh.parent.name, times_run(export)) == ("two", 2)
    assert checked("three", export, monkeypatch) == fresh


def test_pass_of_a_changed_source(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed source is tested."""
    checked("one", export, monkeypatch)
    (export / "web/page.html").write_text("good day")
    assert checked("two", export, monkeypatch).parent.name == "two"
    (export / "web/page.html").write_text("hello")
    assert checked("three", export, monkeypatch).parent.name == "one"


def test_pass_after_a_failure(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure is not kept: the tests run again."""
    (export / "web/page.html").write_text("broken")
    for run in ("one", "two"):
        with pytest.raises(TestsFailed, match="web"):
            checked(run, export, monkeypatch)
    assert times_run(export) == 2


def test_pass_without_its_log(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass ends with its log."""
    checked("one", export, monkeypatch).unlink()
    assert checked("two", export, monkeypatch).parent.name == "two"


def test_pass_among_several(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest pass is shown."""
    for run in ("b", "a"):
        checked(run, export, monkeypatch, fresh=True)
    known = content(WEB, export)
    assert known
    assert passed_before("test web.log", known, settings().runs_folder) == settings().runs_folder / "a/test web.log"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(WEB.model_copy(update={"test": ("make", "test")}), id="another command"),
        pytest.param(WEB.model_copy(update={"sources": ("web", "README.md")}), id="another source"),
    ],
)
def test_key_of_a_pass(export: Path, other: Service) -> None:
    """The key changes with the command and the sources."""
    (export / "README.md").write_text("hello")
    assert content(other, export) != content(WEB, export)


def test_key_without_sources(export: Path) -> None:
    """A service without sources is tested each time."""
    assert content(WEB.model_copy(update={"sources": ()}), export) is None
