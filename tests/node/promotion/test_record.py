"""The record of a small application: written by the pipeline's own account, read by a person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from azora.config.settings import settings
from azora.core.record.entry import readable
from azora.core.record.history import history_of
from azora.errors import Refused
from azora.operations.record.export import export
from azora.operations.rollback import roll_back
from tests.support.guestbook import Guestbook, guestbook
from tests.support.step_by_step import walk


@pytest.fixture(scope="module")
def book(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guestbook]:  # noqa: ARG001 - the node must be up
    """Two approved promotions, a rollback, and a second one that is refused."""
    approval: dict[str, object] = {"approval": {"ask": "before_preview"}}
    with guestbook(tmp_path_factory.mktemp("record"), "record", {"production": approval}) as found:
        for _ in range(2):
            context = found.context(found.release(found.commit()))
            found.approve(context)
            walk(context)
        roll_back(found.environment(), None, settings(), by="grace", why="carts are empty")
        with pytest.raises(Refused):
            roll_back(found.environment(), None, settings(), by="eve")
        yield found


def test_acts_of_an_environment(book: Guestbook) -> None:
    """Each act is there, with its people, their reasons and the outcome; no Prefect is asked."""
    acts = history_of(readable(export(book.cluster()).lines))
    assert [(act.what, act.switch, act.outcome, act.people) for act in acts] == [
        ("promotion", 1, "promoted", ("ada",)),
        ("promotion", 2, "promoted", ("ada",)),
        ("rollback", 3, "rolled back", ("grace",)),
        ("rollback", None, "refused", ("eve",)),
    ]
    assert acts[1].receipt
    assert acts[1].receipt.failed == 0
    assert acts[2].working
    assert acts[2].working.total_seconds() < 2


def test_verification_of_an_environment(book: Guestbook) -> None:
    """The record holds; a byte that is changed in the cluster is named."""
    cluster = book.cluster()
    assert export(cluster).fault() is None
    path = f"{cluster.namespace.core}/configmaps/azora-log-0001"
    key, line = next(
        (key, line) for key, line in cluster.namespace.api.get(path)["data"].items() if '"who":"grace"' in line
    )
    cluster.namespace.api.patch(path, {"data": {key: line.replace('"who":"grace"', '"who":"eve"')}})
    fault = export(cluster).fault()
    cluster.namespace.api.patch(path, {"data": {key: line}})
    assert fault
    assert f"entry {int(key)} was changed: the live Service names another hash for it" in fault.reason
