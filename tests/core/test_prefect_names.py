"""Names and marks by which applications on one Prefect server do not meet."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from azora.config.settings import ROOT
from azora.core.prefect_names import OLD_NAMES, checkout_of, deployments_for, names_in, tag_of

PREFECT_YAML = (ROOT / "prefect.yaml").read_text()
DEPLOYMENTS = yaml.safe_load(PREFECT_YAML)["deployments"]


def test_deployment_names() -> None:
    """Two applications share no name, and each old name has its new one."""
    assert names_in(PREFECT_YAML, "shop") == [f"shop-{name}" for name in OLD_NAMES]
    assert not set(names_in(PREFECT_YAML, "shop")) & set(names_in(PREFECT_YAML, "blog"))


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_queue_and_tag(deployment: dict[str, Any]) -> None:
    """The tag shows whose run it is, and only the application's workers take it."""
    assert tag_of("{{ $AZORA_APPLICATION }}") in deployment["tags"]
    assert deployment["work_pool"]["work_queue_name"] == "{{ $AZORA_APPLICATION }}"


def test_deployment_of_another_environment() -> None:
    """Each environment file has a deployment with its own parameter and tag."""
    assert deployments_for(PREFECT_YAML, ["production", "staging"], "main") == yaml.safe_dump(
        yaml.safe_load(PREFECT_YAML), sort_keys=False
    )
    text = deployments_for(PREFECT_YAML, ["production", "qa", "staging"], "trunk")
    assert names_in(text, "shop")[-1] == "shop-deploy-qa"
    added = yaml.safe_load(text)["deployments"][-1]
    assert (added["entrypoint"], added["parameters"]) == (
        "flows/deploy.py:deploy",
        {"ref": "trunk", "environment": "qa"},
    )
    assert [one["parameters"].get("ref") for one in yaml.safe_load(text)["deployments"][:3]] == ["trunk"] * 3
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
def test_checkout_of_a_deployment(steps: list[dict[str, Any]] | None, checkout: str | None) -> None:
    """The pull step shows whether a deployment with an old name is ours."""
    assert checkout_of(steps) == checkout
