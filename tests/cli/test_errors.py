"""Errors that a person at a terminal gets: a sentence, what to do, and the documented exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from azora.cli import main
from azora.config.settings import settings
from azora.core.cluster.record import Switch
from azora.core.colors import Color
from tests.support.prefect_api import serving

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NOBODY = "127.0.0.1:9"  # the discard port: nothing listens there

Said = tuple[int, str]


@pytest.fixture
def azora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """`azora …` in this process, on a machine without a node: its exit code and its standard error."""
    for name in [name for name in os.environ if name.startswith("AZORA_")]:
        monkeypatch.delenv(name)
    kubeconfig = tmp_path / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": f"http://{NOBODY}"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    users = [{"name": "u", "user": {"token": "t"}}]
    file = {"clusters": [cluster], "contexts": [context], "users": users, "current-context": "c"}
    kubeconfig.write_text(yaml.safe_dump(file))

    def run(*arguments: str, prefect: str = f"http://{NOBODY}/api", **environment: str) -> Said:
        given = {"AZORA_NODE": "none", "AZORA_STATE": str(tmp_path), "AZORA_KUBECONFIG": str(kubeconfig)}
        for name, value in (given | environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["azora", *arguments])
        settings.cache_clear()
        try:
            with temporary_settings({PREFECT_API_URL: prefect}), pytest.raises(SystemExit) as ended:
                main()
        finally:
            settings.cache_clear()
        return int(ended.value.code or 0), capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(
            ["status", "nowhere"],
            2,
            ["environment 'nowhere'", "known environments: production, staging"],
            id="environment",
        ),
        pytest.param(["deploy", "nowhere"], 2, ["environment 'nowhere'", "known environments"], id="deploy nowhere"),
        pytest.param(["doctor", "nowhere"], 2, ["environment 'nowhere'", "known environments"], id="doctor nowhere"),
        pytest.param(["rights", "show", "nowhere"], 2, ["environment 'nowhere'"], id="rights nowhere"),
        pytest.param(["rights", "apply", "staging"], 4, [f"API server at http://{NOBODY}"], id="rights, API away"),
        pytest.param(
            ["rollback", "staging"], 4, [f"API server at http://{NOBODY}", "azora local status"], id="API away"
        ),
        pytest.param(
            ["release"], 4, [f"no response from Prefect at http://{NOBODY}/api", "azora local up"], id="Prefect away"
        ),
        pytest.param(
            ["approve", "1f2e", "-m", "tested and awaited"],
            4,
            ["find run '1f2e'", "PREFECT_API_URL"],
            id="approve, Prefect away",
        ),
        pytest.param(["follow", "1f2e"], 4, ["find run '1f2e'", "PREFECT_API_URL"], id="follow, Prefect away"),
        pytest.param(
            ["release", "--until-asked"], 2, ["--until-asked", "need --wait", "--wait"], id="until asked, not followed"
        ),
        pytest.param(
            ["release", "--wait", "--summary", "/nowhere/page.md"],
            2,
            ["could not write '/nowhere/page.md'", "No such file or directory"],
            id="summary nowhere",
        ),
        pytest.param(
            ["release", "--outputs", "/nowhere/outputs"],
            2,
            ["could not write '/nowhere/outputs'"],
            id="outputs nowhere",
        ),
    ],
)
def test_error_of_a_command(azora: Callable[..., Said], arguments: list[str], code: int, says: list[str]) -> None:
    """The error is a sentence and what to do, with the documented exit code."""
    ended, said = azora(*arguments)
    assert ended == code
    assert_one_sentence(said, says)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["release"], id="release"),
        pytest.param(["release", "--wait"], id="release, followed"),
        pytest.param(["deploy", "staging"], id="deploy"),
        pytest.param(["follow", "1f2e"], id="follow"),
        pytest.param(["approve", "1f2e", "-m", "tested and awaited"], id="approve"),
        pytest.param(["reject", "1f2e", "-m", "not on a Friday"], id="reject"),
    ],
)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param("azora:wrong", "rejected PREFECT_API_AUTH_STRING", id="wrong"),
        pytest.param(None, "requires an auth string", id="none"),
    ],
)
def test_auth_string_that_is_wrong(
    azora: Callable[..., Said], arguments: list[str], given: str | None, says: str
) -> None:
    """The error names where the right auth string is, and no request gets through."""
    with serving() as server, temporary_settings({PREFECT_API_AUTH_STRING: given}):
        server.auth_string = "azora:right"
        place = f"http://127.0.0.1:{server.server_port}/api"
        ended, said = azora(*arguments, prefect=place)
        assert server.asked == [], "nothing got through"
    assert ended == 3
    assert_one_sentence(said, [f"Prefect at {place} {says}", "PREFECT_SERVER_API_AUTH_STRING", "azora local password"])


def test_auth_string_of_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node's auth string goes to its own Prefect and to no other."""
    own, secret = "http://127.0.0.1:4200/api", "azora:f-9_x"
    file = tmp_path / ".local/state/azora/off/env"
    file.parent.mkdir(parents=True)
    file.write_text(f"AZORA_NODE=off\nPREFECT_API_URL={own}\nPREFECT_API_AUTH_STRING={secret}\n")
    for url, auth, sent in (
        (None, None, secret),
        (own, None, secret),
        (own, "azora:mine", "azora:mine"),
        ("https://prefect.example.org/api", None, None),
        ("https://prefect.example.org/api", "team:theirs", "team:theirs"),
    ):
        here = {"HOME": str(tmp_path), "AZORA_NODE": "off", "PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": auth}
        monkeypatch.setattr(os, "environ", {name: value for name, value in here.items() if value is not None})
        settings.cache_clear()
        settings()
        assert os.environ.get("PREFECT_API_AUTH_STRING") == sent, (url, auth)
    settings.cache_clear()


def test_password_of_an_unknown_node(azora: Callable[..., Said], tmp_path: Path) -> None:
    """The error names the missing file and the command that starts the node."""
    ended, said = azora("local", "password", "none", HOME=str(tmp_path))
    assert ended == 2
    assert_one_sentence(said, ["none/auth-string", "azora local up none"])


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        pytest.param(
            "AZORA_KUBECONFIG", "/nowhere/config", ["'/nowhere/config': there is no such file"], id="no kubeconfig"
        ),
        pytest.param("AZORA_KUBECONFIG", __file__, ["could not use kubeconfig"], id="no kubeconfig but something else"),
        pytest.param("AZORA_KUBE_CONTEXT", "moon", ["kubeconfig", "moon"], id="no such context"),
        pytest.param(
            "AZORA_NODE", "No!", ["AZORA_NODE", "'^[a-z][a-z0-9]{0,7}$'", "configuration.md"], id="bad setting"
        ),
    ],
)
def test_machine_set_up_wrongly(azora: Callable[..., Said], variable: str, value: str, says: list[str]) -> None:
    """The error names the setting to correct."""
    ended, said = azora("rollback", "staging", **{variable: value})
    assert ended == 2
    assert_one_sentence(said, says)


@pytest.mark.parametrize(
    "arguments", [["status"], ["release"], ["doctor"], ["rights", "show", "staging"]], ids=" ".join
)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("regsitry = 'x'\n", ["line 1: regsitry: unknown key", "configuration.md"], id="unknown key"),
        pytest.param("registry = \n", ["not TOML: Invalid value (at line 1"], id="no TOML"),
        pytest.param(None, ["there is no such file", "AZORA_SETTINGS"], id="no file"),
    ],
)
def test_settings_file_that_is_unreadable(
    azora: Callable[..., Said], tmp_path: Path, arguments: list[str], content: str | None, says: list[str]
) -> None:
    """A command with unreadable settings ends before anything is done."""
    file = tmp_path / "azora.toml"
    if content is not None:
        file.write_text(content)
    ended, said = azora(*arguments, AZORA_SETTINGS=str(file))
    assert ended == 2
    assert_one_sentence(said, [f"could not read the settings file '{file}'", *says])


def test_account_without_a_kubeconfig(azora: Callable[..., Said], tmp_path: Path) -> None:
    """The error names the command that makes it; no other identity is used instead."""
    ended, said = azora("status", "staging", AZORA_IDENTITIES=str(tmp_path / "identities"))
    assert ended == 2
    assert_one_sentence(said, ["identities/staging.kubeconfig", "azora rights apply staging"])


def test_node_that_is_down(azora: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent to the node's addresses: without its link they belong to another network."""
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".local/state/azora/off/env"
    file.parent.mkdir(parents=True)
    file.write_text("AZORA_NODE=off\nAZORA_KUBE_CONTEXT=azora-off\n")
    ended, said = azora("rollback", "staging", AZORA_NODE="off", AZORA_KUBE_CONTEXT="azora-off")
    assert ended == 4
    assert_one_sentence(said, ["the node 'off': it is down", "azora local up off"])


def assert_one_sentence(said: str, says: list[str]) -> None:
    for words in says:
        assert words in said
    lines = said.strip().splitlines()
    assert lines[0].startswith("✗ could not ")
    assert [line for line in lines if line.startswith("  → ")] == lines[1:], said
    assert "Traceback" not in said


def test_command_line_that_is_wrong(azora: Callable[..., Said]) -> None:
    """A wrong command line shows the choices."""
    ended, said = azora("switch", "staging", "red")
    assert ended == 2
    assert "'red' is not one of 'blue', 'green'" in said


def test_rollback_with_grafana_unreachable(
    azora: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rollback succeeds and is in the pipeline's log, with Grafana unreachable."""
    moved = Switch(number=7, at=AT, kind="rollback", came_from=Color.BLUE, to=Color.GREEN, release="1f2e", by="ada")
    monkeypatch.setattr("azora.cli.rollback.roll_back", lambda *_, **__: moved)
    monkeypatch.setattr("azora.cli.moved.record_in_helm", lambda *_, **__: None)
    grafana = {"AZORA_GRAFANA_URL": f"http://{NOBODY}", "AZORA_GRAFANA_TOKEN": "glsa_t"}
    assert azora("rollback", "production", "--as", "ada", **grafana) == (0, "")
    (line,) = (tmp_path / "log/pipeline.log").read_text().splitlines()
    said = json.loads(line)
    assert said["message"] == "users of production are back on green: release 1f2e (switch 7)"
    assert (said["user"], said["labels"]) == ({"name": "ada"}, {"color": "green"})
