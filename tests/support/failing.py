"""Runs that cannot go well: how they must end, and that users of staging do not notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from azora.gateways.prefect.runs import Run, stages
from tests.support import pipeline
from tests.support.changes import Files
from tests.support.users import users_of

APPLICATION = "deployments/application.yaml"


def untested(**but: list[str]) -> Files:
    """The application, with unit tests that cost nothing but those that *but* names, by service."""
    application = yaml.safe_load(pipeline.content(APPLICATION))
    for service in application["services"]:
        service["test"] = but.get(service["name"], ["true"])
    return {APPLICATION: yaml.safe_dump(application, sort_keys=False)}


def assert_failed(over: Run, *, at: str, says: tuple[str, ...]) -> None:
    """It failed at its step *at*; its one error *says* that, and once what to do."""
    assert over.kind == "FAILED"
    assert [stage.name for stage in stages(over.id) if stage.state in {"Failed", "Crashed"}] == [at]
    message = pipeline.run_called(over.id).message
    for words in says:
        assert words in message
    assert message.count("  → ") == 1, f"one error says once what to do: {message}"
    assert message.count("could not ") == 1, message
    assert "Traceback" not in message
    lines = [line.strip() for line in message.splitlines()]
    assert len(lines) == len(set(lines)) <= 20, f"a line stands there twice, or it is a page: {message}"


@contextmanager
def users_of_staging_notice_nothing() -> Iterator[None]:
    """In the block everybody who comes to staging gets an answer, and from the stack that served before."""
    before = _whom_users_reach()
    with users_of("staging", rate=20) as users:
        yield
        seen = users.stop()
    assert _whom_users_reach() == before
    assert seen.failed == 0, seen.summary()
    assert pipeline.get("staging").status_code == 200


def _whom_users_reach() -> tuple[object, ...]:
    world = pipeline.world("staging")
    assert world.active_stack is not None
    return world.active, world.active_stack.release, world.active_stack.ready
