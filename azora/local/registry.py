"""Registry of the node.

It frees unused blobs on request, while no push can run.
"""

from __future__ import annotations

from pathlib import Path

from azora.local.service import words

_PROGRAM = Path(__file__).with_name("templates") / "registry.sh"


def command(configuration: Path, asked: Path, lock: Path) -> tuple[str, ...]:
    """The registry, which collects when the file *asked* is there and nobody holds *lock*.

    The file is removed when it is done, or renamed to `<asked>.failed`. Who writes it needs no right on the node.
    """
    return words("sh", _PROGRAM, configuration, asked, lock)
