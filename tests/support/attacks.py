"""Attacks among the tests, by their marker: what was tried, and what refused it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from azora.core.gate.refusal import policies_in
from azora.errors import AzoraError

BEGIN, END = "<!-- attacks: made by bin/attacks -->", "<!-- attacks: end -->"
OF_RBAC = ("is forbidden: User ", "attempting to grant RBAC permissions")


@dataclass(frozen=True)
class Attack:
    """One attempt, and the component that refused it."""

    what: str
    by: str


@dataclass
class Collected:
    """Plugin of pytest that keeps the attacks which it collects."""

    attacks: list[Attack] = field(default_factory=list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.attacks = sorted(set(attacks_of(session.items)), key=lambda one: (one.by, one.what.casefold()))


def attacks_of(items: Iterable[pytest.Item]) -> Iterable[Attack]:
    """Attack of each test that has the marker."""
    for item in items:
        if mark := item.get_closest_marker("attack"):
            yield Attack(*mark.args, **mark.kwargs)


def component_of(message: str) -> str:
    """Component that refused, as the API server's *message* shows it."""
    if policies := policies_in(message):
        return f"policy {policies[0]}"
    return "RBAC" if any(words in message for words in OF_RBAC) else "API server"


def checked(request: pytest.FixtureRequest) -> Callable[[AzoraError], None]:
    """Check of an error by a marked test: what the marker names is what refused."""

    def check(error: AzoraError) -> None:
        mark = request.node.get_closest_marker("attack")
        assert mark is not None
        assert component_of(error.message) == mark.kwargs["by"], error.message

    return check


def table(attacks: Iterable[Attack]) -> str:
    """Every attempt with what refused it, in Markdown."""
    rows = (f"| {one.what} | {one.by} |" for one in attacks)
    return "\n".join(["| attempt | refused by |", "|---|---|", *rows])


def summary(attacks: Iterable[Attack]) -> str:
    """Number of attempts that each component refused, in Markdown."""
    rows = (f"| {by} | {count} |" for by, count in sorted(Counter(one.by for one in attacks).items()))
    return "\n".join(["| refused by | attempts |", "|---|---|", *rows])


def with_part(text: str, part: str) -> str:
    """*text* of a page with *part* between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{part}\n\n{END}{after}"
