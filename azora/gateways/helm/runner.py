"""pyhelm3's runner, replaced: no shell, a process group of its own, a hard time limit."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from asyncio.subprocess import Process
from collections.abc import Callable
from typing import Any

from pyhelm3.command import Command

from azora.config.identity import usual_kubeconfig
from azora.errors import BadInput, HelmFailed
from azora.gateways.helm.errors import classified
from azora.host.child_environment import CLOUD, child_environment
from azora.host.writes import System, writing_if

READS = ("template", "version")
DRY_RUN = "--dry-run=server"
GRACE_SECONDS = 30
LOOK_EVERY_SECONDS = 1.0
GiveUp = Callable[[], str | None]
NO_PLUGINS = {
    "HELM_PLUGINS": os.devnull
}  # Helm loads those of the user's home with each call, and runs them for what they claim
_PAIR = re.compile(r"\\ud[89ab]..\\ud[c-f]..")  # how JSON in ASCII has a letter beyond U+FFFF, and YAML has not


class SafeCommand(Command):  # type: ignore[misc]  # pyhelm3 is untyped
    """pyhelm3's command line, run the way a release tool must.

    *give_up* is asked every second whether waiting has become pointless; the reason it returns ends Helm. *wait* is the strategy
    that `--wait` stands for.
    """

    def __init__(
        self, *, limit_seconds: float, give_up: GiveUp | None = None, wait: str = "watcher", **options: object
    ) -> None:
        super().__init__(**options)
        self._limit = limit_seconds
        self._wait = wait
        self._give_up = give_up

    async def run(self, command: list[Any], input: bytes | None = None) -> bytes:  # noqa: A002 - pyhelm3's name
        argv = [self._executable, *(f"--wait={self._wait}" if word == "--wait" else str(word) for word in command)]
        if self._kubeconfig:
            argv += ["--kubeconfig", str(self._kubeconfig)]
        if self._kubecontext:
            argv += ["--kube-context", self._kubecontext]
        what = _said_in_words(argv[1:])
        with writing_if(argv[1] not in READS and DRY_RUN not in argv, System.HELM, " ".join(argv[1:3])):
            process = await _started(argv)
            try:
                out, err = await self._watched(process, what, input and _as_yaml(input))
            except BaseException:
                await _end(process, politely=argv[1] != "rollback")
                raise
            if process.returncode:
                raise classified(what, err.decode(errors="replace"))
        return out

    async def _watched(self, process: Process, what: str, given: bytes | None) -> tuple[bytes, bytes]:
        """Wait for *process* and return its output.

        Raises HelmFailed at the limit, and for a reason to give up.
        """
        end = asyncio.create_task(process.communicate(given))
        reason = asyncio.create_task(_reason(self._give_up))
        try:
            await asyncio.wait({end, reason}, timeout=self._limit, return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                return end.result()
            why = reason.result() if reason.done() else f"not finished within {self._limit:g} s"
            raise HelmFailed(f"could not {what}: {why}", advice="correct what keeps the pods from starting, then retry")
        finally:
            reason.cancel()


def _as_yaml(values: bytes) -> bytes:
    """*values*, JSON in ASCII, as the YAML that Helm reads: an emoji is one letter."""
    return _PAIR.sub(lambda pair: json.loads(f'"{pair[0]}"'), values.decode()).encode()


def _said_in_words(command: list[str]) -> str:
    """Name of `helm *command*` for an error, after "could not"."""
    if command[0] == "template":
        return f"render the chart {command[2]!r} for {command[1]!r}"
    return f"{command[0]} Helm release {command[1]!r}" if len(command) > 1 else f"run `helm {command[0]}`"


async def _started(argv: list[str]) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=child_environment(*CLOUD, KUBECONFIG=usual_kubeconfig(), **NO_PLUGINS),  # --kubeconfig goes first
        )
    except OSError as error:
        raise BadInput(
            f"could not run {argv[0]!r}: {error.strerror}", advice="set AZORA_HELM to a Helm 4 program"
        ) from error


async def _reason(give_up: GiveUp | None) -> str:
    """The first reason that *give_up* has; without one this never ends."""
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        if give_up and (reason := await asyncio.to_thread(give_up)):
            return reason


async def _end(process: Process, *, politely: bool) -> None:
    """Send TERM, wait, send KILL to the whole group.

    A rollback has no handler for TERM: it gets time to end by itself first.
    """
    if politely:
        _signal(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    except TimeoutError:
        _signal(process.pid, signal.SIGKILL)
        await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
