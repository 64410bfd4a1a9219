"""Programs end when they should, with everything they started."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from azora.errors import Failed
from azora.host.priority import weight_of_session
from azora.host.process import MOST_OF_A_LOG, run

OURS = weight_of_session(os.getpid())


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 3
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_output_of_a_program() -> None:
    """Output, errors and exit code are separate."""
    done = run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_seconds=5, what="try")

    assert (done.returncode, done.output, done.errors, done.tail()) == (3, "out\n", "err\n", "err")


def test_output_in_a_log(tmp_path: Path) -> None:
    """Both streams go to the log, and the result has this program's part alone."""
    log = tmp_path / "logs" / "x.log"
    for word in ("one", "two"):
        done = run(["sh", "-c", f"echo {word}; echo {word} >&2"], timeout_seconds=5, what="try", log=log)

    assert done.output == "two\ntwo\n"
    assert log.read_text() == "one\none\ntwo\ntwo\n"


@pytest.mark.parametrize("given", ["", "a\nb", "ü" * 100_000], ids=["empty", "two lines", "large"])
def test_input_of_a_program(given: str) -> None:
    """The program reads its input to the end and nothing else."""
    assert run(["cat"], timeout_seconds=5, what="try", given=given).output == given


def test_argument_of_a_program() -> None:
    """No shell reads an argument."""
    assert run(["echo", "$HOME; id"], timeout_seconds=5, what="try").output == "$HOME; id\n"


def test_nice_program() -> None:
    """A program that yields, and all that it starts, has a lower priority."""
    asked = "sleep 0.2; nice; sh -c nice"
    assert run(["sh", "-c", asked], timeout_seconds=5, what="try", yields=True).output == "3\n3\n"
    assert run(["sh", "-c", asked], timeout_seconds=5, what="try").output == "0\n0\n"


@pytest.mark.skipif(not OURS.exists(), reason="this kernel weighs processes, not sessions")
@pytest.mark.parametrize(("yields", "nice"), [(True, "nice 3"), (False, "nice 0")])
def test_nice_program_among_sessions(yields: bool, nice: str) -> None:
    """The lower priority also holds against other sessions."""
    asked = "sleep 0.2; cat /proc/self/autogroup"
    said = run(["sh", "-c", asked], timeout_seconds=5, what="try", yields=yields).output
    assert said.strip().endswith(nice), said


def test_program_that_is_missing() -> None:
    """The error names the program."""
    with pytest.raises(Failed, match="could not try: 'no-such-program' cannot be started"):
        run(["no-such-program"], timeout_seconds=5, what="try")


def test_program_past_its_time(tmp_path: Path) -> None:
    """At the time limit all descendants end, even those that ignore SIGTERM."""
    script = f"trap '' TERM; (trap '' TERM; sleep 60) & echo $! > {tmp_path}/pid; wait; sleep 60"
    with pytest.raises(Failed, match=r"could not try: sh did not end within 0\.3 s"):
        run(["sh", "-c", script], timeout_seconds=0.3, what="try", grace_seconds=0.2)

    assert gone(int((tmp_path / "pid").read_text()))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Handle interrupts, also where the program that started the tests ignores them.

    A shell ignores them for what runs in the background.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_program_that_is_interrupted(tmp_path: Path) -> None:
    """An interrupt of the wait ends the program."""

    def interrupt() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 60"], timeout_seconds=20, what="try")

    assert gone(int((tmp_path / "pid").read_text()))


def test_program_that_leaves_a_daemon() -> None:
    """A daemon that keeps the output open does not delay the result."""
    began = time.monotonic()
    done = run(["sh", "-c", "sleep 3 & echo started"], timeout_seconds=20, what="try")

    assert done.output == "started\n"
    assert time.monotonic() - began < 2


def test_log_without_an_end(tmp_path: Path) -> None:
    """The last part of a log of any size is read."""
    log = tmp_path / "log"
    done = run(["sh", "-c", f"truncate -s 1T {log}; echo end >> {log}"], timeout_seconds=5, what="try", log=log)
    assert done.tail(1).endswith("end")
    assert len(done.output) == MOST_OF_A_LOG
