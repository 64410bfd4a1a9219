"""Charts as Helm renders them, each rendering made once a session; nothing here needs a cluster."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from azora.config.settings import ROOT, settings

CHARTS = ROOT / "deployments/charts"
VALUES = ROOT / "deployments/values"
APPLICATION = yaml.safe_load((ROOT / "deployments/application.yaml").read_text())
SERVICES = [service["name"] for service in APPLICATION["services"]]
ENVIRONMENTS = sorted(file.stem for file in (ROOT / "deployments/environments").glob("*.yaml"))

Values = dict[str, Any]
Object = dict[str, Any]


def image(name: str) -> str:
    return f"registry.example/azora/{name}@sha256:{name.encode().hex():0<64.64}"


# What Azora hands to each chart (docs/application-contract.md).
STACK: Values = {
    "azora": {"application": "azora", "environment": "staging", "color": "blue", "release": "3f2a1c9b0d4e"},
    "images": {name: image(name) for name in [*SERVICES, "migrations"]},
}
ROUTER: Values = {
    "azora": {"application": "azora", "environment": "staging", "color": "blue", "release": "3f2a1c9b0d4e"},
    "edge": {"component": "web"},
    "hosts": {"live": "azora.localhost", "preview": "preview.azora.localhost"},
}
DATA: Values = {
    "azora": {"application": "azora", "environment": "staging"},
    "images": {name: image(name) for name in ("postgresql", "redis", "localstripe")},
}
PASSED = {"azora": STACK, "azora-router": ROUTER, "azora-data": DATA}


@cache
def helm_program() -> str:
    """Helm as the settings name it, else one that a node of this machine was built with."""
    built = sorted(Path.home().glob(".cache/azora/*/helm"))
    found = shutil.which(settings().helm) or (str(built[-1]) if built else None)
    if found is None:
        pytest.fail("there is no Helm: name it with AZORA_HELM, or let `make up` build it")
    return found


def files_of(chart: str, environment: str) -> list[Path]:
    return [VALUES / chart / f"{name}.yaml" for name in ("common", environment)]


def run_helm(command: str, chart: str, environment: str, values: Values) -> subprocess.CompletedProcess[str]:
    """`helm COMMAND` on *chart* with the values files of *environment* and *values* over them."""
    release = [f"{chart}-test", "--namespace", "shop"] if command == "template" else []
    files = [argument for file in files_of(chart, environment) for argument in ("--values", str(file))]
    argv = [helm_program(), command, *release, str(CHARTS / chart), *files, "--values", "-"]
    return subprocess.run(argv, input=json.dumps(values), capture_output=True, text=True, timeout=60, check=False)


@cache
def rendered(chart: str, environment: str, values: str) -> str:
    done = run_helm("template", chart, environment, json.loads(values))
    assert done.returncode == 0, done.stderr
    return done.stdout


class Rendering:
    """The objects of one rendering."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.objects: list[Object] = [found for found in yaml.load_all(text, Loader=yaml.CSafeLoader) if found]

    def of(self, kind: str) -> dict[str, Object]:
        return {found["metadata"]["name"]: found for found in self.objects if found["kind"] == kind}

    def names(self) -> set[tuple[str, str]]:
        return {(found["kind"], found["metadata"]["name"]) for found in self.objects}

    def pods(self) -> dict[str, Object]:
        """Pod templates of everything that starts pods, by the name of what starts them."""
        return {
            found["metadata"]["name"]: found["spec"]["template"]
            for found in self.objects
            if found["kind"] in {"Deployment", "StatefulSet", "Job"}
        }


Render = Callable[..., Rendering]


def over(under: Values, changes: Values) -> Values:
    """*changes* laid over *under*, maps merged."""
    both = {
        key: over(under[key], value)
        for key, value in changes.items()
        if isinstance(under.get(key), dict) and isinstance(value, dict)
    }
    return {**under, **changes, **both}
