"""Every case can fail: whatever is broken in the platform, exactly the case that guards it sees it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from azora.config.settings import ROOT
from tests.mutants.hunt import SUITES, Hunt, hunting
from tests.mutants.mutations import MUTATIONS, Mutation

each = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.what)


@pytest.fixture(scope="module")
def hunt() -> Iterator[Hunt]:
    with hunting() as found:
        yield found


@each
def test_mutation_applies(mutation: Mutation) -> None:
    """Each mutation still changes its file."""
    assert mutation.mutated() != (ROOT / "services" / mutation.file).read_text()


def test_cases_with_a_mutation() -> None:
    """Each case has a mutation, and each mutation a case."""
    files = [file for suite in SUITES for file in (ROOT / suite).glob("test_*.py")]
    cases = {
        node.name for file in files for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)
    }
    assert {mutation.case.partition("[")[0] for mutation in MUTATIONS} == cases


@pytest.mark.mutants
def test_platform_without_a_mutation(hunt: Hunt) -> None:
    """All cases pass on the unchanged platform."""
    assert hunt.red(None) == []


@pytest.mark.mutants
@each
def test_platform_with_a_mutation(hunt: Hunt, mutation: Mutation) -> None:
    """Exactly the guarding case fails."""
    assert hunt.red(mutation) == [mutation.case]


@pytest.mark.mutants
def test_data_after_the_runs(hunt: Hunt) -> None:
    """A failed run leaves no data, and neither does any run before it."""
    assert hunt.red(MUTATIONS[1]) == [MUTATIONS[1].case]
    assert set(hunt.left().values()) == {0}, hunt.left()
