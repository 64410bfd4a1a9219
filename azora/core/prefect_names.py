"""Names and marks that separate applications on one Prefect server: deployments, work queue, tag."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

POOL = "azora"
APPLICATION = "{{ $AZORA_APPLICATION }}"  # in prefect.yaml

# What the deployments were called before their names began with the application.
OLD_NAMES = (
    "release",
    "deploy-staging",
    "deploy-production",
    "e2e",
    "smoke",
    "rollback",
    "blue-green-switch",
    "nightly",
)
OLD_QUEUE = "default"
KEPT = "kept the old deployment"  # how a line of `azora register` begins that asks for another one later

PULL_STEP = "prefect.deployments.steps.set_working_directory"


def tag_of(application: str) -> str:
    """The tag of every deployment, run and automation of *application*."""
    return f"application:{application}"


def name_of(application: str, flow: str) -> str:
    return f"{application}-{flow}"


def queue_of(application: str) -> str:
    """The work queue of *application* in the pool."""
    return application


def names_in(prefect_yaml: str, application: str) -> list[str]:
    """Names of the deployments that *prefect_yaml* registers for *application*."""
    listed = yaml.safe_load(prefect_yaml)["deployments"]
    return [str(one["name"]).replace(APPLICATION, application) for one in listed]


def deployments_for(prefect_yaml: str, environments: Iterable[str], branch: str) -> str:
    """Add a deployment of the flow `deploy` for each of *environments*; *branch* is the usual ref."""
    read = yaml.safe_load(prefect_yaml)
    for one in read["deployments"]:
        if "ref" in one.get("parameters", {}):
            one["parameters"] = one["parameters"] | {"ref": branch}
    known = {one["name"]: one for one in read["deployments"]}
    for name in environments:
        if f"{APPLICATION}-deploy-{name}" not in known:
            read["deployments"].append(_deployment_for(name, known[f"{APPLICATION}-deploy-staging"]))
    return yaml.safe_dump(read, sort_keys=False)


def _deployment_for(environment: str, like: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **like,
        "name": f"{APPLICATION}-deploy-{environment}",
        "entrypoint": "flows/deploy.py:deploy",
        "description": f"Promote a commit on {environment} alone, after the proof and the approval that its file asks for.",
        "tags": [environment if tag == "staging" else tag for tag in like["tags"]],
        "parameters": {**like["parameters"], "environment": environment},
    }


def checkout_of(pull_steps: Iterable[Mapping[str, Any]] | None) -> str | None:
    """The folder that a deployment's runs take their flows from, by its pull steps."""
    return next((step[PULL_STEP].get("directory") for step in pull_steps or () if PULL_STEP in step), None)


def is_older_command(job_variables: Mapping[str, Any]) -> bool:
    """Report whether Azora itself set *job_variables*, in a version whose work pool had no command."""
    command = str(job_variables.get("command"))
    return set(job_variables) == {"command"} and bool(
        re.fullmatch(r"setsid \S+/\.venv/bin/python -m prefect\.engine", command)
    )
