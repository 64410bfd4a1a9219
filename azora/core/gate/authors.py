"""Authors of commits as users of the cluster: whoever wrote a commit does not approve it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_PREFIX = re.compile(r"^[^@]*[:#/](?=[^:#/]+@)")  # `oidc:ada@example.org`


def is_author(user: str, addresses: Iterable[str], people: Mapping[str, str]) -> bool:
    """Return True when *user* of the cluster wrote one of the commits.

    *addresses* are those of authors and co-authors. *people* maps them to users; a user whose name is an address, also behind a prefix
    such as `oidc:`, needs no entry there. Addresses are compared without regard to case.
    """
    wrote = {address.casefold() for address in addresses}
    own = {address.casefold() for address, name in people.items() if name == user}
    return bool(wrote & (own | {_PREFIX.sub("", user).casefold()}))


def unknown(addresses: Iterable[str], people: Mapping[str, str]) -> tuple[str, ...]:
    """Those of *addresses* without a user in *people*: known by their user names alone."""
    known = {address.casefold() for address in people}
    return tuple(sorted({one for one in addresses if one.casefold() not in known}))
