"""A commit that cannot be released ends its run before the cluster is asked for anything, with one clear error.

Each has a run of its own; three go at once, and users of staging notice none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from azora.gateways.prefect.runs import Run
from tests.support import pipeline
from tests.support.changes import Files, added, replaced, revision
from tests.support.failing import APPLICATION, assert_failed, untested, users_of_staging_notice_nothing

pytestmark = pytest.mark.usefixtures("released")

AT_ONCE = 3  # prefect.yaml lets four releases run
BRANCHES = "refused"  # hold the commits as long as runs look for them


@dataclass(frozen=True)
class Bad:
    """What a commit changes, or a ref; the step that must fail; what the error must say."""

    change: Callable[[], Files] | str
    at: str
    says: tuple[str, ...]


def sums_that_do_not_add_up() -> Files:
    test = "def test_sums() -> None:\n    assert 1 + 1 == 3, 'sums do not add up'\n"
    return untested("web") | {"services/web/tests/test_sums.py": test}


def typo_in_values_of(environment: str) -> Bad:
    return Bad(
        lambda: untested() | added(f"deployments/values/azora/{environment}.yaml", "replica: {web: 2}"),
        at="render the charts",
        says=("'replica' not allowed", f"with the values of {environment}", "values.schema.json"),
    )


BAD = {
    "a ref that does not exist": Bad("no-such-branch", at="find commit", says=("'no-such-branch'", "pushed")),
    "a key of application.yaml that is none": Bad(
        lambda: replaced(APPLICATION, "\nhealth:", "\nhealht:"),
        at="find commit",
        says=(f"'{APPLICATION}'", "healht: unknown key"),
    ),
    "another application": Bad(
        lambda: replaced(APPLICATION, "\nname: azora\n", "\nname: guestbook\n"),
        at="find commit",
        says=("'guestbook'", "'azora'", "AZORA_APPLICATION"),
    ),
    "a revision that says neither expand nor contract": Bad(
        lambda: revision("later", 'op.execute("SELECT 1")'),
        at="find commit",
        says=(
            "could not read the migrations",
            "later.py: its phase is neither expand nor contract",
            'phase = "expand"',
        ),
    ),
    "unit tests that fail": Bad(
        sums_that_do_not_add_up,
        at="test web",
        says=("the tests of 'web'", "sums do not add up", "test web.log"),
    ),
    "a key of staging's values that is none": typo_in_values_of("staging"),
    "a key of production's values that is none": typo_in_values_of("production"),
    "a chart that does not render": Bad(
        lambda: (
            untested() | added("deployments/charts/azora/templates/settings.yaml", '{{ include "azora.nowhere" . }}')
        ),
        at="render the charts",
        says=("settings.yaml", '"azora.nowhere"', "template"),
    ),
    "a chart whose pods could not be told apart": Bad(
        lambda: (
            untested()
            | replaced("deployments/charts/azora/templates/_names.tpl", "\nazora.dev/release:", "\nazora.dev/rel:")
        ),
        at="render the charts",
        says=(
            "chart 'deployments/charts/azora'",
            "Deployment azora-blue-web lack azora.dev/release:",
            "application-contract.md",
        ),
    ),
    "a Dockerfile that does not build": Bad(
        lambda: untested() | added("services/web/Dockerfile", "USER root\nRUN echo there is no such theme && exit 7"),
        at="build web",
        says=("image 'web'", "there is no such theme", "build web.log"),
    ),
}


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Run]]:
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
def test_its_run_fails_at_its_step_and_says_why(runs: dict[str, Run], name: str) -> None:
    assert_failed(runs[name], at=BAD[name].at, says=BAD[name].says)
