"""Run programs: no shell, a process group of their own, a hard time limit, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from azora.errors import Failed
from azora.host.priority import let_others_go_first

GRACE_SECONDS = 10.0
MOST_OF_A_LOG = 1_000_000  # bytes


@dataclass(frozen=True)
class Completed:
    """Result of a finished program: exit code, standard output and, unless both went to a log, its errors."""

    returncode: int
    output: str
    errors: str = ""

    def tail(self, lines: int = 15) -> str:
        """The last non-empty lines a person should read."""
        said = [line.rstrip() for line in (self.errors.strip() or self.output).splitlines()]
        return "\n".join([line for line in said if line][-lines:])


def run(
    argv: Sequence[str],
    *,
    timeout_seconds: float,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    grace_seconds: float = GRACE_SECONDS,
    yields: bool = False,
    given: str = "",
    limit_is: str = "",
    called: str = "",
) -> Completed:
    """Run *argv* and return its result, whatever the exit code; *what* completes "could not …".

    It reads *given* from its standard input. With *log* both streams go to that file as they come, and `output` is that
    run's part of it, at most its last MOST_OF_A_LOG bytes: a program may make its log as long as it likes. At the limit, and when an exception (a cancellation) interrupts the wait, the whole group gets
    TERM and, `grace_seconds` later, KILL.
    *limit_is* is the setting that has the limit, *called* the program's name where another one starts it. What *yields* lets whoever else needs the processor go first: on a small machine users, served beside a build.
    Raises Failed for a program that is not there or does not end. *argv* is public on this machine: no secrets in it.
    """
    with ExitStack() as stack:
        output, errors, start = _outputs(log, what, stack)
        stdin = _filled(stack.enter_context(tempfile.TemporaryFile()), given) if given else subprocess.DEVNULL
        process = _started(argv, what, stdin=stdin, stdout=output, stderr=errors or subprocess.STDOUT, cwd=cwd, env=env)
        with _ended(process, grace_seconds):
            if yields:
                let_others_go_first(process.pid)
            try:
                returncode = process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                raise Failed(
                    f"could not {what}: {called or argv[0]} did not end within {timeout_seconds:g} s",
                    advice=f"read {log}" if log else _beyond(limit_is),
                ) from None
        start = max(start, output.seek(0, os.SEEK_END) - MOST_OF_A_LOG) if log else start
        return Completed(returncode, _read(output, start), _read(errors, 0) if errors else "")


def _beyond(limit: str) -> str:
    return f"find out what the program waits for{f', or raise {limit}' if limit else ''}"


def _filled(file: IO[bytes], given: str) -> IO[bytes]:
    file.write(given.encode())
    file.seek(0)
    return file


def _outputs(log: Path | None, what: str, stack: ExitStack) -> tuple[IO[bytes], IO[bytes] | None, int]:
    """Files, not pipes: a grandchild that keeps its end open cannot make us wait."""
    if log is None:
        return stack.enter_context(tempfile.TemporaryFile()), stack.enter_context(tempfile.TemporaryFile()), 0
    file = stack.enter_context(_log(log, what, os.O_RDWR | os.O_APPEND))
    return file, None, file.seek(0, os.SEEK_END)


def _log(file: Path, what: str, flags: int) -> IO[bytes]:
    """Open *file*, never through a link: where it is, the tests of a commit may have left one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        return os.fdopen(os.open(file, flags | os.O_CREAT | os.O_NOFOLLOW, 0o666), "ab+")
    except OSError as error:
        raise Failed(
            f"could not {what}: cannot open {file}: {error.strerror}",
            advice=f"remove {file} if it is no file of the pipeline's, then run the same again",
        ) from None


def _started(
    argv: Sequence[str],
    what: str,
    *,
    stdin: IO[bytes] | int,
    stdout: IO[bytes],
    stderr: IO[bytes] | int,
    cwd: Path | None,
    env: Mapping[str, str] | None,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv, stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=env, start_new_session=True
        )
    except OSError as error:
        advice = f"install {argv[0]!r} or correct PATH"
        raise Failed(f"could not {what}: {argv[0]!r} cannot be started: {error.strerror}", advice=advice) from None


@contextmanager
def _ended(process: subprocess.Popen[bytes], grace_seconds: float) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _signal(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
        _signal(process.pid, signal.SIGKILL)  # also what outlived the leader
        process.wait()
        raise


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _read(file: IO[bytes], start: int) -> str:
    file.seek(start)
    return file.read().decode(errors="replace")


Arguments = Sequence[str | Path]
SHOWN_WORDS = 6


def output_of(
    command: Arguments, *, stdin: str | None = None, env: Mapping[str, str] | None = None, timeout_seconds: float = 120
) -> str:
    """Run *command* and return its output; raises Failed with its last lines when it does not succeed."""
    argv, what = [str(part) for part in command], f"run {_shown(command)}"
    done = run(argv, timeout_seconds=timeout_seconds, what=what, env=env, given=stdin or "")
    if done.returncode != 0:
        raise Failed(f"could not {what}: {_tail(done.errors or done.output)}")
    return done.output


def succeeds(command: Arguments, *, timeout_seconds: float = 120) -> bool:
    """Run *command* and return True when it ends with exit code 0."""
    argv = [str(part) for part in command]
    return run(argv, timeout_seconds=timeout_seconds, what=f"run {_shown(command)}").returncode == 0


def logged(
    command: Arguments,
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], object] = str,
) -> None:
    """Run *command* with its output in *log*, each line passed to *on_line*.

    Raises Failed that names the file.
    """
    lines: list[str] = []
    started = [str(part) for part in command]
    with (
        _log(log, f"run {_shown(command)}", os.O_RDWR | os.O_TRUNC) as file,
        subprocess.Popen(
            started, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line.encode())
            lines.append(line)
            on_line(line.rstrip())
    code = process.returncode
    if code != 0:
        raise Failed(
            f"could not run {_shown(command)}: exit {code}: {_tail(''.join(lines))}",
            advice=f"read {log}, then run the same again",
        )


def clean_environment(**more: str) -> dict[str, str]:
    """Variables of this process without a shell's own Azora, Prefect and Python settings."""
    bent = ("AZORA_", "PREFECT_", "PYTEST_", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "KUBECONFIG", "COV_CORE_")
    return {key: value for key, value in os.environ.items() if not key.startswith(bent)} | more


def _shown(command: Arguments) -> str:
    return repr(" ".join(str(part) for part in command[:SHOWN_WORDS]) + (" …" if len(command) > SHOWN_WORDS else ""))


def _tail(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-4:]) or "no output"
