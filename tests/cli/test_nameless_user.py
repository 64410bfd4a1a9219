"""The command line as a user without a name and a home folder, and with settings that are wrong.

Many containers have such a user.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from azora.cli.commands import app
from azora.config.settings import ROOT

AZORA = str(Path(sys.executable).with_name("azora"))
NOWHERE = {"AZORA_SETTINGS": "/nowhere/azora.toml"}
CLUSTER = {"AZORA_KUBECONFIG": "/nowhere/config", "AZORA_KUBE_CONTEXT": "mine"}

# Every one of a JSON list of command lines and variables, in one process: exit code, standard output, standard error.
EACH = """
import contextlib, io, json, os, sys
from azora.cli import main
from azora.config.settings import settings
clean = dict(os.environ)
def said(line, environment):
    os.environ.clear()
    os.environ.update(clean, **environment)
    settings.cache_clear()
    sys.argv, out, err, code = ["azora", *line], io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    return code, out.getvalue(), err.getvalue()
print(json.dumps([said(*one) for one in json.loads(sys.argv[1])]))
"""


def as_nobody(*command: str) -> subprocess.CompletedProcess[str]:
    """Run *command* as user 12345: no entry in passwd, no HOME, no USER, no right to write anywhere."""
    if os.geteuid():
        become = ["unshare", "--user", "--map-user=12345", "--map-group=12345"]
    else:  # may read what root may, so that it finds this interpreter
        may_read = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        become = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", *may_read]
    line = [*become, "env", "-i", f"PATH={os.environ['PATH']}", f"PYTHONPATH={ROOT}", *command]
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd="/", timeout=60)


def may_become_nobody() -> bool:
    return bool(shutil.which("setpriv") and shutil.which("unshare")) and as_nobody("true").returncode == 0


pytestmark = pytest.mark.skipif(not may_become_nobody(), reason="needs root or `unshare --user --map-user`")


def commands(group: TyperGroup, *path: str) -> Iterator[tuple[list[str], list[str]]]:
    """Every command and group of the tree by its path, with what a command has to be given."""
    yield [*path], []
    context = group.make_context("azora", [], resilient_parsing=True)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, TyperGroup):
            yield from commands(command, *path, name)
        else:
            yield (
                [*path, name],
                [word for one in command.params if one.required or "--as" in one.opts for word in given(one)],
            )


def given(parameter: Any) -> list[str]:
    value = {"color": "blue", "environment": "staging"}.get(parameter.name, "something long")
    return [value] if parameter.param_type_name == "argument" else [parameter.opts[0], value]


TREE = list(commands(typer.main.get_command(app)))
GROUPS = ([], ["local"], ["rights"])


def answers(*asked: tuple[list[str], dict[str, str]]) -> list[tuple[int, str, str]]:
    done = as_nobody(sys.executable, "-c", EACH, json.dumps(asked))
    assert done.returncode == 0, done.stderr
    return [tuple(one) for one in json.loads(done.stdout)]


def test_help_of_every_command() -> None:
    """Help needs neither a name, a home folder nor settings."""
    lines = [([*path, "--help"], settings) for path, _ in TREE for settings in ({}, NOWHERE)]
    for line, (code, out, err) in zip(lines, answers(*lines), strict=True):
        assert (code, err) == (0, ""), line
        assert "Usage: azora" in out, line


def test_command_with_unreadable_settings() -> None:
    """Every command ends with one sentence, what to do and exit code 2, before anything is done."""
    lines = [[*path, *required] for path, required in TREE if path not in GROUPS]
    for line, (code, out, err) in zip(lines, answers(*((line, NOWHERE) for line in lines)), strict=True):
        assert (code, out) == (2, ""), (line, err)
        first, advice = err.splitlines()
        assert first == "✗ could not read the settings file '/nowhere/azora.toml': there is no such file", line
        assert advice.startswith("  → "), line


def test_installed_program() -> None:
    """The entry point starts in a process of its own; USER gives the name."""
    done = as_nobody("env", "USER=ada", str(Path(sys.executable).with_name("azora")), "switch", "--help")
    assert "[default: ada]" in done.stdout, done.stderr


def test_version() -> None:
    """`--version` needs no settings and no server."""
    (found,) = answers((["--version"], NOWHERE))
    assert found == (0, f"azora {tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['version']}\n", "")


def completing(words: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    last = str(len(words.split()) - 1)
    return [], {"_AZORA_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": last, **environment}


def test_shell_completion() -> None:
    """Completion offers what is known, and prints no error where nothing can be known."""
    found = answers(
        completing("azora sta"),
        completing("azora sta", **NOWHERE),
        completing("azora status sta"),
        completing("azora status sta", **NOWHERE),
        completing("azora rights show sta", **NOWHERE),
    )
    assert [out.strip() for _, out, _ in found] == ["status", "status", "staging", "", ""]
    assert [err for *_, err in found] == [""] * 5


NO_NAME = "✗ could not find your name: user 12345 of this machine has no name\n  → add --as NAME\n"
CASES = [
    pytest.param(["approve", "1f2e", "-m", "tested and awaited"], {}, 2, NO_NAME, id="approve"),
    pytest.param(["reject", "1f2e", "-m", "not on a Friday"], {}, 2, NO_NAME, id="reject"),
    pytest.param(["switch", "staging", "blue"], {}, 2, NO_NAME, id="switch"),
    pytest.param(["rollback", "staging"], {}, 2, NO_NAME, id="rollback"),
    pytest.param(
        ["rollback", "staging", "--as", "  "], {}, 2, "could not use --as '  ': it is blank", id="a blank name"
    ),
    pytest.param(["rollback", "staging", "--as", "ada"], {}, 2, "could not use kubeconfig", id="named"),
    pytest.param(["status", "staging"], CLUSTER, 2, "could not use kubeconfig '/nowhere/config'", id="status"),
    pytest.param(["status", "staging"], {}, 2, "could not use kubeconfig '/.local/state", id="status, no settings"),
    pytest.param(["release"], {}, 4, "no Prefect server is configured", id="release"),
    pytest.param(["follow", "1f2e"], {}, 4, "no Prefect server is configured", id="follow"),
    pytest.param(["exporter", "--port", "1"], CLUSTER, 2, "could not listen at 127.0.0.1:1", id="exporter"),
    pytest.param(["local", "up"], {}, 3, "could not start a node", id="local up"),
    pytest.param(
        ["status"], {"AZORA_STATE": "~eve/azora"}, 2, "there is no home folder for '~eve'", id="nobody's home"
    ),
    pytest.param(
        ["status"], {"AZORA_SETTINGS": "~eve/a.toml"}, 2, "there is no home folder for '~eve'", id="file there"
    ),
]


@pytest.fixture(scope="module")
def all_cases() -> dict[str, tuple[int, str, str]]:
    return dict(zip([case.id for case in CASES], answers(*(case.values[:2] for case in CASES)), strict=True))


@pytest.mark.parametrize(("line", "environment", "code", "says"), CASES)
def test_command_without_a_home_folder(  # noqa: PLR0917
    all_cases: dict[str, tuple[int, str, str]],
    request: pytest.FixtureRequest,
    line: list[str],  # noqa: ARG001 - all are run by one process
    environment: dict[str, str],  # noqa: ARG001
    code: int,
    says: str,
) -> None:
    """One sentence names what is missing; nobody approves or switches without a name."""
    ended, _, err = all_cases[request.node.callspec.id]
    assert (ended, says in err) == (code, True), err
    first, *advice = err.splitlines()
    assert first.startswith("✗ could not ")
    assert all(one.startswith("  → ") for one in advice), err
