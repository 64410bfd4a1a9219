"""Bare git mirror of the application's repository: fetched under a lock, read without one."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from azora.config.settings import Settings
from azora.errors import AzoraError, BadInput, Failed, Unreachable
from azora.host.locks import only_one
from azora.host.process import Completed, run
from azora.host.writes import System, writing, writing_if

FETCH_TIMEOUT_SECONDS = 300.0
GIT_TIMEOUT_SECONDS = 60.0

WRITES = ("init", "config", "fetch")
_SCP = re.compile(r"[\w.-]+@[\w.-]+:.+")
_NO_NAME = re.compile(
    r"[\x00-\x20\x7f\ud800-\udc7f]"
)  # git has none of these in a name, and NUL and the last ones reach no program
_NETWORK = re.compile(
    r"could not resolve|unable to access|connection (refused|reset|timed out|closed)|hung up|timed out|early eof",
    re.IGNORECASE,
)


def mirror_of(settings: Settings) -> Path:
    """Folder of the bare mirror of the application's repository, prepared for its first fetch."""
    repository = settings.repository_location
    url = _location(repository)
    mirror = settings.state_folder / "mirror" / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.git"
    if not (mirror / "azora-ready").is_file():
        with only_one(mirror.with_suffix(".lock"), what=f"prepare the mirror of {repository!r}"):
            mirror.mkdir(parents=True, exist_ok=True)
            # HEAD names nothing, so that "HEAD" is unknown rather than a guess; commits are kept: releases name them
            git(mirror, ["init", "--quiet", "--bare", "--initial-branch=azora/none", "."], f"prepare {mirror}")
            for key, value in {"remote.origin.url": url, "gc.auto": "0"}.items():
                git(mirror, ["config", key, value], f"prepare {mirror}")
            with writing(System.GIT, f"{mirror} is prepared"):
                (mirror / "azora-ready").touch()
    return mirror


def _location(repository: str) -> str:
    if "://" in repository:
        if urlsplit(repository).password:
            raise BadInput(
                "could not use the repository's URL: it contains a password",
                advice="remove it and configure a git credential helper, or use SSH",
            )
        return repository
    if _SCP.fullmatch(repository):
        return repository
    if not Path(repository).is_dir():
        raise BadInput(f"could not find the repository {repository!r}: no such folder", advice="set AZORA_REPOSITORY")
    return str(Path(repository).resolve())


def fetch(mirror: Path, settings: Settings) -> None:
    """Fetch every branch and tag.

    Raises Unreachable where the network is at fault, else BadInput.
    """
    repository = settings.repository_location
    refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    if said := _fetch(repository, mirror, "--prune", "origin", *refs):
        raise _fetch_error(f"could not fetch {repository!r}: {said}")


def fetch_commit(mirror: Path, sha: str, settings: Settings) -> None:
    """Fetch *sha*, which no branch or tag has any more: a release of it may still run.

    Raises as `fetch` does.
    """
    repository = settings.repository_location
    if said := _fetch(repository, mirror, "origin", sha):
        raise _fetch_error(f"could not fetch commit {sha}, which no branch or tag has, from {repository!r}: {said}")


def _fetch(repository: str, mirror: Path, *what: str) -> str:
    """Fetch, and return git's error, or ""."""
    command = ["fetch", "--quiet", "--no-write-fetch-head", *what]
    with only_one(mirror.with_suffix(".lock"), what=f"fetch {repository!r}"):
        done = _run(mirror, command, f"fetch {repository!r}", FETCH_TIMEOUT_SECONDS)
    return done.tail(5) or f"exit code {done.returncode}" if done.returncode else ""


def _fetch_error(what: str) -> AzoraError:
    if _NETWORK.search(what):
        return Unreachable(what, advice="check that the host is reachable; the run retries")
    return BadInput(what, advice="check AZORA_REPOSITORY and git's own access to it, as the user who runs Azora")


def sha_of(mirror: Path, ref: str) -> str:
    """The full commit id of *ref*, or "" when there is none."""
    if _NO_NAME.search(ref):
        return ""
    command = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    return _run(mirror, command, f"look {ref!r} up", GIT_TIMEOUT_SECONDS).output.strip()


def is_ancestor(mirror: Path, sha: str, ref: str) -> bool:
    """Return True when *ref* has the commit *sha*, as itself or in its history."""
    command = ["merge-base", "--is-ancestor", sha, ref]
    return _run(mirror, command, f"look for {sha!r} in {ref!r}", GIT_TIMEOUT_SECONDS).returncode == 0


def git(mirror: Path, command: list[str], what: str) -> str:
    """Run *command* in *mirror* and return its output. Raises Failed."""
    done = _run(mirror, command, what, GIT_TIMEOUT_SECONDS)
    if done.returncode:
        raise Failed(f"could not {what}: {done.tail(5)}", advice=f"check the mirror in {mirror}; it is safe to delete")
    return done.output


def _run(mirror: Path, command: list[str], what: str, limit: float) -> Completed:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_DIR") and key != "GIT_WORK_TREE"}
    env = {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes", **kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    with writing_if(command[0] in WRITES, System.GIT, f"{command[0]} in {mirror}"):
        return run(["git", *command], cwd=mirror, env=env, timeout_seconds=limit, what=what)
