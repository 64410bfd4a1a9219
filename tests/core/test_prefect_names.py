"""Names and marks by which applications on one Prefect server do not meet."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from azora.config.settings import ROOT
from azora.core.prefect_names import OLD_NAMES, checkout_of, names_in, tag_of, with_every_environment

PREFECT_YAML = (ROOT / "prefect.yaml").read_text()
DEPLOYMENTS = yaml.safe_load(PREFECT_YAML)["deployments"]


def test_each_deployment_is_named_by_its_application() -> None:
    """Two applications share no name; each name of old is one of today's."""
    assert names_in(PREFECT_YAML, "shop") == [f"shop-{name}" for name in OLD_NAMES]
    assert not set(names_in(PREFECT_YAML, "shop")) & set(names_in(PREFECT_YAML, "blog"))


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_queue_and_tag_carry_the_application(deployment: dict[str, Any]) -> None:
    """A run is known as its application's by the tag, and only its workers take it."""
    assert tag_of("{{ $AZORA_APPLICATION }}") in deployment["tags"]
    assert deployment["work_pool"]["work_queue_name"] == "{{ $AZORA_APPLICATION }}"


def test_a_third_environment() -> None:
    """Every environment that has a file has a deployment of its own, with its own parameter and tag."""
    assert with_every_environment(PREFECT_YAML, ["production", "staging"]) == yaml.safe_dump(
        yaml.safe_load(PREFECT_YAML), sort_keys=False
    )
    text = with_every_environment(PREFECT_YAML, ["production", "qa", "staging"])
    assert names_in(text, "shop")[-1] == "shop-deploy-qa"
    added = yaml.safe_load(text)["deployments"][-1]
    assert (added["entrypoint"], added["parameters"]) == (
        "flows/deploy.py:deploy",
        {"ref": "main", "environment": "qa"},
    )
    assert added["tags"] == [tag_of("{{ $AZORA_APPLICATION }}"), "deploy", "qa"]


@pytest.mark.parametrize(
    ("steps", "checkout"),
    [
        pytest.param(
            [{"prefect.deployments.steps.set_working_directory": {"directory": "/srv/azora"}}], "/srv/azora", id="ours"
        ),
        pytest.param(
            [{"prefect.deployments.steps.git_clone": {"repository": "https://x"}}], None, id="cloned from elsewhere"
        ),
        pytest.param(None, None, id="none"),
    ],
)
def test_the_checkout_of_a_deployment_is_read(steps: list[dict[str, Any]] | None, checkout: str | None) -> None:
    """A deployment by one of our old names may be somebody else's: its pull step tells."""
    assert checkout_of(steps) == checkout
