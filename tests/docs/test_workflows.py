"""GitHub's workflows may do what they need, no longer than they need, and never cut a promotion; actionlint reads the rest."""

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


def test_both_are_there() -> None:
    assert set(WORKFLOWS) == {"ci", "deploy"}


@each_workflow
def test_a_workflow_may_read_the_code_and_nothing_else(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    assert not [job for job in WORKFLOWS[name]["jobs"].values() if "permissions" in job]


@each_workflow
def test_nothing_that_runs_is_cancelled_for_something_newer(name: str) -> None:
    assert WORKFLOWS[name]["concurrency"]["cancel-in-progress"] is False
    assert not [job for job in WORKFLOWS[name]["jobs"].values() if "concurrency" in job]


def test_all_promotions_are_in_one_group() -> None:
    assert "${{" not in WORKFLOWS["deploy"]["concurrency"]["group"]


@each_job
def test_a_job_has_a_time_limit(name: str, job: str) -> None:
    assert 0 < job_of(name, job)["timeout-minutes"] <= GITHUB_S_OWN_LIMIT_MINUTES


def test_who_follows_a_promotion_stays_as_long_as_the_question_waits() -> None:
    policy = load_environment("production", ROOT / "deployments/environments").approval
    assert policy is not None
    assert job_of("deploy", "promote")["timeout-minutes"] > policy.wait_hours * 60


def test_actions_are_github_s_own_by_commit_and_leave_no_login_behind() -> None:
    used = [step for _, _, step in STEPS if "uses" in step]
    assert used
    for step in used:
        action, _, version = step["uses"].partition("@")
        assert action in ALLOWED
        assert re.fullmatch("[0-9a-f]{40}", version)
        assert action != "actions/checkout" or step["with"]["persist-credentials"] is False


def test_no_word_of_an_event_becomes_part_of_a_script() -> None:
    """https://docs.github.com/actions/security-guides/security-hardening-for-github-actions: it comes in by `env`."""
    assert not [step["run"] for _, _, step in STEPS if "${{" in step.get("run", "")]


def test_what_reaches_prefect_runs_apart_from_what_runs_proposed_code() -> None:
    reach = {(name, job) for name, job in JOBS if "secrets." in str(job_of(name, job))}
    assert reach == {("deploy", "release"), ("deploy", "promote")}
    for name, job in JOBS:
        assert job_of(name, job)["runs-on"][-1] == ("azora-release" if (name, job) in reach else "azora-checks")
    assert "head.repo.full_name == github.repository" in job_of("ci", "checks")["if"]


@pytest.mark.parametrize("command", [step["run"] for _, _, step in STEPS if "azora " in step.get("run", "")])
def test_azora_understands_what_a_step_asks_for(command: str) -> None:
    words = shlex.split(command.replace("$FRESH", "--fresh"))
    program = typer.main.get_command(app)
    assert Path(words[0]).name == "azora"
    name, subcommand, rest = program.resolve_command(program.make_context("azora", words[1:]), words[1:])  # type: ignore[attr-defined]
    assert subcommand.make_context(name, rest).params


@pytest.mark.parametrize("word", ["azora-checks", "azora-release", "PREFECT_API_URL", "PREFECT_API_AUTH_STRING"])
def test_what_a_team_must_set_up_is_in_the_docs(word: str) -> None:
    assert f"`{word}`" in (ROOT / "docs/deployment/github.md").read_text()
