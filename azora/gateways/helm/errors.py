"""Errors of Helm, by what it printed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from azora.core.gate.refusal import ADVICE, GATE
from azora.errors import AzoraError, BadInput, HelmFailed, Refused, TransientError, Unreachable

SHOWN_LINES = 8


def classified(what: str, said: str) -> AzoraError:
    """Our error for what Helm printed when it could not do *what*."""
    text = f"could not {what}: {_essence(said)}"
    lowered = said.lower()
    if advice := next((advice for mark, advice in _WRONG.items() if mark in lowered), None):
        return BadInput(text, advice=advice)
    if any(mark in lowered for mark in _AWAY):
        return Unreachable(text, advice="check that the API server runs (`azora local status`), then retry")
    if advice := next((advice for mark, advice in _REFUSED.items() if mark in lowered), None):
        return Refused(text, advice=advice)
    if "another operation (install/upgrade/rollback) is in progress" in lowered:
        return TransientError(text, advice="a killed Helm process left this; retry, the next run repairs it")
    if any(mark in lowered for mark in _UNRENDERED):
        return BadInput(text, advice="correct the chart's template; `helm template` prints the same error")
    return HelmFailed(text, advice="correct what the message names, then retry")


def versions_near(message: str) -> list[str]:
    """Versions in and around the `kubeVersion` that *message* names as not met, the newest first."""
    found = _INCOMPATIBLE.search(message)
    named = re.findall(r"(\d+)\.(\d+)(?:\.(\d+))?", found[1]) if found else []
    exact = {(int(major), int(minor), int(patch or 0)) for major, minor, patch in named}
    near = {(major, minor + step, 99) for major, minor, _ in exact for step in (-1, 0, 1) if minor + step >= 0}
    return [f"v{major}.{minor}.{patch}" for major, minor, patch in sorted(exact | near, reverse=True)]


_INCOMPATIBLE = re.compile(r"chart requires kubeVersion: (.*) which is incompatible with Kubernetes")
_REFUSED = {
    GATE.lower(): ADVICE,
    "cannot be imported into the current release": "follow docs/own-cluster.md, *A namespace that is not empty*; then retry",
}
_WRONG = {
    "values don't meet the specifications of the schema": (
        "correct that key in the values of this chart, or allow it in its values.schema.json"
    ),
    "which is incompatible with kubernetes": "correct `kubeVersion` in Chart.yaml, or update the cluster",
}
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
    return "\n".join(_gathered(once)[-SHOWN_LINES:]) or "no output"


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
