"""Links of a commit: each is judged where it ends in the finished tree."""

from __future__ import annotations

import pytest

from azora.gateways.git.links import leading_out

CHAIN = {f"c{number}": f"c{number + 1}/" + "./" * 90 for number in range(40)}


@pytest.mark.parametrize(
    ("links", "out"),
    [
        pytest.param({"a/in": "../b"}, [], id="a file of the tree"),
        pytest.param({"a/root": ".."}, [], id="its root"),
        pytest.param({"a": "nothing/there"}, [], id="nothing"),
        pytest.param({"a/up": "../.."}, ["a/up"], id="above the root"),
        pytest.param({"a": "/etc/shadow"}, ["a"], id="absolute"),
        pytest.param({"a": "../export/b"}, ["a"], id="out and in again"),
        pytest.param({"v/p": ".", "v/a": "p/p/../../secret"}, ["v/a"], id="out by way of a link to itself"),
        pytest.param({"v/p": ".", "v/a": "p/p/../b"}, [], id="in by way of it"),
        pytest.param({"a": "b/x", "b": "/etc"}, ["a", "b"], id="below one that leads out"),
        pytest.param({"a": "b", "b": "a"}, ["a", "b"], id="a circle"),
        pytest.param({"a": "a/a"}, ["a"], id="a circle that grows"),
        pytest.param({"a": "b", "b": "c", "c": "d"}, [], id="a chain"),
        pytest.param(CHAIN, [f"c{number}" for number in range(30)], id="a chain that costs time"),
        pytest.param({"deep/er/a": "../b", "deep/b": "../../x"}, ["deep/er/a", "deep/b"], id="out at the second"),
    ],
)
def test_links_that_lead_out(links: dict[str, str], out: list[str]) -> None:
    """A link leads out that leaves the tree on its way, or does not end."""
    assert list(leading_out(links)) == out
