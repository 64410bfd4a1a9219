"""The database dies in the middle of a release; nobody lifts a hand."""

from __future__ import annotations

import time

import pytest

from azora.core.colors import COMPONENT_LABEL
from tests.support import pipeline
from tests.support.polling import until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("platform")]

VALUES = "deployments/values/azora/staging.yaml"


def kill_pod_of(component: str) -> None:
    """Delete the component's pods without grace, as a machine that burns down would."""
    selector = f"{COMPONENT_LABEL}={component}"
    pipeline.kubectl(
        "-n", pipeline.cluster("staging").namespace.name, "delete", "pod", "-l", selector, "--grace-period=0", "--force"
    )


def is_healthy() -> bool:
    return pipeline.get("staging", "/api/health").status_code == 200


def test_release_without_its_database() -> None:
    """The release ends cleanly, and the platform recovers by itself."""
    before = pipeline.world("staging")
    sha = pipeline.commit({VALUES: f"{pipeline.content(VALUES)}\n# {time.time()}\n"}, "Change a value")
    run = pipeline.begin("deploy-staging", ref=sha)
    pipeline.wait_for(
        run,
        lambda _: pipeline.cluster("staging").namespace.stack_name(before.preview) in pipeline.world("staging").pending,
        seconds=120,
    )
    kill_pod_of("postgresql")
    over = pipeline.wait_for(run, lambda now: now.is_over, seconds=400)
    until(is_healthy, seconds=90, what="the platform is back", every=0.5)
    after = pipeline.world("staging")
    if over.went_well:
        assert after.active is before.preview
    else:
        assert over.kind == "FAILED", over.message
        assert over.message.count("  → ") == 1
        assert after.active is before.active
        assert pipeline.until_over(pipeline.begin("deploy-staging", ref=sha), seconds=400).went_well
    assert pipeline.cluster("staging").running().commit == sha
