"""Record of built images: one entry per tag, bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from azora.core.release.built_images import MOST, added, digest_in, holds, removed

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
AT = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
ENTRIES = {"web.aa": f"{ONE} 2026-11-29T12:00:00Z", "web-two.aa": f"{TWO} 2026-11-29T11:00:00Z"}


@pytest.mark.parametrize(
    ("image", "tag", "digest"),
    [
        pytest.param("web", "aa", ONE, id="known"),
        pytest.param("web-two", "aa", TWO, id="another image of the tag"),
        pytest.param("web", "bb", None, id="another tag"),
        pytest.param("api", "aa", None, id="never built"),
    ],
)
def test_digest_of_a_tag(image: str, tag: str, digest: str | None) -> None:
    """A tag has the digest that was recorded for it, or none."""
    assert digest_in(ENTRIES, image, tag) == digest


@pytest.mark.parametrize(
    ("image", "digest", "held"),
    [
        pytest.param("web", ONE, True, id="under some tag"),
        pytest.param("web", TWO, False, id="of another image"),
        pytest.param("web", f"sha256:{'3' * 64}", False, id="unknown"),
        pytest.param("we", ONE, False, id="part of a name"),
    ],
)
def test_digest_without_a_tag(image: str, digest: str, *, held: bool) -> None:
    """A digest is Azora's as the image that it was pushed as."""
    assert holds(ENTRIES, image, digest) is held


@pytest.mark.parametrize(
    ("image", "change"),
    [
        pytest.param("api", {"api.aa": f"{ONE} 2026-11-29T14:00:00Z"}, id="new"),
        pytest.param("web", {"web.aa": f"{ONE} 2026-11-29T14:00:00Z"}, id="built again"),
    ],
)
def test_digest_that_is_added(image: str, change: dict[str, str]) -> None:
    """An entry has digest and time in UTC; others stay."""
    assert added(ENTRIES, image, "aa", ONE, AT.astimezone(timezone(timedelta(hours=5)))) == change


def test_oldest_entries() -> None:
    """Beyond the limit the oldest go, as many as there are too many, and never the new one."""
    full = {f"web.{n:04}": f"{ONE} {AT - timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}" for n in range(MOST)}
    assert added(full, "web", "new", TWO, AT)[f"web.{MOST - 1:04}"] is None
    assert len(added(full, "web", "new", TWO, AT)) == 2
    assert list(added(full, "web", "0000", TWO, AT)) == ["web.0000"]


def test_size_of_the_record() -> None:
    """A full record of the longest names fits into an object of the cluster, with the names that the API server notes."""
    key, value = f"{'w' * 24}.{'a' * 16}", next(iter(added({}, "web", "aa", ONE, AT).values()))
    assert value
    assert MOST * (2 * len(key) + len(value) + len('"f:":{},"":"",')) < 2**20


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        pytest.param({"shop/web:aa", ONE}, {"web.aa": None}, id="a tag"),
        pytest.param({"shop/web:aa", "shop/web-two:aa"}, dict.fromkeys(ENTRIES), id="two"),
        pytest.param({ONE, "shop/web:bb"}, {}, id="not recorded"),
    ],
)
def test_entries_that_are_removed(names: set[str], gone: dict[str, None]) -> None:
    """Images that their registry has no more are forgotten by their tags."""
    assert removed(ENTRIES, names) == gone
