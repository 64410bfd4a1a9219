"""Start of a program as root of a user namespace: `python -I become.py r:PATH w:PATH … -- PROGRAM …`.

Its users are 65,536 numbers that nobody has on the machine. Its root folder has the system's programs, read only, and the paths that are
given: `r:` to read, `w:` to write, `v:` to read what a variable of this name names, such as certificates. These are idmapped mounts: a file
of root is the program's own there, and a file that it writes is root's outside. Everything else is not there, or is another user's.

A program of its own, because the kernel moves a process of one thread alone. It imports little: each start of a command waits for it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

CONTROL_GROUPS = "/run/azora-control-groups"  # to be mounted at their place by who needs them; there they would close /sys to a sandbox
FIRST = 2_046_820_352  # number of the program's root outside, between what systemd uses and 2^31
COUNT = 65_536
ROOT = "/run/azora-become"
SYSTEM = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/sys", "/proc")
_OWN = ("/home", "/root", "/run", "/tmp", "/var/tmp")  # noqa: S108 - the program's own
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}

# Numbers of the kernel, from the pages clone(2), mount(2), open_tree(2), mount_setattr(2), move_mount(2), keyctl(2).
_NEW_MOUNTS, _NEW_IPC, _NEW_USER = 0x20000, 0x8000000, 0x10000000
_DETACH, _PRIVATE, _WITH_ALL_BELOW = 2, 1 << 18, 0x4000
_HERE, _NO_PATH, _FROM_NO_PATH, _CLONE, _CLOSE, _RECURSIVE = -100, 0x1000, 0x4, 1, 0o2000000, 0x8000
_READ_ONLY, _IDMAP = 0x1, 0x100000
_OPEN_TREE, _MOVE_MOUNT, _SET_ATTRIBUTES = 428, 429, 442
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING = 1

_libc = ctypes.CDLL(None, use_errno=True)


def main(wanted: list[str], argv: list[str]) -> NoReturn:
    here = os.getcwd()  # noqa: PTH109 - pathlib costs 10 ms
    with _users() as users:
        _must("leave the machine's mounts", _libc.unshare(_NEW_MOUNTS))
        _must("leave the machine's mounts", _libc.mount(b"none", b"/", None, _PRIVATE | _WITH_ALL_BELOW, None))
        _make_root(wanted, users)
        _must("change the root folder", _libc.syscall(_pivot_root(), b".", b"."))
        _must("forget the machine's root folder", _libc.umount2(b".", _DETACH))
        # The mounts are copied into a namespace of fewer rights, where none of them can be removed or made writable.
        _must("enter the user namespace", _libc.setns(users, _NEW_USER))
    _must("lock the mounts", _libc.unshare(_NEW_MOUNTS | _NEW_IPC))
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    if number := _KEYCTL.get(os.uname().machine):
        _libc.syscall(number, _JOIN_SESSION_KEYRING, None)  # the session of who started us may hold keys
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(here if os.path.isdir(here) else "/")  # noqa: PTH112
    try:
        os.execvp(argv[0], argv)  # noqa: S606
    except OSError as error:
        sys.exit(f"could not start {argv[0]!r} as a user of its own: {error.strerror}")


@contextmanager
def _users() -> Iterator[int]:
    """Descriptor of a user namespace with our numbers; the process that made it ends with the block."""
    ready, child = os.pipe(), os.fork()
    if not child:
        os.write(ready[1], b"y" if not _libc.unshare(_NEW_USER) else b"n")
        signal.pause()
        os._exit(0)
    try:
        if os.read(ready[0], 1) != b"y":
            sys.exit("could not make a user namespace: the kernel refuses it")
        for kind in ("uid_map", "gid_map"):
            with open(f"/proc/{child}/{kind}", "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(f"0 {FIRST} {COUNT}")
        found = os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
        yield found
        os.close(found)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _make_root(wanted: list[str], users: int) -> None:
    """Mount what is to be seen below ROOT, and go there."""
    # Opened before anything is mounted over them.
    trees = [(path, _tree(path, None, may_write=path == "/proc")) for path in SYSTEM if _is_folder(path)]
    trees += [(path, _tree(path, None, may_write=False)) for path in _names_of_hosts()]
    trees += [(f"/dev/{name}", _tree(f"/dev/{name}", None, may_write=True)) for name in _DEVICES]
    trees += [(CONTROL_GROUPS, _tree("/sys/fs/cgroup", None, may_write=False, below=_RECURSIVE))]
    trees += [(path, _tree(path, users, may_write=kind == "w")) for path, kind in sorted(_given(wanted))]
    os.makedirs(ROOT, mode=0o700, exist_ok=True)  # noqa: PTH103
    _mount("tmpfs", ROOT, "mode=755")
    os.chdir(ROOT)
    for path in SYSTEM:
        if os.path.islink(path):  # noqa: PTH114
            os.symlink(os.readlink(path), f".{path}")  # noqa: PTH115, PTH211
    for path in _OWN:
        _make_folder(path)
    for path in ("/tmp", "/var/tmp"):  # noqa: S108 - the program's own
        os.chmod(f".{path}", 0o1777)  # noqa: PTH101, S103
    _make_devices()
    for at, tree in trees:
        _place(tree, at)


def _names_of_hosts() -> Iterator[str]:
    """File that /etc/resolv.conf leads to, where that is outside of /etc: systemd has it in /run."""
    found = os.path.realpath("/etc/resolv.conf")
    if os.path.isfile(found) and not found.startswith("/etc/"):  # noqa: PTH113
        yield found


def _make_devices() -> None:
    for path, kind, options in (
        ("/dev/shm", "tmpfs", "mode=1777"),  # noqa: S108 - the program's own
        ("/dev/pts", "devpts", "newinstance,ptmxmode=666,mode=620"),
    ):
        _make_folder(path)
        _mount(kind, f".{path}", options)
    for name, target in _LINKS.items():
        os.symlink(target, f"./dev/{name}")  # noqa: PTH211


def _given(wanted: list[str]) -> Iterator[tuple[str, str]]:
    """Each path that is there, and its kind; of what variables name, what is not seen already."""
    parsed = [one.partition(":")[::2] for one in wanted]
    seen = [*SYSTEM, *(name for kind, name in parsed if kind != "v")]
    for kind, name in parsed:
        path = os.environ.get(name, "") if kind == "v" else name
        if kind == "v" and any(f"{path}/".startswith(f"{one}/") for one in seen):
            continue
        if path.startswith("/") and os.path.exists(path):  # noqa: PTH110
            seen.append(path)
            yield path, kind


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114


def _tree(path: str, users: int | None, *, may_write: bool, below: int = 0) -> int:
    """Mount *path* nowhere yet; return the descriptor.

    With *users*, its files are those of the same number inside.
    """
    tree = _libc.syscall(_OPEN_TREE, _HERE, path.encode(), _CLONE | _CLOSE | below)
    _must(f"take {path}", min(tree, 0))
    # No `nosuid` and `nodev`: runc mounts a file of these folders again without them, which a locked mount forbids.
    wanted = (0 if may_write else _READ_ONLY) | (0 if users is None else _IDMAP)
    attributes = struct.pack("@4Q", wanted, 0, 0, users or 0)
    arguments = (tree, b"", _NO_PATH | below, attributes, ctypes.c_size_t(len(attributes)))
    _must(f"give {path} to another user", _libc.syscall(_SET_ATTRIBUTES, *arguments))
    return int(tree)


def _place(tree: int, at: str) -> None:
    """Mount *tree* below the new root, on a new folder or file like it."""
    inside = f".{at}"
    if _is_folder(f"/proc/self/fd/{tree}/."):
        _make_folder(at)
    elif not os.path.exists(inside):  # noqa: PTH110
        _make_folder(os.path.dirname(at))  # noqa: PTH120
        os.close(os.open(inside, os.O_CREAT | os.O_WRONLY, 0o644))
    _must(f"mount {at}", _libc.syscall(_MOVE_MOUNT, tree, b"", _HERE, inside.encode(), _FROM_NO_PATH))
    os.close(tree)


def _make_folder(path: str) -> None:
    """Make *path* and those above it; they are the program's own."""
    if path != "/" and not os.path.isdir(f".{path}"):  # noqa: PTH112
        _make_folder(os.path.dirname(path))  # noqa: PTH120
        os.mkdir(f".{path}", 0o755)  # noqa: PTH102
        os.chown(f".{path}", FIRST, FIRST)


def _mount(kind: str, at: str, options: str) -> None:
    if kind == "tmpfs":
        options += f",size={os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 4}"
    _must(f"mount {at}", _libc.mount(kind.encode(), at.encode(), kind.encode(), 0, options.encode()))


def _pivot_root() -> int:
    machine = os.uname().machine
    if machine not in _PIVOT_ROOT:
        sys.exit(f"could not change the root folder: its number is not known for {machine}")
    return _PIVOT_ROOT[machine]


def _must(what: str, result: int) -> None:
    if result:
        sys.exit(f"could not {what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    separator = sys.argv.index("--")
    main(sys.argv[1:separator], sys.argv[separator + 1 :])
