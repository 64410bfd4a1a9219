"""Programs of the machine: run to their end, with their output in a file or returned, and one kind of error."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from azora.errors import Failed

Arguments = Sequence[str | Path]
SHOWN_WORDS = 6


def output_of(
    command: Arguments, *, stdin: str | None = None, env: Mapping[str, str] | None = None, timeout_seconds: float = 120
) -> str:
    """What *command* prints; raises Failed with its last lines when it does not succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        input=stdin,
        capture_output=True,
        text=True,
        env=env,
        timeout=timeout_seconds,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"could not run {_shown(command)}: {_tail(done.stderr or done.stdout)}")
    return done.stdout


def succeeds(command: Arguments) -> bool:
    return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0


def logged(
    command: Arguments,
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], object] = str,
) -> None:
    """Run *command* with its output in *log*, each line shown to *on_line*; raises Failed that names the file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    started = [str(part) for part in command]
    with (
        log.open("w") as file,
        subprocess.Popen(
            started, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            lines.append(line)
            on_line(line.rstrip())
    code = process.returncode
    if code != 0:
        raise Failed(
            f"could not run {_shown(command)}: exit {code}: {_tail(''.join(lines))}",
            advice=f"read {log}, then run the same again",
        )


def clean_environment(**more: str) -> dict[str, str]:
    """This process's variables without what would bend ours: a shell's own Azora, Prefect and Python settings."""
    bent = ("AZORA_", "PREFECT_", "PYTEST_", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "KUBECONFIG", "COV_CORE_")
    return {key: value for key, value in os.environ.items() if not key.startswith(bent)} | more


def _shown(command: Arguments) -> str:
    return repr(" ".join(str(part) for part in command[:SHOWN_WORDS]) + (" …" if len(command) > SHOWN_WORDS else ""))


def _tail(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-4:]) or "it said nothing"
