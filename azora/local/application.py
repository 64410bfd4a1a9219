"""Application repository of the embedded node: a scratch clone of this one, committed content only."""

from __future__ import annotations

import shutil

from azora.config.settings import ROOT
from azora.host.process import Arguments, clean_environment, output_of
from azora.local.layout import Layout


def make_application(node: Layout) -> str:
    """Clone this checkout's commit into `<state>/application`, branch main, unless it is there."""
    if (node.application / ".git/HEAD").is_file():
        return "there already"
    unfinished = node.application.with_name(".application.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    output_of(["git", "clone", "--quiet", "--no-local", ROOT, unfinished], env=_git())
    output_of(["git", "-C", unfinished, "checkout", "--quiet", "-B", "main"], env=_git())
    output_of(["git", "-C", unfinished, "remote", "remove", "origin"], env=_git())
    shutil.rmtree(node.application, ignore_errors=True)
    unfinished.rename(node.application)
    return "cloned"


def update_application(node: Layout) -> str:
    """Merge this checkout's commit into the scratch clone: an older clone gets the present charts."""
    repository: Arguments = [
        "git",
        "-C",
        node.application,
        "-c",
        "user.name=Demo",
        "-c",
        "user.email=demo@azora.localhost",
    ]
    output_of([*repository, "fetch", "--quiet", ROOT, "HEAD"], env=_git())
    message = "Take over this checkout"
    return output_of([*repository, "merge", "--no-edit", "-X", "theirs", "-m", message, "FETCH_HEAD"], env=_git())


def _git() -> dict[str, str]:
    """A checkout that belongs to another user may be read; a template's hooks are nobody's business here."""
    return clean_environment(
        GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*", GIT_TEMPLATE_DIR=""
    )
