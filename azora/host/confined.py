"""Start of a program with three limits: `python -I confined.py WORKER PROGRAM …`.

1. It ends when the worker ends, however that is killed. The kernel watches the worker's thread that started it, which waits for it.
2. Where memory is short, the kernel ends it and what it starts, not the worker.
3. It reaches no keys of the kernel: one user's tests would share them, and root's session may hold some.

A program of its own, because the first belongs to a thread, the others to a process. It imports little: each run of tests waits for it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import sys
from typing import NoReturn

# Numbers of the kernel, from the pages prctl(2), keyctl(2) and seccomp(2).
_DEATH_SIGNAL, _NO_NEW_PRIVILEGES, _SECCOMP = 1, 38, 22
_JOIN_SESSION_KEYRING, _FILTER = 1, 2
_RETURN_ALLOW, _RETURN_ERROR = 0x7FFF0000, 0x00050000
_LOAD, _AND, _IF_EQUAL, _IF_GREATER, _IF_GREATER_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x35, 0x06
_NOT_X32 = 0xFFFFFFFF ^ 0x40000000
# Number of add_key; request_key and keyctl are the next two. Of each ABI that the kernel of a machine has, as audit(8) counts them.
_ADD_KEY = {0xC000003E: 248, 0x40000003: 286, 0xC00000B7: 217, 0x40000028: 309}
_KEYCTL = {"x86_64": 250, "aarch64": 219}


def main(worker: int, argv: list[str]) -> NoReturn:
    libc = ctypes.CDLL(None, use_errno=True)
    _must("follow the worker", libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != worker:
        sys.exit("could not start in the sandbox: the worker has ended")
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs 10 ms
        file.write("1000")
    if number := _KEYCTL.get(os.uname().machine):
        libc.syscall(number, _JOIN_SESSION_KEYRING, None)  # a container that forbids it has no keys
    _must("give up rights", libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    program = _without_keys()
    kept = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(kept))
    _must("forbid the kernel's keys", libc.prctl(_SECCOMP, _FILTER, described, 0, 0))
    os.execv(argv[0], argv)  # noqa: S606 - argv is the sandbox's


def _without_keys() -> bytes:
    """Filter for which the kernel has no system calls of keys.

    A block of seven instructions for each ABI; each says how many to skip where its condition holds, and where not.
    """
    program = [(_LOAD, 0, 0, 4)]  # the ABI
    for abi, first in _ADD_KEY.items():
        program += [
            (_IF_EQUAL, 0, 6, abi),
            (_LOAD, 0, 0, 0),  # the number
            (_AND, 0, 0, _NOT_X32),
            (_IF_GREATER_EQUAL, 0, 2, first),
            (_IF_GREATER, 1, 0, first + 2),
            (_RETURN, 0, 0, _RETURN_ERROR | errno.ENOSYS),
            (_RETURN, 0, 0, _RETURN_ALLOW),
        ]
    program.append((_RETURN, 0, 0, _RETURN_ALLOW))
    return b"".join(struct.pack("@HBBI", *instruction) for instruction in program)


def _must(what: str, result: int) -> None:
    if result:
        sys.exit(f"could not {what} in the sandbox: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
