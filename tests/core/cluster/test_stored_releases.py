"""Releases in the record: read whole, each migration once, bounded at any size that teams have."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from azora.core.cluster.record import RELEASES as ALL_RELEASES
from azora.core.cluster.record import Question, StackRecord
from azora.core.cluster.state import World
from azora.core.cluster.stored_releases import ids_of, kept_after, packed, unpacked, with_migrations
from azora.core.colors import Color
from azora.core.release.migrations import Migration
from azora.core.release.release import Release
from azora.errors import BadInput, Failed
from azora.gateways.kubernetes.record_store import RECORD, RELEASES, old_releases
from azora.operations.promotion import chart_values, context, preview
from azora.operations.promotion.context import Context
from azora.operations.promotion.observer import SILENT
from tests.support.clusters import ConfigMaps, Remembered, context_for
from tests.support.releases import ADD, BASE, DROP, FIRST, MARK
from tests.support.worlds import NOW, PROVED

MIB = 2**20


def release(number: int, *migrations: Migration) -> Release:
    return BASE.model_copy(update={"commit": f"{number:040x}", "migrations": migrations})


def large(number: int) -> Release:
    """40 images and 800 migrations, the last of them its own."""
    images = {f"service-{n}": f"registry.example.org:5000/team/platform/service-{n}@sha256:{n:064x}" for n in range(40)}
    migrations = [Migration(revision=f"{n:012x}", phase="contract", contracts=f"{n:012x}") for n in range(799)]
    own = Migration(revision=f"own{number:09x}", phase="expand")
    return release(number, *migrations, own).model_copy(update={"images": images})


SIZES = [
    pytest.param([], id="none"),
    pytest.param([release(1)], id="without migrations"),
    pytest.param(
        [release(1, FIRST), release(2, FIRST, ADD), release(3, FIRST, ADD, MARK, DROP)], id="one after another"
    ),
    pytest.param([release(1, FIRST, MARK), release(2, FIRST, ADD, MARK)], id="one in between"),
    pytest.param([release(1, ADD, FIRST), release(2, FIRST, ADD)], id="another order"),
]


@pytest.mark.parametrize("releases", SIZES)
def test_stored_releases(releases: list[Release]) -> None:
    """Stored releases are read back whole and oldest first, in whatever order the keys come."""
    stored = packed(releases)
    assert unpacked(dict(sorted(stored.items(), reverse=True))) == tuple(releases)
    assert sorted(ids_of(stored)) == sorted(one.id for one in releases)


def test_stored_release_by_id() -> None:
    """One release is read alone, with its migrations."""
    stored = packed([release(1, FIRST), release(2, FIRST, ADD)])
    assert unpacked(stored, {release(2).id}) == (release(2, FIRST, ADD),)


def test_releases_that_are_kept() -> None:
    """The newest twenty are kept, and whatever a color runs, however old."""
    before = [release(number) for number in range(30)]
    kept = kept_after(release(99), before, {before[3].id})
    assert [int(one.commit, 16) for one in kept] == [3, *range(11, 30), 99]
    assert kept_after(before[29], before, set())[-2:] == (before[28], before[29])


def test_size_of_the_record() -> None:
    """Twenty releases of 40 images and 800 migrations stay far below 1 MiB an object."""
    cluster = Remembered(World())
    for number in range(25):
        cluster.record.add_release(large(number))
        stack = StackRecord(release=large(number).id, revision=number + 1, migrations=large(number).migrations)
        cluster.record.set_stack(list(Color)[number % 2], stack)
    cluster.record.begin_migrating(large(24))
    sizes = {
        name: sum(len(f"{key}{text}") for key, text in data.items()) for name, data in cluster.stored.objects.items()
    }
    assert sizes[RELEASES] < MIB / 4
    assert sizes[RECORD] < MIB / 8
    assert cluster.record.releases()[-1] == large(24)
    stored = StackRecord.model_validate_json(cluster.record.read()[Color.BLUE])
    assert stored.migrations == ()
    whole = with_migrations(stored, cluster.record.config_map(RELEASES))
    assert whole is not None
    assert whole.migrations == large(24).migrations


def test_size_of_the_approval_requests() -> None:
    """A thousand requests leave the newest ones, and the record at its size."""
    cluster = Remembered(World())
    for number in range(1000):
        at = NOW + timedelta(seconds=number)
        cluster.record.add_question(
            Question(run=f"{number:036}", release="a" * 64, plan="b" * 64, at=at, until=at + timedelta(days=3))
        )
    record = cluster.record.read()
    assert sum(len(f"{key}{text}") for key, text in record.items()) < MIB / 8
    assert [f"question.{number:036}" in record for number in (0, 700, 999)] == [False, True, True]


def test_record_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A promotion fails before anything is installed."""

    class Full(ConfigMaps):
        def patch(self, path: str, body: dict[str, Any]) -> None:  # noqa: ARG002
            raise Failed("could not change the record: Too long: must have at most 1048576 bytes")

    called: list[str] = []
    helm = SimpleNamespace(upgrade=lambda *_, **__: called.append("upgrade"), render=lambda *_: [])
    stuck = context_for(Remembered(PROVED, api=Full()))
    monkeypatch.setattr(chart_values, "stack_values", lambda *_, **__: {})
    monkeypatch.setattr(Context, "hold", lambda _: None)
    monkeypatch.setattr(context, "must_be_ours", lambda *_: None)
    application = SimpleNamespace(charts=SimpleNamespace(stack="stack", router="router"), name="azora")
    delivery = replace(stuck.delivery, application=cast(Any, application))
    with pytest.raises(Failed, match="Too long"):
        preview.install_preview(replace(stuck, helm=cast(Any, helm), delivery=delivery), SILENT)
    assert called == []


def test_releases_of_an_older_version() -> None:
    """Releases are read where an older version stored them, and stored anew with the next one."""
    cluster = Remembered(World())
    cluster.written["releases"] = ALL_RELEASES.dump_json((release(1, FIRST), release(2, FIRST, ADD))).decode()
    assert cluster.record.releases() == (release(1, FIRST), release(2, FIRST, ADD))
    cluster.record.add_release(release(3, FIRST, ADD))
    assert old_releases(cluster.record.read()) == ()
    assert cluster.record.releases() == (release(1, FIRST), release(2, FIRST, ADD), release(3, FIRST, ADD))


def test_record_of_a_newer_version() -> None:
    """The record of a newer version is refused: a write would lose what is not known."""
    cluster = Remembered(World())
    cluster.written["version"] = "3"
    with pytest.raises(BadInput, match="a newer Azora wrote it"):
        cluster.record.read()
