"""Signed addresses of the report server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from azora.core.signed_links import Kind, is_signed, signed_query

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "k" * 32
LINK = signed_query(KEY, "/run/a b.html", expires=NOW + timedelta(days=1))


@pytest.mark.parametrize(
    ("key", "path", "query", "after", "opens"),
    [
        pytest.param(KEY, "/run/a b.html", LINK, timedelta(), True, id="this file"),
        pytest.param(KEY, "/run/a b.html", LINK, timedelta(hours=23, minutes=59), True, id="until it expires"),
        pytest.param(KEY, "/run/a b.html", LINK, timedelta(days=1), False, id="expired"),
        pytest.param(KEY, "/run/", LINK, timedelta(), False, id="another path"),
        pytest.param("o" * 32, "/run/a b.html", LINK, timedelta(), False, id="another key"),
        pytest.param("", "/run/a b.html", LINK, timedelta(), False, id="no key"),
        pytest.param(KEY, "/run/a b.html", LINK.replace("expires=1", "expires=2"), timedelta(), False, id="later"),
        pytest.param(KEY, "/run/a b.html", LINK.partition("&")[2], timedelta(), False, id="without expiry"),
        pytest.param(KEY, "/run/a b.html", LINK.partition("&")[0], timedelta(), False, id="without signature"),
        pytest.param(KEY, "/run/a b.html", "expires=soon&signature=x", timedelta(), False, id="no number"),
        pytest.param(KEY, "/run/a b.html", f"expires={'9' * 5000}&signature=x", timedelta(), False, id="huge number"),
        pytest.param(KEY, "/run/a b.html", "expires=1772452800&signature=%ff%c3", timedelta(), False, id="odd letters"),
    ],
)
def test_signed_address(key: str, path: str, query: str, after: timedelta, opens: bool) -> None:
    """A signed address opens one file, with one key, until it expires."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    assert is_signed(key, path, given, now=NOW + after) is opens


@pytest.mark.parametrize(("signed", "used"), [(Kind.READ, Kind.UPLOAD), (Kind.UPLOAD, Kind.READ)])
def test_signature_of_another_kind(signed: Kind, used: Kind) -> None:
    """A link for readers uploads nothing, and an upload's address shows nothing."""
    query = dict(parse_qsl(signed_query(KEY, "/run/a", expires=NOW + timedelta(days=1), kind=signed)))
    assert is_signed(KEY, "/run/a", query, now=NOW, kind=signed)
    assert not is_signed(KEY, "/run/a", query, now=NOW, kind=used)


def test_signature_of_an_odd_name() -> None:
    """A file name that is not UTF-8 is signed like any other."""
    assert "signature=" in signed_query(KEY, "/run/\udcff", expires=NOW)
