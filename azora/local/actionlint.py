"""actionlint, which reads GitHub's workflows: built once with the toolchain of the node's programs."""

from __future__ import annotations

from pathlib import Path

from azora.host.process import clean_environment, logged
from azora.local.cache import built, cache_folder
from azora.local.progress import Say
from azora.local.toolchain import go

VERSION = "1.7.12"
PACKAGE = f"github.com/rhysd/actionlint/cmd/actionlint@v{VERSION}"


def actionlint(say: Say = str) -> Path:
    """The program; builds it when the cache has none (half a minute)."""
    return built(f"actionlint-{VERSION}", lambda place: _build(place, say)) / "actionlint"


def _build(place: Path, say: Say) -> None:
    log = cache_folder() / "log/actionlint.log"
    compiler = go((1, 25), log)
    env = clean_environment(GOBIN=str(place), CGO_ENABLED="0", GOTOOLCHAIN="local")
    say("downloading modules")
    logged([compiler, "install", "-v", PACKAGE], log, env=env, on_line=lambda line: say(f"compiling {line}"))
    say(f"into {cache_folder()}")
