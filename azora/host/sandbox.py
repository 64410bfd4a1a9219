"""Sandbox for the tests of a commit: they are a stranger's, whoever reviewed them.

Inside is a root of its own: the system's programs, read only, the folders that are given, an empty home, /tmp, /run and /root. There
are no other processes, no capabilities and no way to get some. The network is the machine's: tests need what they test, and packages.

As root by util-linux, as a user of its own; else by bubblewrap, as the same user.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join, quote
from typing import Literal

from azora.errors import BadInput
from azora.host import confined
from azora.host.strangers import NUMBER, hand_over

Kind = Literal["util-linux", "bubblewrap"]
NO_SANDBOX = (
    "let the worker make namespaces (not in a pod of the level `restricted`); or set AZORA_SANDBOX=off, where whoever may commit may"
    " do all that the pipeline's user may"
)

USER = "azora-tests"
HOME = Path("/home") / USER
ROOT = Path("/run/azora-sandbox")
_SYSTEM = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/sys")
_OWN = ("HOME", "USER", "LOGNAME", "TMPDIR")
_TOOLS = "/usr/sbin:/usr/bin:/sbin:/bin"  # the worker's PATH may lead through folders in which others write
_DEVICES = "null zero full random urandom tty"
_MOST_BYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4  # of each file system in memory


@dataclass(frozen=True)
class Sandbox:
    """Folders and files of the machine that a program sees, at the paths that they have outside.

    `cache` is kept for the next one, as `~/.cache`. `temporary` is TMPDIR, for programs that run beside each other on the same files
    and lock them there; without it each has a `/tmp` of its own.
    """

    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    cache: Path | None = None
    temporary: Path | None = None

    def command(self, argv: Sequence[str], cwd: Path, search: str) -> list[str]:
        """Command line that runs *argv* in *cwd* inside; programs are looked for in the folders of *search*.

        Raises BadInput where the machine has no means for it.
        """
        for folder in filter(None, (*self.writable, self.cache, self.temporary)):
            folder.mkdir(parents=True, exist_ok=True)
            hand_over(folder)
            os.utime(folder)  # used now: what is not is pruned
        inside = self._bubblewrap if kind() == "bubblewrap" else self._util_linux
        start = [sys.executable, "-I", "-S", "-B", str(Path(confined.__file__).resolve()), str(os.getpid())]
        return [*start, *inside(argv, cwd, search)]

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Variables of *given*, with the home of the sandbox; of PATH only what is the same in every folder."""
        own = {"HOME": str(HOME), "USER": USER, "LOGNAME": USER, "UV_LINK_MODE": "copy"}
        own |= {"PATH": os.pathsep.join(filter(os.path.isabs, given.get("PATH", "").split(os.pathsep)))}
        own |= {"TMPDIR": str(HOME / "tmp")} if self.temporary else {}
        return {key: value for key, value in given.items() if key not in _OWN and not key.startswith("XDG_")} | own

    def _mounts(self, search: str) -> list[tuple[Path, bool]]:
        """Each path that is mounted, parents first, and whether it may be written."""
        writable = dict.fromkeys(self.writable, True)
        readable = dict.fromkeys((*self.readable, *_programs(search)), False)
        return sorted((path, may_write) for path, may_write in (readable | writable).items() if path.exists())

    def _util_linux(self, argv: Sequence[str], cwd: Path, search: str) -> list[str]:
        ROOT.mkdir(mode=0o755, exist_ok=True)
        flags = ["--mount", "--pid", "--ipc", "--fork", "--kill-child", "--propagation=private"]
        return [_tool("unshare"), *flags, "--", "/bin/sh", "-euc", "\n".join(self._script(argv, cwd, search)), USER]

    def _script(self, argv: Sequence[str], cwd: Path, search: str) -> Iterator[str]:
        """Shell script for root in the new namespaces; it stays the first process, and with it all others end."""
        yield f"search=$PATH PATH={_TOOLS}"
        yield f"mount -t tmpfs -o mode=755,nosuid,nodev,size={_MOST_BYTES} sandbox {ROOT}"
        yield f"cd {ROOT}"
        for path in map(Path, _SYSTEM):
            if path.is_symlink():
                yield f"ln -s {quote(str(path.readlink()))} .{path}"
            elif path.is_dir():
                yield from _mounted(path, may_write=False)
        yield "mkdir -p proc dev/pts dev/shm tmp var/tmp run root home"
        yield "mount -t proc proc proc"
        yield f"for name in {_DEVICES}; do : > dev/$name; mount --bind /dev/$name dev/$name; done"
        yield "mount -t devpts -o newinstance,ptmxmode=666,mode=620,nosuid,noexec terminals dev/pts"
        yield "ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd"
        yield "ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr"
        yield f"mount -t tmpfs -o mode=1777,nosuid,nodev,size={_MOST_BYTES} shm dev/shm"
        yield "chmod 1777 tmp var/tmp"
        yield f"mkdir -m 700 .{HOME}"
        yield f"chown {NUMBER}:{NUMBER} .{HOME}"
        for name, line in (("passwd", f"{USER}:x:{NUMBER}:{NUMBER}::{HOME}:/bin/sh"), ("group", f"{USER}:x:{NUMBER}:")):
            yield f"{{ cat /etc/{name}; echo {quote(line)}; }} > run/{name}"
            yield f"mount --bind run/{name} etc/{name}"
        for path, may_write in self._mounts(search):
            yield from _mounted(path, may_write=may_write)
        for kept, at in ((self.cache, HOME / ".cache"), (self.temporary, HOME / "tmp")):
            if kept:
                yield from _mounted(kept, may_write=True, at=at)
        yield "pivot_root . ."
        yield "umount -l ."
        yield f"cd {quote(str(cwd))}"
        drop = "--clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
        yield f"PATH=$search {_tool('setpriv')} --reuid={NUMBER} --regid={NUMBER} {drop} -- {join(argv)} || exit $?"

    def _bubblewrap(self, argv: Sequence[str], cwd: Path, search: str) -> Iterator[str]:
        # No session of its own: the program is in one without a terminal, and is weighed and stopped by it.
        yield from (
            _tool("bwrap"),
            "--unshare-user-try",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
        )
        yield from ("--die-with-parent", "--cap-drop", "ALL")
        for path in map(Path, _SYSTEM):
            if path.is_symlink():
                yield from ("--symlink", str(path.readlink()), str(path))
            elif path.is_dir():
                yield from ("--ro-bind", str(path), str(path))
        yield from ("--proc", "/proc", "--dev", "/dev", "--dir", "/run", "--dir", "/root")
        yield from ("--symlink", "/tmp", "/var/tmp")  # noqa: S108 - the sandbox's own
        for folder in ("/dev/shm", "/tmp", str(HOME)):  # noqa: S108 - the sandbox's own
            yield from ("--size", str(_MOST_BYTES), "--tmpfs", folder)
        for path, may_write in self._mounts(search):
            yield from ("--bind" if may_write else "--ro-bind", str(path), str(path))
        for kept, at in ((self.cache, HOME / ".cache"), (self.temporary, HOME / "tmp")):
            if kept:
                yield from ("--bind", str(kept), str(at))
        yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(cwd), "--", *argv)


def kind() -> Kind:
    """Means of this machine.

    Raises:
        BadInput: it has none.
    """
    if os.geteuid() == 0 and all(map(_found, ("unshare", "setpriv", "mount", "pivot_root"))):
        return "util-linux"
    if _found("bwrap"):
        return "bubblewrap"
    raise BadInput(
        "could not run the tests of a commit in a sandbox: this machine has no bubblewrap",
        advice=f"install the package bubblewrap; {NO_SANDBOX}",
    )


def _found(tool: str) -> str | None:
    return shutil.which(tool, path=_TOOLS)


def _tool(name: str) -> str:
    return _found(name) or name


def interpreter() -> tuple[Path, ...]:
    """Paths of this process's Python, its packages and Azora's own, for the plugin of the suites."""
    return (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parent.parent)


def _programs(search: str) -> Iterator[Path]:
    """Folders of programs outside of the system's, and what links in the system lead to outside."""
    for name in search.split(os.pathsep):
        path = Path(name)
        path = path.parent if path.name == "shims" else path  # pyenv's and their like call what is beside them
        if path.is_absolute() and os.access(path, os.R_OK | os.X_OK) and path.is_dir() and not _is_system(path):
            yield path
    resolv = Path("/etc/resolv.conf").resolve()  # systemd's is in /run
    if resolv.is_file() and not _is_system(resolv):
        yield resolv


def _is_system(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _SYSTEM)


def _mounted(path: Path, *, may_write: bool, at: Path | None = None) -> Iterable[str]:
    """Commands that mount *path* below the new root."""
    inside = quote(f".{at or path}")
    yield f"mkdir -p {inside}" if path.is_dir() else f"mkdir -p {quote(f'.{path.parent}')} && : > {inside}"
    yield f"mount --bind {quote(str(path))} {inside}"
    yield f"mount -o remount,bind,nosuid,{'rw' if may_write else 'ro'} {inside}"
