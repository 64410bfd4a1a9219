"""The settings file: read under the variables, and one clear error for each way in which it cannot be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azora.config.settings import Settings, settings
from azora.errors import BadInput

GOOD = """\
kube_context = "mine"
registry = "registry.example.org/team"
registry_plain_http = false
state = "~/state"
repository = "~/shop"
grafana_token_file = "~/token"
ingress_address = ""
ingress_port = 443
keep_images_days = 7
"""

Reads = Callable[..., Settings]


@pytest.fixture
def reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    """Settings of a machine that once had a node of its own, from this file and these variables alone."""
    for name in [name for name in os.environ if name.startswith("AZORA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    node = tmp_path / ".local/state/azora/demo/env"
    node.parent.mkdir(parents=True)
    node.write_text("AZORA_REGISTRY=the.node:5000\nAZORA_HELM=/the/node/helm\n")

    def read(content: str | bytes | None, name: str = "azora.toml", **variables: str) -> Settings:
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        for variable, value in ({"AZORA_SETTINGS": str(file)} | variables).items():
            monkeypatch.setenv(variable, value)
        settings.cache_clear()
        return settings()

    yield read
    settings.cache_clear()


def test_settings_file(reads: Reads, tmp_path: Path) -> None:
    """The file's values hold, `~` is the home folder, and the rest is the default."""
    found = reads(GOOD)
    assert (found.kube_context, found.registry, found.registry_plain_http) == (
        "mine",
        "registry.example.org/team",
        False,
    )
    assert (found.ingress_address, found.ingress_port, found.keep_images_days) == ("", 443, 7)
    assert found.branch == "main"
    assert found.state_folder == tmp_path / "state"
    assert found.repository_location == str(tmp_path / "shop")
    assert found.grafana_token_file == tmp_path / "token"
    assert reads(GOOD, AZORA_HELM="~/bin/helm").helm == str(tmp_path / "bin/helm")


def test_settings_file_and_a_variable(reads: Reads) -> None:
    """A variable has priority over the file."""
    found = reads(GOOD, AZORA_REGISTRY="another.example.org")
    assert (found.registry, found.kube_context) == ("another.example.org", "mine")


def test_settings_file_beside_a_node(reads: Reads) -> None:
    """With a settings file the variables of an embedded node are not read."""
    assert reads(GOOD).helm == "helm"


def test_settings_without_a_file(reads: Reads) -> None:
    """Without a file the variables are enough."""
    assert reads(None, AZORA_SETTINGS="", AZORA_KUBE_CONTEXT="mine").kube_context == "mine"


@pytest.mark.parametrize(
    ("content", "says", "advice"),
    [
        pytest.param("", "", "", id="an empty one is fine"),
        pytest.param('node = "a"\nregsitry = "x"\n', "line 2: regsitry: unknown key", "every key", id="unknown key"),
        pytest.param("[azora]\nnode = 'a'\n", "line 1: azora: unknown key", "every key", id="a table"),
        pytest.param("ingress_port = 'http'\n", "line 1: ingress_port: Input should be", "every key", id="wrong type"),
        pytest.param("\nkeep_images = 0\n", "line 2: keep_images: Input should be", "every key", id="out of range"),
        pytest.param("node = a\n", "not TOML: Invalid value (at line 1, column 8)", "that line", id="no TOML"),
        pytest.param("x = 1\nx = 2\n", "not TOML: Cannot overwrite a value (at line 2", "that line", id="key twice"),
        pytest.param(b"node = '\xff'\n", "not UTF-8 text", "UTF-8", id="no text"),
        pytest.param("notify = 'slack://A/B/C'\n", "line 1: notify: is a secret", "notify_file", id="secret"),
        pytest.param(None, "there is no such file", "own-cluster.md", id="no file"),
    ],
)
def test_settings_file_with_a_mistake(
    reads: Reads, tmp_path: Path, content: str | bytes | None, says: str, advice: str
) -> None:
    """Each mistake is one error with file, line, key and what to do, and without any secret."""
    if not says:
        assert reads(content).node == "demo"
        return
    with pytest.raises(BadInput) as refused:
        reads(content)
    assert refused.value.message.startswith(f"could not read the settings file '{tmp_path / 'azora.toml'}': ")
    assert says in refused.value.message
    assert advice in refused.value.advice
    assert "slack" not in str(refused.value)


def test_settings_file_that_is_a_folder(reads: Reads, tmp_path: Path) -> None:
    """A folder in the file's place is an error of its own."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match="Is a directory"):
        reads(None, name="folder")


def test_settings_file_without_permission(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of an unreadable file names chmod."""

    def denied(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(BadInput, match="Permission denied") as refused:
        reads(GOOD)
    assert "chmod" in refused.value.advice


def test_settings_file_by_relative_path(reads: Reads) -> None:
    """A relative path is refused."""
    with pytest.raises(BadInput, match="relative"):
        reads(GOOD, AZORA_SETTINGS="azora.toml")


def test_settings_variable_that_is_wrong(reads: Reads) -> None:
    """The error names the variable, not the file."""
    with pytest.raises(BadInput, match="could not read the settings: AZORA_INGRESS_PORT"):
        reads(GOOD, AZORA_INGRESS_PORT="http")
