"""A release and its migrations, as literals."""

from __future__ import annotations

from azora.core.cluster.record import StackRecord
from azora.core.release.migrations import Migration
from azora.core.release.release import Release

FIRST = Migration(revision="0001", phase="expand")
ADD = Migration(revision="0002", phase="expand")
MARK = Migration(revision="0003", phase="expand")
DROP = Migration(revision="0004", phase="contract", contracts="0003")


def code(*migrations: Migration, heads: tuple[str, ...] = ()) -> StackRecord:
    return StackRecord(release="any", revision=1, migrations=migrations, migration_heads=heads)


BASE = Release(
    application="azora",
    commit="a" * 40,
    subject="Change the banner",
    images={"web": f"registry:5000/azora/web@sha256:{'0' * 64}"},
    charts_digest="c",
    values_digest="v",
    migration_heads=("0001",),
)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def release(commit: str, number: int) -> Release:
    return Release(
        application="shop",
        commit=commit * 40,
        images={"web": f"r:1/shop/web@{digest(number)}"},
        charts_digest="c",
        values_digest="v",
    )


def digest_of(number: int) -> str:
    return f"r:1/shop/web@{digest(number)}"
