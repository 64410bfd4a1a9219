"""Registry of the node.

On request it frees unused blobs at its start, while no push can run.
"""

from __future__ import annotations

from pathlib import Path

from azora.local.service import words

# The collector must not run beside a registry that takes pushes, so it dies with the shell that waits for it:
# https://distribution.github.io/distribution/about/garbage-collection/. One line each: the supervisor's file wants it.
_COLLECT = 'setpriv --pdeathsig=KILL docker-registry garbage-collect "$0"'
_SCRIPT = f'if [ -e "$1" ] && {_COLLECT}; then rm -f "$1"; fi; exec docker-registry serve "$0"'


def command(configuration: Path, asked: Path) -> tuple[str, ...]:
    """The registry, which collects first when the file *asked* is there, and removes that when it is done."""
    return words("sh", "-c", _SCRIPT, configuration, asked)
