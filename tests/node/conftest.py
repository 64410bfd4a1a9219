"""The node, and what is released on it.

That is the guestbook for tests of the pipeline, and the platform for tests of the platform.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from azora.gateways.prefect.runs import Run
from azora.local.layout import layout
from tests.support.guestbook import Guestbook
from tests.support.served_guestbook import TWO_STAGES, Policies, Served, served


@pytest.fixture(scope="session", autouse=True)
def node() -> str:
    """The embedded node of AZORA_NODE (`test`), up with Prefect and its worker.

    The settings of this process point at it.
    """
    from prefect.context import refresh_global_settings_context
    from rich.console import Console

    from azora.config.settings import node_environment, settings
    from azora.local import node as life
    from azora.local.progress import Progress

    name = os.environ["AZORA_NODE"]
    life.up(layout(name), Progress(Console(quiet=True)))  # waits for the start that is under way
    os.environ.update(node_environment(name))  # what an earlier start wrote was read before
    settings.cache_clear()
    refresh_global_settings_context()  # Prefect read its own at its import, when the auth string may not have been made
    return name


# -- the guestbook


@pytest.fixture(scope="session")
def guestbook_of_the_session(node: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:  # noqa: ARG001 - the node must be up
    """The guestbook as an application of the node's Prefect; one for each process that runs tests."""
    with served(f"book{worker_id.removeprefix('master')}", tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="module")
def policies() -> Policies:
    """Policies in the files of the environments; a test file may ask for others."""
    return TWO_STAGES


@pytest.fixture(scope="module")
def book(guestbook_of_the_session: Served, policies: Policies, request: pytest.FixtureRequest) -> Iterator[Guestbook]:
    """The guestbook in environments of this test file's own, with nothing released.

    `pipeline` reads these environments.
    """
    prefix = Path(request.path).stem.removeprefix("test_").replace("_", "-")
    with guestbook_of_the_session.with_environments(prefix, policies) as found:
        yield found


@pytest.fixture(scope="module")
def served_book(book: Guestbook) -> Guestbook:
    """The same, with main released to staging and, after an approval, to production."""
    from tests.support import pipeline

    assert pipeline.serve_main()
    return book


# -- the platform


@pytest.fixture(scope="session")
def platform(node: str) -> Run:  # noqa: ARG001 - the node must be up
    """The platform, released whole from a new commit of this checkout.

    The commit is tested, built, proved on staging, approved and in production.

    Both environments are those of the node; what an earlier run of the tests left in them is gone on with.
    """
    from tests.support import pipeline

    pipeline.take_over_this_checkout()
    pipeline.reject_what_waits()
    for environment in ("staging", "production"):  # another version may have kept its exports elsewhere
        pipeline.forget_exports(environment)
    if not pipeline.goes_on_from("staging", "main"):  # a nightly run of the tests migrated it
        pipeline.empty("staging")
    over = pipeline.whole_release(pipeline.commit())
    assert over.went_well, over.message
    return over
