"""Bare git mirror of the application's repository: fetched under a lock, read without one."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from azora.config.settings import Settings
from azora.errors import AzoraError, BadInput, Failed, Unreachable
from azora.host.child_environment import GIT, child_environment
from azora.host.locks import only_one
from azora.host.process import Completed, run
from azora.host.writes import System, writing, writing_if
from azora.redaction import redacted

WRITES = ("init", "config", "fetch")
READY = "azora-ready-2"  # a mirror without this file is prepared, again
# Whatever the user's and the machine's Git configuration says, a commit is what was committed.
_NEUTRAL = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}  # for reads
_FETCH = {  # which needs the user's logins and proxies; old history may have what new commits may not
    "fetch.fsckObjects": "false",
    "transfer.fsckObjects": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    "core.hooksPath": os.devnull,
    "maintenance.auto": "false",
}
_AS_COMMITTED = "* -export-ignore -export-subst -text -eol -ident -filter -working-tree-encoding\n"
_SCP = re.compile(r"(?!-)[\w.@-]+:(?!:).+")  # as git: a host, where no such folder is there
_NO_NAME = re.compile(
    r"[\x00-\x20\x7f\ud800-\udc7f]"
)  # git has none of these in a name, and NUL and the last ones reach no program
_NETWORK = re.compile(
    r"could not resolve|unable to access|connection (refused|reset|timed out|closed)|hung up|timed out|early eof",
    re.IGNORECASE,
)


def mirror_of(settings: Settings) -> Path:
    """Folder of the bare mirror of the application's repository, prepared for its first fetch."""
    url = _location(settings.repository_location)
    mirror = settings.state_folder / "mirror" / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.git"
    if not (mirror / READY).is_file():
        with only_one(mirror.with_suffix(".lock"), what=f"prepare the mirror of {shown_repository(settings)}"):
            mirror.mkdir(parents=True, exist_ok=True)
            # HEAD names nothing, so that "HEAD" is unknown rather than a guess; commits are kept: releases name them
            init = ["init", "--quiet", "--bare", "--template=", "--initial-branch=azora/none", "."]
            git(mirror, init, f"prepare {mirror}", settings)
            for key, value in {"remote.origin.url": url, "gc.auto": "0"}.items():
                git(mirror, ["config", key, value], f"prepare {mirror}", settings)
            with writing(System.GIT, f"{mirror} is prepared"):
                (mirror / "info").mkdir(exist_ok=True)
                (mirror / "info/attributes").write_text(_AS_COMMITTED)
                (mirror / READY).touch()
    return mirror


def _location(repository: str) -> str:
    if "://" in repository:
        if urlsplit(repository).password:
            raise BadInput(
                "could not use the repository's URL: it contains a password",
                advice="remove it and configure a git credential helper, or use SSH",
            )
        return repository
    if Path(repository).is_dir():
        return str(Path(repository).resolve())
    if not _SCP.fullmatch(repository):
        raise BadInput(f"could not find the repository {repository!r}: no such folder", advice="set AZORA_REPOSITORY")
    return repository


def shown_repository(settings: Settings) -> str:
    """The repository as errors name it."""
    return repr(redacted(settings.repository_location))


def fetch(mirror: Path, settings: Settings) -> None:
    """Fetch every branch and tag.

    Raises Unreachable where the network is at fault, else BadInput.
    """
    refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    if said := _fetch(settings, mirror, "--prune", "origin", *refs):
        _must_be_whole(settings)
        raise _fetch_error(f"could not fetch {shown_repository(settings)}: {said}")


def fetch_commit(mirror: Path, sha: str, settings: Settings) -> None:
    """Fetch *sha*, which no branch or tag has any more: a release of it may still run.

    Raises as `fetch` does.
    """
    if said := _fetch(settings, mirror, "origin", sha):
        where = shown_repository(settings)
        raise _fetch_error(f"could not fetch commit {sha}, which no branch or tag has, from {where}: {said}")


def fetch_ref(mirror: Path, ref: str, settings: Settings) -> str:
    """Fetch *ref*, also one outside branches and tags such as `pull/7/head`; "" where there is none."""
    kept = f"refs/azora/{hashlib.sha256(ref.encode(errors='replace')).hexdigest()[:16]}"
    if _NO_NAME.search(ref) or ":" in ref or ref.startswith(("-", "+", "^")):
        return ""
    for candidate in (ref, f"refs/{ref}"):
        if not _fetch(settings, mirror, "origin", f"+{candidate}:{kept}"):
            return sha_of(mirror, kept, settings)
    return ""


def _fetch(settings: Settings, mirror: Path, *what: str) -> str:
    """Fetch, and return git's error, or ""."""
    what_is_done = f"fetch {shown_repository(settings)}"
    options = [part for key, value in _FETCH.items() for part in ("-c", f"{key}={value}")]
    command = ["fetch", "--quiet", "--no-write-fetch-head", "--update-shallow", *what]
    limit = (settings.git_fetch_timeout_seconds, "AZORA_GIT_FETCH_TIMEOUT_SECONDS")
    with only_one(mirror.with_suffix(".lock"), what=what_is_done):
        done = _run(mirror, command, what_is_done, limit, options)
    said = done.tail(5) or f"exit code {done.returncode}"
    return redacted(said) if done.returncode else ""


def _must_be_whole(settings: Settings) -> None:
    """Raise BadInput for a partial clone of this machine: it serves no content that it lacks."""
    folder = Path(settings.repository_location)
    if not folder.is_dir():
        return
    command = ["config", "--get-regexp", r"^remote\..*\.promisor$", "true"]
    if _run(
        folder, command, f"read the configuration of {str(folder)!r}", _limit(settings), ["-c", "safe.directory=*"]
    ).output:
        raise BadInput(
            f"could not fetch {str(folder)!r}: it is a partial clone, which lacks contents of its commits",
            advice="clone it without --filter, or set AZORA_REPOSITORY to the repository that it was cloned from",
        )


def _fetch_error(what: str) -> AzoraError:
    if _NETWORK.search(what):
        return Unreachable(what, advice="check that the host is reachable; the run retries")
    return BadInput(what, advice="check AZORA_REPOSITORY and git's own access to it, as the user who runs Azora")


def sha_of(mirror: Path, ref: str, settings: Settings) -> str:
    """The full commit id of *ref*, or "" when there is none."""
    if _NO_NAME.search(ref):
        return ""
    command = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    return _read(mirror, command, f"look {ref!r} up", settings).output.strip()


def is_ancestor(mirror: Path, sha: str, ref: str, settings: Settings) -> bool:
    """Return True when *ref* has the commit *sha*, as itself or in its history."""
    command = ["merge-base", "--is-ancestor", sha, ref]
    return _read(mirror, command, f"look for {sha!r} in {ref!r}", settings).returncode == 0


def git(mirror: Path, command: list[str], what: str, settings: Settings) -> str:
    """Run *command* in *mirror* and return its output. Raises Failed."""
    done = _read(mirror, command, what, settings)
    if done.returncode:
        raise Failed(f"could not {what}: {done.tail(5)}", advice=f"check the mirror in {mirror}; it is safe to delete")
    return done.output


def _read(mirror: Path, command: list[str], what: str, settings: Settings) -> Completed:
    return _run(mirror, command, what, _limit(settings), ["-c", f"safe.directory={mirror}"], **_NEUTRAL)


def _limit(settings: Settings) -> tuple[float, str]:
    return settings.git_timeout_seconds, "AZORA_GIT_TIMEOUT_SECONDS"


def _run(
    mirror: Path, command: list[str], what: str, limit: tuple[float, str], options: list[str], **variables: str
) -> Completed:
    env = {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes", **child_environment(*GIT), "GIT_TERMINAL_PROMPT": "0"}
    env |= {"LC_ALL": "C.UTF-8", **variables}
    seconds, key = limit
    with writing_if(command[0] in WRITES, System.GIT, f"{command[0]} in {mirror}"):
        return run(["git", *options, *command], cwd=mirror, env=env, timeout_seconds=seconds, what=what, limit_is=key)
