"""docs/own-cluster.md as a text: what it shows can be copied.

tests/node/promotion/test_foreign_application.py runs it.
"""

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


def test_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's settings file is valid and has what the example needs."""
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


def test_commands_for_a_shell() -> None:
    """A shell accepts the page's commands."""
    subprocess.run(["bash", "-n"], input=COMMANDS, text=True, check=True)


def test_commands_of_azora() -> None:
    """Each azora command on the page exists."""
    known = MODULES
    named = re.findall(r"\.venv/bin/azora (\w+)", COMMANDS)
    assert named
    assert set(named) <= set(known)


def test_copied_folders() -> None:
    """Each folder that the page copies exists."""
    copied = re.findall(r"^cp -r (\S+)", COMMANDS, re.MULTILINE)
    assert copied
    assert all((ROOT / path).is_dir() for path in copied)


def test_links() -> None:
    """Each link of the page leads to a file."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.FILE.read_text())
    assert links
    assert [link for link in links if not (document.FILE.parent / link).exists()] == []
