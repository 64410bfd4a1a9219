"""User of its own for a program: root of a user namespace.

The machine's files are another user's for it. It may make namespaces and mounts of its own, as a sandbox and a build need them, and has no right on anything outside.
docs/decisions/0021-worker-user.md has the ways that were tried.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from azora.host import become


@dataclass(frozen=True)
class OwnUser:
    """Folders and files of root that the program has besides the system's programs.

    They are at the paths that they have outside. A path that is not there when the program starts is left out.
    """

    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    named_by: tuple[str, ...] = ()
    """Variables of the program that name a file or folder to read."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """Command line for root that runs *argv* as that user, in the same folder where it is there.

        It is the same process afterwards. Where the kernel or a file system cannot, it ends with a sentence that says which.
        """
        given = [*_outermost(self.readable, "r"), *(f"w:{path}" for path in dict.fromkeys(self.writable))]
        given += [f"v:{name}" for name in self.named_by]
        return [sys.executable, "-I", "-S", "-B", str(Path(become.__file__).resolve()), *given, "--", *argv]


def _outermost(paths: Iterable[Path], kind: str) -> list[str]:
    """Leave out what is in another one, or is the system's.

    A folder with a mount in it cannot be mounted again inside.
    """
    known = {*paths, *map(Path, become.SYSTEM)}
    return [f"{kind}:{path}" for path in dict.fromkeys(paths) if not _is_in(path, known)]


def _is_in(path: Path, folders: set[Path]) -> bool:
    return str(path) in become.SYSTEM or not folders.isdisjoint(path.parents)
