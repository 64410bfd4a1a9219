"""Migrations that must not reach users: the run fails, says why, and users of staging do not notice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import pipeline
from tests.support.changes import added, revision
from tests.support.failing import assert_failed, untested, users_of_staging_notice_nothing

STACK_VALUES = "deployments/values/azora/staging.yaml"

pytestmark = pytest.mark.usefixtures("platform")


@pytest.fixture(autouse=True)
def repository(platform: object) -> Iterator[None]:  # noqa: ARG001
    """The repository; a commit of a test is undone after it."""
    with pipeline.undone():
        yield


def must_fail(sha: str, *, at: str, says: tuple[str, ...]) -> None:
    with users_of_staging_notice_nothing():
        over = pipeline.until_over(pipeline.begin("deploy-staging", ref=sha))
    assert_failed(over, at=at, says=says)


def test_migration_that_fails() -> None:
    """The error names the pod of the migrations and quotes the database."""
    once = untested() | added(STACK_VALUES, "migrations: {backoffLimit: 0}")
    bad = revision("later", 'op.execute("ALTER TABLE edu.nothing ADD note text")', 'phase = "expand"')
    must_fail(
        pipeline.commit(once | bad),
        at="staging: install preview",
        says=("-migrations-", "exit code 1", "edu.nothing", "does not exist", "users of staging are not affected"),
    )


def test_expand_and_its_contract_at_once() -> None:
    """A migration that would break the release that serves users is refused before anything is installed."""
    files = untested() | revision("later", "pass", 'phase = "expand"')
    files |= revision("last", "pass", 'phase = "contract"', 'contracts = "later"', after="later")
    must_fail(
        pipeline.commit(files),
        at="staging: inspect",
        says=("migration last would break the active release", "does not have later", "first release a commit"),
    )
