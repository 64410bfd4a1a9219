"""Authors of commits, as users of the cluster."""

from __future__ import annotations

import pytest

from azora.core.gate.authors import is_author, unknown

PEOPLE = {"Ada@example.org": "oidc:ada", "a@old.example.org": "oidc:ada", "bob@example.org": "oidc:bob"}


@pytest.mark.parametrize(
    ("user", "addresses", "wrote"),
    [
        pytest.param("oidc:ada", ["ada@example.org"], True, id="by the file"),
        pytest.param("oidc:ada", ["x@example.org", "A@OLD.example.org"], True, id="a second address, another case"),
        pytest.param("oidc:bob", ["ada@example.org"], False, id="somebody else"),
        pytest.param("oidc:ada", [], False, id="no commits"),
        pytest.param("eve@example.org", ["eve@example.org"], True, id="the name is the address"),
        pytest.param("oidc:eve@example.org", ["Eve@example.org"], True, id="behind a prefix"),
        pytest.param("https://sso.example.org/#eve@example.org", ["eve@example.org"], True, id="behind an address"),
        pytest.param("oidc:eve", ["eve@example.org"], False, id="a name that the file does not map"),
    ],
)
def test_author_of_the_commits(user: str, addresses: list[str], wrote: bool) -> None:
    """A user is an author by the file's map, or by an address as the name."""
    assert is_author(user, addresses, PEOPLE) is wrote


def test_addresses_of_nobody() -> None:
    """Addresses without a user are listed."""
    assert unknown(["eve@example.org", "ADA@example.org"], PEOPLE) == ("eve@example.org",)
