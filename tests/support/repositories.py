"""Git repositories for tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from azora.config.settings import Settings


class Repository:
    def __init__(self, folder: Path, *, made: bool = False) -> None:
        self.folder = folder
        if not made:
            folder.mkdir()
            self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *command: str) -> str:
        who = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@shop.example"}
        who |= {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@shop.example"}
        done = subprocess.run(
            ["git", *command], cwd=self.folder, env=os.environ | who, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, name: str, content: str, subject: str = "Change it") -> str:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        self.git("add", name)
        self.git("commit", "--quiet", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def __str__(self) -> str:
        return str(self.folder)


def at(location: object, **given: Any) -> Settings:
    """Settings of a machine whose application is in the repository at *location*, a path or a URL."""
    return Settings(repository=str(location), **given)
