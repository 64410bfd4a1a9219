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
def test_a_mutation_still_applies(mutation: Mutation) -> None:
    assert mutation.mutated() != (ROOT / "services" / mutation.file).read_text()


def test_every_case_guards_something() -> None:
    files = [file for suite in SUITES for file in (ROOT / suite).glob("test_*.py")]
    cases = {
        node.name for file in files for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)
    }
    assert {mutation.case.partition("[")[0] for mutation in MUTATIONS} == cases


@pytest.mark.mutants
def test_nobody_cries_wolf(hunt: Hunt) -> None:
    assert hunt.red(None) == []


@pytest.mark.mutants
@each
def test_exactly_its_guard_sees_it(hunt: Hunt, mutation: Mutation) -> None:
    assert hunt.red(mutation) == [mutation.case]


@pytest.mark.mutants
def test_no_run_leaves_anything_not_even_a_failed_one(hunt: Hunt) -> None:
    """The last one here: all the others have run. Who registers through the pages is removed as well."""
    assert hunt.red(MUTATIONS[1]) == [MUTATIONS[1].case]
    assert set(hunt.left().values()) == {0}, hunt.left()
