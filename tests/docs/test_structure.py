"""The shape that every change must keep."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.machinery import PathFinder
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import get_parameter_defaults

from azora.config.application import load_application
from azora.config.environment import environments
from azora.config.settings import ROOT, Settings, settings
from azora.core.prefect_names import APPLICATION
from tasks.logs import keep_log
from tasks.run_metrics import count_run, environment_of

DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
CORE = sorted((ROOT / "azora/core").rglob("*.py"))
BELOW_THE_ENTRY_POINTS = sorted(
    file
    for layer in ("operations", "gateways", "host", "core", "config")
    for file in (ROOT / "azora" / layer).rglob("*.py")
)
FLOWS = sorted((ROOT / "flows").glob("*.py"))
APPLICATIONS = [load_application(folder) for folder in (ROOT, ROOT / "docs/examples/guestbook")]
SERVICES = [name for application in APPLICATIONS for name in application.service_names]

TESTS = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "services").glob("*/tests/test_*.py")]
MOST_WORDS = 6

# The key of a login in docker's own file.
OTHER_MEANINGS = {(f"azora/{place}/registry_login.py", "auth") for place in ("gateways/images", "local")}


@pytest.fixture(params=DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def registered(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, Any], Flow[..., Any]]:
    """A deployment of prefect.yaml, and its flow as a worker loads it."""
    monkeypatch.chdir(ROOT)
    return request.param, load_flow_from_entrypoint(request.param["entrypoint"], use_placeholder_flow=False)


def test_flow_entrypoint(registered: tuple[dict[str, Any], Flow[..., Any]]) -> None:
    """Each entrypoint loads as a worker loads it, and describes its parameters."""
    deployment, flow = registered
    assert deployment["name"] == f"{APPLICATION}-{flow.name}"
    described = {name: p.get("description") for name, p in flow.parameters.model_dump()["properties"].items()}
    assert all(described.values()), f"the start form shows parameters without a word: {described}"


def test_flow_hooks_at_the_end(
    registered: tuple[dict[str, Any], Flow[..., Any]],
) -> None:
    """Each end of a run counts it for its environment."""
    deployment, flow = registered
    ends = (flow.on_completion_hooks, flow.on_failure_hooks, flow.on_crashed_hooks, flow.on_cancellation_hooks)
    assert all(count_run in hooks for hooks in ends)
    assert environment_of(get_parameter_defaults(flow.fn), deployment["tags"]) in environments(settings().environments)


def test_flow_hooks_at_the_start(registered: tuple[dict[str, Any], Flow[..., Any]]) -> None:
    """A run writes the pipeline's log from its beginning."""
    _, flow = registered
    assert keep_log in flow.on_running_hooks


@pytest.mark.parametrize("file", FLOWS, ids=lambda file: file.stem)
def test_flow_file_name(file: Path) -> None:
    """No flow is named like an importable module: Prefect puts flows/ first on the path."""
    assert file.stem not in sys.stdlib_module_names
    elsewhere = [path for path in sys.path if Path(path).resolve() != file.parent]
    assert PathFinder.find_spec(file.stem, elsewhere) is None


@pytest.mark.parametrize("file", FLOWS, ids=lambda file: file.stem)
def test_flow_outline(file: Path) -> None:
    """A flow's file has one function and no class."""
    tree = ast.parse(file.read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert len([node for node in tree.body if isinstance(node, ast.FunctionDef)]) == 1


@pytest.mark.parametrize("folder", ["flows", "tasks", "azora"])
def test_services_in_the_pipeline(folder: str) -> None:
    """No string of the pipeline names a service of an application."""
    strings = [
        (file.relative_to(ROOT), node.value)
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    named = {
        (str(file), text) for file, text in strings for name in SERVICES if re.fullmatch(rf"(services/)?{name}", text)
    }
    assert named <= OTHER_MEANINGS


ACTS = re.compile(
    r"\.record\.(add_approval|add_question|add_receipt|end_approvals)\(|\bcluster\.switch\(|[^.]\bcluster\.log\.append\("
)


def test_recorded_acts() -> None:
    """Requests, answers, switches and receipts are written with their entry of the record, in one place."""
    files = [file for folder in ("flows", "tasks", "azora") for file in (ROOT / folder).rglob("*.py")]
    writers = {str(file.relative_to(ROOT).parent) for file in files if ACTS.search(file.read_text())}
    assert writers == {"azora/operations/record"}


def test_readme_outline() -> None:
    """The outline in the README is the flow's own text."""
    body = (ROOT / "flows/release.py").read_text().partition("    commit = find_commit")[2]
    assert dedent(f"    commit = find_commit{body}") in (ROOT / "README.md").read_text()


def test_readme_targets() -> None:
    """The README has a row for each target of the Makefile with a help line, and no other."""
    shown = set(re.findall(r"^\| `make ([a-z]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert shown == set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}


def test_documented_gateways() -> None:
    """docs/architecture.md names the gateways that the embedded node uses."""
    text = "".join(file.read_text() for file in (ROOT / "azora/local").glob("*.py"))
    used = sorted(set(re.findall(r"^from azora\.gateways\.(\w+)[. ]", text, re.MULTILINE)))
    assert f"gateways ({', '.join(used)})" in (ROOT / "docs/architecture.md").read_text()


def test_documented_settings() -> None:
    """docs/configuration.md has each setting."""
    text = (ROOT / "docs/configuration.md").read_text()
    missing = [name for name in Settings.model_fields if f"`AZORA_{name.upper()}`" not in text]
    assert not missing


def test_described_settings() -> None:
    """Each setting has a description."""
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("file", BELOW_THE_ENTRY_POINTS, ids=lambda file: str(file.relative_to(ROOT / "azora")))
def test_settings_as_an_argument(file: Path) -> None:
    """Only flows, tasks, the command line and the embedded node read those of this process."""
    imported = [
        alias.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module in {"azora.config", "azora.config.settings"}
        for alias in node.names
    ]
    assert "settings" not in imported


def test_import_contracts() -> None:
    """Each module of azora/ and each gateway is in an import contract."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    beside = {"azora.__main__", "azora.cli", "azora.local"}
    assert modules_in("azora") - beside == {layer for layer in layers if layer.startswith("azora.")}
    gateways = next(contract["modules"] for contract in contracts if contract["type"] == "independence")
    assert modules_in("azora/gateways") == set(gateways)


def modules_in(folder: str) -> set[str]:
    """Names of the modules and packages right in *folder*, dotted."""
    found = [path for path in (ROOT / folder).iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    return {f"{folder}/{path.stem}".replace("/", ".") for path in found if path.stem != "__init__"}


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.stem)
def test_core_without_a_clock(file: Path) -> None:
    """The core reads neither time nor files: both come in as arguments."""
    called = {ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)}
    assert not [
        name for name in called if re.search(r"^(time|os|random)\.|datetime\.now$|^open$|\.(read|write)_text$", name)
    ]


def test_imports_of_test_modules() -> None:
    """No test module imports another: shared code is in tests/support."""
    files = [file for file in (ROOT / "tests").rglob("*.py") if file.parent.name != "support"]
    importing = re.compile(r"^ *(?:from|import) tests\.(?!support\b)[\w.]*\b(?:test_\w+|conftest)\b", re.MULTILINE)
    assert not [str(file.relative_to(ROOT)) for file in files if importing.search(file.read_text())]


def test_names_of_tests() -> None:
    """A test's name is its subject in at most six words; its docstring is the promise."""
    tests = [
        (file.relative_to(ROOT), node)
        for file in TESTS
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert tests
    assert [f"{file}: {test.name}" for file, test in tests if test.name.count("_") > MOST_WORDS] == []
    assert [f"{file}: {test.name}" for file, test in tests if not ast.get_docstring(test)] == []
