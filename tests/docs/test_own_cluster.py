"""docs/own-cluster.md as a text: what it shows can be copied. tests/node/promotion/test_foreign_application.py runs it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from azora.cli.commands import MODULES
from azora.config.settings import ROOT, settings
from tests.support import document

COMMANDS = "".join(text for texts in document.blocks("sh").values() for text in texts)


def test_its_settings_file_is_read_and_names_what_the_example_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AZORA_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "azora.toml"
    file.write_text(document.settings_file({}))
    monkeypatch.setenv("AZORA_SETTINGS", str(file))
    settings.cache_clear()
    try:
        found = settings()
    finally:
        settings.cache_clear()
    assert found.application == "guestbook"
    assert found.environments == Path.home() / "environments"
    assert not found.registry_plain_http


def test_its_commands_are_those_of_a_shell() -> None:
    subprocess.run(["bash", "-n"], input=COMMANDS, text=True, check=True)


def test_every_command_of_azora_in_it_exists() -> None:
    known = MODULES
    named = re.findall(r"\.venv/bin/azora (\w+)", COMMANDS)
    assert named
    assert set(named) <= set(known)


def test_every_file_that_it_copies_is_there() -> None:
    copied = re.findall(r"^cp -r (\S+)", COMMANDS, re.MULTILINE)
    assert copied
    assert all((ROOT / path).is_dir() for path in copied)


def test_every_place_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.FILE.read_text())
    assert links
    assert [link for link in links if not (document.FILE.parent / link).exists()] == []
