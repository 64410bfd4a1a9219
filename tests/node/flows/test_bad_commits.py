"""A commit that cannot be released ends its run before the cluster is changed, with one clear error.

One for each step that finds it; the tables of tests/config, tests/core/release and tests/charts have every kind.

Each has a run of its own; two go at once, and users of staging notice none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from azora.gateways.prefect.runs import Run
from tests.support import pipeline
from tests.support.changes import Files, added
from tests.support.failing import assert_failed, untested, users_of_staging_notice_nothing
from tests.support.guestbook import Guestbook

AT_ONCE = 2  # as many as a small machine has processors
BRANCHES = "refused"  # hold the commits as long as runs look for them


@dataclass(frozen=True)
class Bad:
    """Change of a commit, or a ref; the step that must fail; the text that the error must have."""

    change: Callable[[], Files] | str
    at: str
    says: tuple[str, ...]


def sums_that_do_not_add_up() -> Files:
    """They print what Prefect's database does not take."""
    failing = ["sh", "-c", r"printf 'sums do not add up \000 \033[31m\n'; exit 1"]
    return untested(front=failing)


BAD = {
    "unknown ref": Bad("no-such-branch", at="find commit", says=("'no-such-branch'", "pushed")),
    "unit tests that fail": Bad(
        sums_that_do_not_add_up,
        at="test front",
        says=("the tests of 'front'", "sums do not add up", "test front.log"),
    ),
    "unknown key of production's values": Bad(
        lambda: untested() | added("deployments/values/guestbook/production.yaml", "replica: {web: 2}"),
        at="render the charts",
        says=("'replica' not allowed", "with the values of production", "values.schema.json"),
    ),
    "Dockerfile that does not build": Bad(
        lambda: untested() | added("src/front/Dockerfile", "USER root\nRUN echo there is no such theme && exit 7"),
        at="build front",
        says=("image 'front'", "there is no such theme", "build front.log"),
    ),
}


@pytest.fixture(scope="module")
def runs(served_book: Guestbook) -> Iterator[dict[str, Run]]:  # noqa: ARG001 - staging serves users
    """The run of each, once it is over."""
    refs = {name: ref_of(bad.change, number) for number, (name, bad) in enumerate(BAD.items())}
    with users_of_staging_notice_nothing(), ThreadPoolExecutor(AT_ONCE) as pool:
        over = pool.map(lambda ref: pipeline.until_over(pipeline.begin("release", ref=ref)), refs.values())
        found = dict(zip(refs, over, strict=True))
    yield found
    pipeline.git("branch", "--delete", "--force", *(ref for ref in refs.values() if ref.startswith(BRANCHES)))


def ref_of(change: Callable[[], Files] | str, number: int) -> str:
    """A branch that *change* is the last commit of; main stays where it is."""
    if isinstance(change, str):
        return change
    before, branch = pipeline.git("rev-parse", "HEAD"), f"{BRANCHES}/{number}"
    pipeline.git("branch", "--force", branch, pipeline.commit(change()))
    pipeline.undo_to(before)
    return branch


@pytest.mark.parametrize("name", BAD)
def test_bad_commit(runs: dict[str, Run], name: str) -> None:
    """Its run fails at the step that met it, and its one error says why and what to do."""
    assert_failed(runs[name], at=BAD[name].at, says=BAD[name].says)
