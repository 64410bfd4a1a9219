"""GitHub's workflows have the rights and the time they need, no more, and never cut a promotion.

actionlint checks the rest.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from azora.cli.commands import app
from azora.config.environment import load_environment
from azora.config.settings import ROOT

WORKFLOWS = {file.stem: yaml.safe_load(file.read_text()) for file in (ROOT / ".github/workflows").iterdir()}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]
STEPS = [
    (name, job, step) for name, job in JOBS for step in WORKFLOWS[name]["jobs"][job]["steps"]
]  # what a job does, wherever it does it
ALLOWED = {"actions/checkout", "actions/setup-python"}
GITHUB_S_OWN_LIMIT_MINUTES = 5 * 24 * 60  # of a job on a self-hosted runner

each_workflow = pytest.mark.parametrize("name", WORKFLOWS)
each_job = pytest.mark.parametrize(("name", "job"), JOBS)


def job_of(name: str, job: str) -> dict[str, Any]:
    found: dict[str, Any] = WORKFLOWS[name]["jobs"][job]
    return found


def test_workflows() -> None:
    """The workflows are ci and deploy."""
    assert set(WORKFLOWS) == {"ci", "deploy"}


@each_workflow
def test_workflow_permissions(name: str) -> None:
    """A workflow may read the code and nothing else."""
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    assert not [job for job in WORKFLOWS[name]["jobs"].values() if "permissions" in job]


@each_workflow
def test_workflow_concurrency(name: str) -> None:
    """No newer run cancels one that is running."""
    assert WORKFLOWS[name]["concurrency"]["cancel-in-progress"] is False
    assert not [job for job in WORKFLOWS[name]["jobs"].values() if "concurrency" in job]


def test_promotions_in_one_group() -> None:
    """All promotions are in one concurrency group."""
    assert "${{" not in WORKFLOWS["deploy"]["concurrency"]["group"]


@each_job
def test_job_time_limit(name: str, job: str) -> None:
    """Each job has a time limit of its own."""
    assert 0 < job_of(name, job)["timeout-minutes"] <= GITHUB_S_OWN_LIMIT_MINUTES


def test_job_time_limit_of_a_promotion() -> None:
    """The job that follows a promotion outlasts the approval request."""
    policy = load_environment("production", ROOT / "deployments/environments").approval
    assert policy is not None
    assert job_of("deploy", "promote")["timeout-minutes"] > policy.wait_hours * 60


def test_actions() -> None:
    """Actions are GitHub's own, pinned by commit, and leave no login behind."""
    used = [step for _, _, step in STEPS if "uses" in step]
    assert used
    for step in used:
        action, _, version = step["uses"].partition("@")
        assert action in ALLOWED
        assert re.fullmatch("[0-9a-f]{40}", version)
        assert action != "actions/checkout" or step["with"]["persist-credentials"] is False


def test_scripts_without_expressions() -> None:
    """No expression is in a script: values come in by `env`."""
    assert not [step["run"] for _, _, step in STEPS if "${{" in step.get("run", "")]


def test_runners_with_secrets() -> None:
    """Jobs with secrets run on other runners than jobs with proposed code."""
    reach = {(name, job) for name, job in JOBS if "secrets." in str(job_of(name, job))}
    assert reach == {("deploy", "release"), ("deploy", "promote")}
    for name, job in JOBS:
        assert job_of(name, job)["runs-on"][-1] == ("azora-release" if (name, job) in reach else "azora-checks")
    assert "head.repo.full_name == github.repository" in job_of("ci", "checks")["if"]


@pytest.mark.parametrize("command", [step["run"] for _, _, step in STEPS if "azora " in step.get("run", "")])
def test_commands_of_a_step(command: str) -> None:
    """azora accepts each command line of a step."""
    words = shlex.split(command.replace("$FRESH", "--fresh"))
    program = typer.main.get_command(app)
    assert Path(words[0]).name == "azora"
    name, subcommand, rest = program.resolve_command(program.make_context("azora", words[1:]), words[1:])  # type: ignore[attr-defined]
    assert subcommand.make_context(name, rest).params


@pytest.mark.parametrize("word", ["azora-checks", "azora-release", "PREFECT_API_URL", "PREFECT_API_AUTH_STRING"])
def test_documented_set_up(word: str) -> None:
    """docs/deployment/github.md names what a team must set up."""
    assert f"`{word}`" in (ROOT / "docs/deployment/github.md").read_text()
