"""Changes that tests commit in the application's repository: files with their new text."""

from __future__ import annotations

from pathlib import Path

from azora.config.application import load_application
from azora.config.settings import settings
from azora.core.release.alembic import heads_of
from azora.operations.checkout import Checkout
from tests.support import pipeline

Files = dict[Path | str, str]


def added(name: str, text: str) -> Files:
    """The file *name* with *text* after what it holds."""
    return {name: f"{pipeline.content(name)}\n{text}\n"}


def replaced(name: str, old: str, new: str) -> Files:
    """The file *name* with *new* for *old*."""
    assert old in pipeline.content(name)
    return {name: pipeline.content(name).replace(old, new, 1)}


def revision(name: str, does: str, *says: str, after: str | None = None) -> Files:
    """A file of migrations after the newest one, or *after* another."""
    repository = Path(settings().repository_location)
    application = load_application(repository)
    newest = after or heads_of(Checkout("", repository, application).revision_files())[0]
    lines = ["from alembic import op", f"revision = {name!r}", f"down_revision = {newest!r}", *says]
    text = "\n".join([*lines, "def upgrade() -> None:", f"    {does}", ""])
    return {f"{application.migrations}/versions/{name}.py": text}
