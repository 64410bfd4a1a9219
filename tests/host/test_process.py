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
from azora.host.process import run

OURS = weight_of_session(os.getpid())


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 3
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_output_errors_and_exit_code_are_told_apart() -> None:
    done = run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_seconds=5, what="try")

    assert (done.returncode, done.output, done.errors, done.tail()) == (3, "out\n", "err\n", "err")


def test_both_streams_go_to_the_log_and_only_this_runs_part_comes_back(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "x.log"
    for word in ("one", "two"):
        done = run(["sh", "-c", f"echo {word}; echo {word} >&2"], timeout_seconds=5, what="try", log=log)

    assert done.output == "two\ntwo\n"
    assert log.read_text() == "one\none\ntwo\ntwo\n"


@pytest.mark.parametrize("given", ["", "a\nb", "ü" * 100_000])
def test_a_program_reads_what_it_is_given_and_no_more(given: str) -> None:
    assert run(["cat"], timeout_seconds=5, what="try", given=given).output == given


def test_an_argument_is_never_read_by_a_shell() -> None:
    assert run(["echo", "$HOME; id"], timeout_seconds=5, what="try").output == "$HOME; id\n"


def test_what_yields_and_all_it_starts_let_others_go_first() -> None:
    """`nice` without arguments says how nice it is; the first may be read before it was made so."""
    asked = "sleep 0.2; nice; sh -c nice"
    assert run(["sh", "-c", asked], timeout_seconds=5, what="try", yields=True).output == "3\n3\n"
    assert run(["sh", "-c", asked], timeout_seconds=5, what="try").output == "0\n0\n"


@pytest.mark.skipif(not OURS.exists(), reason="this kernel weighs processes, not sessions")
@pytest.mark.parametrize(("yields", "nice"), [(True, "nice 3"), (False, "nice 0")])
def test_what_yields_does_so_to_other_sessions_too(yields: bool, nice: str) -> None:
    asked = "sleep 0.2; cat /proc/self/autogroup"
    said = run(["sh", "-c", asked], timeout_seconds=5, what="try", yields=yields).output
    assert said.strip().endswith(nice), said


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(Failed, match="could not try: 'no-such-program' does not start"):
        run(["no-such-program"], timeout_seconds=5, what="try")


def test_at_the_limit_grandchildren_end_too_even_stubborn_ones(tmp_path: Path) -> None:
    script = f"trap '' TERM; (trap '' TERM; sleep 60) & echo $! > {tmp_path}/pid; wait; sleep 60"
    with pytest.raises(Failed, match=r"could not try: sh did not end within 0\.3 s"):
        run(["sh", "-c", script], timeout_seconds=0.3, what="try", grace_seconds=0.2)

    assert gone(int((tmp_path / "pid").read_text()))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Also where whoever started the tests ignores interrupts, as a shell does for what it puts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_wait_ends_the_program(tmp_path: Path) -> None:
    def interrupt() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 60"], timeout_seconds=20, what="try")

    assert gone(int((tmp_path / "pid").read_text()))


def test_a_daemon_that_keeps_the_output_open_is_not_waited_for() -> None:
    began = time.monotonic()
    done = run(["sh", "-c", "sleep 3 & echo started"], timeout_seconds=20, what="try")

    assert done.output == "started\n"
    assert time.monotonic() - began < 2
