"""Helm 4 through pyhelm3, with its runner replaced: no shell, own process group, a hard limit, errors by what they say.

docs/decisions/0003 lists what pyhelm3's own runner does that a release tool cannot live with.
"""

from __future__ import annotations

import asyncio
import copy
import os
import signal
from pathlib import Path
from typing import Any

from pyhelm3.command import Command

from azora.environment import Environment
from azora.errors import AzoraError, BadInput, HelmFailed, TransientError, Unreachable
from azora.settings import Settings

GRACE_SECONDS = 30
Values = dict[str, Any]


class SafeCommand(Command):  # type: ignore[misc]  # pyhelm3 is untyped
    """pyhelm3's command line, run the way a release tool must."""

    def __init__(self, *, limit_seconds: float, **options: object) -> None:
        super().__init__(**options)
        self._limit = limit_seconds

    async def run(self, command: list[Any], input: bytes | None = None) -> bytes:  # noqa: A002 - pyhelm3's name
        argv = [self._executable, *map(str, command)]
        if self._kubeconfig:
            argv += ["--kubeconfig", str(self._kubeconfig)]
        if self._kubecontext:
            argv += ["--kube-context", self._kubecontext]
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise BadInput(
                f"could not run {argv[0]!r}: it is not there", advice="set AZORA_HELM to a Helm 4 program"
            ) from error
        try:
            out, err = await asyncio.wait_for(asyncio.shield(process.communicate(input)), self._limit)
        except (TimeoutError, asyncio.CancelledError) as stop:
            await _end(process, politely=argv[1] != "rollback")
            if isinstance(stop, asyncio.CancelledError):
                raise
            raise HelmFailed(
                f"could not finish `helm {argv[1]} {argv[2]}` in {self._limit:g} s",
                advice="see why its pods are not ready",
            ) from stop
        if process.returncode:
            raise classified(f"helm {argv[1]} {argv[2] if len(argv) > 2 else ''}", err.decode(errors="replace"))  # noqa: PLR2004
        return out


async def _end(process: asyncio.subprocess.Process, *, politely: bool) -> None:
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
    """Our error for what Helm printed."""
    lines = said.strip().splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("Error:")), 0)
    last = "\n".join(lines[start:][-12:])
    text = f"could not {what}: {last}"
    lowered = said.lower()
    if "values don't meet the specifications of the schema" in lowered or "additional properties" in lowered:
        return BadInput(text, advice="correct the key in deployments/values or its schema values.schema.json")
    if any(
        mark in lowered for mark in ("connection refused", "no route to host", "i/o timeout", "tls handshake timeout")
    ):
        return Unreachable(text, advice="the API server does not answer; this is tried again")
    if "another operation (install/upgrade/rollback) is in progress" in lowered:
        return TransientError(text, advice="a killed Helm left this; the next look repairs it")
    if "failed to render" in lowered or "execution error" in lowered or "parse error" in lowered:
        return BadInput(text, advice="render it by hand with `helm template` and correct the chart")
    return HelmFailed(text, advice="correct what it names, and run again")


class Helm:
    """Helm in one namespace."""

    def __init__(self, environment: Environment, settings: Settings) -> None:
        self._namespace = environment.namespace
        self._command = SafeCommand(
            limit_seconds=settings.helm_timeout_seconds + 60,
            executable=settings.helm,
            kubeconfig=settings.kubeconfig_file,
            kubecontext=environment.context or settings.kube_context,
        )

    def upgrade(self, name: str, chart: Path, values: Values, *, timeout_seconds: float, wait: bool = True) -> int:
        """Install or upgrade *name*; returns the revision. Server-side apply that wins conflicts: ours is the last word."""
        done = asyncio.run(
            self._command.install_or_upgrade(
                name,
                chart,
                values,
                namespace=self._namespace,
                create_namespace=True,
                server_side="true",
                force_conflicts=True,
                take_ownership=True,
                timeout=f"{int(timeout_seconds)}s",
                wait=wait,
            )
        )
        return int(done["version"])

    def rollback(self, name: str, revision: int, *, timeout_seconds: float) -> None:
        """Bring back one named revision and wait for it."""
        argv = ["rollback", name, revision, "--namespace", self._namespace, "--force-conflicts", "--server-side=true"]
        asyncio.run(self._command.run([*argv, "--wait", "--timeout", f"{int(timeout_seconds)}s"]))

    def uninstall(self, name: str) -> None:
        """Remove *name* and what it holds; fine when it is not there."""
        argv = ["uninstall", name, "--namespace", self._namespace, "--ignore-not-found", "--wait", "--timeout", "120s"]
        asyncio.run(self._command.run(argv))


def merged(*layers: Values) -> Values:
    """Helm's own way to lay values over each other: maps merge, everything else is replaced, None removes."""
    result: Values = {}
    for layer in layers:
        _lay(result, copy.deepcopy(layer))
    return result


def _lay(under: Values, over: Values) -> None:
    for key, value in over.items():
        if value is None:
            under.pop(key, None)
        elif isinstance(value, dict) and isinstance(under.get(key), dict):
            _lay(under[key], value)
        else:
            under[key] = value
