"""Helm 4 through pyhelm3, with its runner replaced: no shell, own process group, a hard limit, errors by what they say.

docs/decisions/0003 lists what pyhelm3's own runner does that a release tool cannot live with.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import re
import signal
from asyncio.subprocess import Process
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from pyhelm3.command import Command

from azora.config.environment import Environment
from azora.config.identity import of_pipeline
from azora.config.settings import Settings
from azora.errors import AzoraError, BadInput, HelmFailed, Refused, TransientError, Unreachable

GRACE_SECONDS = 30
RENDER_SECONDS = 60.0
LOOK_EVERY_SECONDS = 1.0
SHOWN_LINES = 8
Values = dict[str, Any]
GiveUp = Callable[[], str | None]


class SafeCommand(Command):  # type: ignore[misc]  # pyhelm3 is untyped
    """pyhelm3's command line, run the way a release tool must.

    *give_up* is asked every second whether waiting has become pointless; the reason it returns ends Helm.
    """

    def __init__(self, *, limit_seconds: float, give_up: GiveUp | None = None, **options: object) -> None:
        super().__init__(**options)
        self._limit = limit_seconds
        self._give_up = give_up

    async def run(self, command: list[Any], input: bytes | None = None) -> bytes:  # noqa: A002 - pyhelm3's name
        argv = [self._executable, *map(str, command)]
        if self._kubeconfig:
            argv += ["--kubeconfig", str(self._kubeconfig)]
        if self._kubecontext:
            argv += ["--kube-context", self._kubecontext]
        what = _said_in_words(argv[1:])
        process = await _started(argv)
        try:
            out, err = await self._watched(process, what, input)
        except BaseException:
            await _end(process, politely=argv[1] != "rollback")
            raise
        if process.returncode:
            raise classified(what, err.decode(errors="replace"))
        return out

    async def _watched(self, process: Process, what: str, given: bytes | None) -> tuple[bytes, bytes]:
        """What *process* leaves at its end; raises HelmFailed at the limit, and for a reason to give up."""
        end = asyncio.create_task(process.communicate(given))
        reason = asyncio.create_task(_reason(self._give_up))
        try:
            await asyncio.wait({end, reason}, timeout=self._limit, return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                return end.result()
            why = reason.result() if reason.done() else f"it did not end within {self._limit:g} s"
            raise HelmFailed(
                f"could not {what}: {why}", advice="correct what keeps its pods from starting, and run again"
            )
        finally:
            reason.cancel()


def _said_in_words(command: list[str]) -> str:
    """What `helm *command*` is about, after "could not"."""
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
    """TERM, a grace, KILL for the whole group. A rollback has no handler for TERM: it is left to end by itself first."""
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


def classified(what: str, said: str) -> AzoraError:
    """Our error for what Helm printed when it could not do *what*."""
    text = f"could not {what}: {_essence(said)}"
    lowered = said.lower()
    if "values don't meet the specifications of the schema" in lowered:
        return BadInput(
            text, advice="correct that key in the values of this chart, or allow it in its values.schema.json"
        )
    if any(mark in lowered for mark in _AWAY):
        return Unreachable(text, advice="check that the API server runs (`azora local status`), then run again")
    if "cannot be imported into the current release" in lowered:
        return Refused(
            text, advice="docs/own-cluster.md says what to do, under *A namespace that is not empty*; then run again"
        )
    if "another operation (install/upgrade/rollback) is in progress" in lowered:
        return TransientError(text, advice="a killed Helm left this; run again, the next run repairs it")
    if any(mark in lowered for mark in _UNRENDERED):
        return BadInput(text, advice="correct the chart's template; `helm template` shows the same")
    return HelmFailed(text, advice="correct what it names, and run again")


_AWAY = (
    "connection refused",
    "no route to host",
    "i/o timeout",
    "tls handshake timeout",
    "kubernetes cluster unreachable",
)
_UNRENDERED = ("failed to render", "execution error", "parse error", "yaml parse error", "error calling include")
_PREFIXES = re.compile(r"^(Error: |(INSTALL|UPGRADE|ROLLBACK|UNINSTALL) FAILED: |execution error at )+", re.IGNORECASE)


_NOT_READY = re.compile(r"resource (?P<kind>\w+)/[^/]+/(?P<name>\S+) not ready\. status: \w+, message: (?P<why>.+)")


def _essence(said: str) -> str:
    """The lines from Helm's `Error:` on, each once, without what it says of its own command."""
    lines = [line.rstrip() for line in said.strip().splitlines() if line.strip() and not line.startswith("Use --debug")]
    start = next((number for number, line in enumerate(lines) if line.startswith("Error:")), 0)
    once = dict.fromkeys(_PREFIXES.sub("", line) for line in lines[start:])
    return "\n".join(_gathered(once)[-SHOWN_LINES:]) or "it said nothing"


def _gathered(lines: Iterable[str]) -> list[str]:
    """Objects that are not ready for the same reason on one line."""
    others: list[str] = []
    names: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        if found := _NOT_READY.fullmatch(line):
            names.setdefault((found["kind"], found["why"]), []).append(found["name"])
        else:
            others.append(line)
    return [f"{kind} {', '.join(same)} not ready: {why}" for (kind, why), same in names.items()] + others


class Helm:
    """Helm in one namespace."""

    def __init__(self, environment: Environment, settings: Settings) -> None:
        self._environment = environment
        self._namespace = environment.namespace
        self._settings = settings

    def _command(self, timeout_seconds: float, give_up: GiveUp | None = None) -> SafeCommand:
        """A command line for one call: Helm's own *timeout_seconds* comes first, then ours."""
        who = of_pipeline(self._environment, self._settings)
        return SafeCommand(
            limit_seconds=max(timeout_seconds, self._settings.helm_timeout_seconds) + 60,
            give_up=give_up,
            executable=self._settings.helm,
            kubeconfig=who.kubeconfig,
            kubecontext=who.context,
        )

    def upgrade(
        self,
        name: str,
        chart: Path,
        values: Values,
        *,
        timeout_seconds: float,
        wait: bool = True,
        give_up: GiveUp | None = None,
    ) -> int:
        """Install or upgrade *name*; returns the revision. Server-side apply that wins conflicts: ours is the last word.

        Objects of others are not taken over: Helm refuses those that carry no name of its release, or another one.

        *give_up* is asked every second, in another thread; the reason it returns ends Helm, which leaves a `failed`
        revision (or a `pending` one, where it had to be killed) for the next run to repair, and raises HelmFailed.
        """
        done = asyncio.run(
            self._command(timeout_seconds, give_up).install_or_upgrade(
                name,
                chart,
                values,
                namespace=self._namespace,
                create_namespace=False,  # it would try each time; whoever holds the Lease made sure of it
                server_side="true",
                force_conflicts=True,
                timeout=f"{int(timeout_seconds)}s",
                wait=wait,
            )
        )
        return int(done["version"])

    def render(self, name: str, chart: Path, values: Values) -> list[Values]:
        """The objects that *chart* makes of *values*; raises BadInput where it does not, by its own schema too. No cluster is asked."""
        argv = ["template", name, chart, "--namespace", self._namespace, "--values", "-"]
        command = SafeCommand(limit_seconds=RENDER_SECONDS, executable=self._settings.helm)
        rendered = asyncio.run(command.run(argv, json.dumps(values).encode()))
        return [found for found in yaml.load_all(rendered, Loader=yaml.CSafeLoader) if found]


def merged(*layers: Values) -> Values:
    """Helm's own way to lay values over each other: maps merge, everything else is replaced.

    None stays: to Helm it takes a key away, the chart's own default included.
    """
    result: Values = {}
    for layer in layers:
        _lay(result, copy.deepcopy(layer))
    return result


def _lay(under: Values, over: Values) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            _lay(under[key], value)
        else:
            under[key] = value
