"""Helm 4 through pyhelm3 with its runner replaced: no shell, own process group, hard time limit.

docs/decisions/0003 lists what pyhelm3's own runner does that a release tool cannot live with.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from azora.config.environment import Environment
from azora.config.identity import of_pipeline
from azora.config.settings import Settings
from azora.core.cluster.capabilities import Capabilities
from azora.core.release.custom_resources import is_custom
from azora.core.release.values import Values
from azora.errors import BadInput
from azora.gateways.helm.errors import versions_near
from azora.gateways.helm.manifests import rendered_objects
from azora.gateways.helm.runner import DRY_RUN, GiveUp, SafeCommand

RENDER_SECONDS = 60.0

Found = TypeVar("Found")


class Helm:
    """Helm in one namespace.

    Charts render for the *cluster* when it is given, else for a version that they allow.
    """

    def __init__(
        self, environment: Environment, settings: Settings, cluster: Callable[[], Capabilities] | None = None
    ) -> None:
        self._cluster = cluster and cache(cluster)
        self._environment = environment
        self._namespace = environment.namespace
        self._settings = settings
        self._rendered: dict[str, list[Values]] = {}

    def _command(self, timeout_seconds: float, give_up: GiveUp | None = None, wait: str = "watcher") -> SafeCommand:
        """A command line for one call: Helm's own *timeout_seconds* comes first, then ours."""
        who = of_pipeline(self._environment, self._settings)
        return SafeCommand(
            limit_seconds=max(timeout_seconds, self._settings.helm_timeout_seconds) + 60,
            give_up=give_up,
            wait=wait,
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
        """Install or upgrade *name* by server-side apply, which wins conflicts; returns the revision.

        Waits for workloads; for a custom resource it does not, since the account may not be allowed to read it, and some never say
        that they are ready.

        Objects of others are not taken over: Helm refuses those that carry no name of its release, or another one.

        *give_up* is asked every second, in another thread; the reason it returns ends Helm, which leaves a `failed`
        revision (or a `pending` one, where it had to be killed) for the next run to repair, and raises HelmFailed.
        """
        watcher = "legacy" if wait and any(map(is_custom, self.render(name, chart, values))) else "watcher"
        done = _result(
            self._command(timeout_seconds, give_up, watcher).install_or_upgrade(
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

    def uninstall(self, name: str, *, timeout_seconds: float) -> None:
        """Remove the objects of *name* and its history; one that is not there is removed already."""
        argv = ["uninstall", name, "--ignore-not-found", "--namespace", self._namespace]
        _result(self._command(timeout_seconds).run([*argv, f"--timeout={int(timeout_seconds)}s"]))

    def render(self, name: str, chart: Path, values: Values) -> list[Values]:
        """Objects that *chart* renders with *values*, as for the cluster; the same is rendered once.

        Raises BadInput where it does not render, by its own schema or its `kubeVersion` too.
        """
        given = json.dumps(values, sort_keys=True)
        key = f"{name} {chart} {given}"
        if key not in self._rendered:
            argv = ["template", name, chart, "--include-crds", "--namespace", self._namespace, "--values", "-"]
            self._rendered[key] = rendered_objects(self._output(argv, given.encode()))
        return self._rendered[key]

    def would_install(self, name: str, chart: Path, values: Values) -> list[Values]:
        """Objects that `upgrade` would install now, over what is there. Changes nothing."""
        argv = [
            "upgrade",
            name,
            chart,
            "--install",
            DRY_RUN,
            "--server-side=true",
            "--force-conflicts",
            "--output=json",
        ]
        argv += ["--namespace", self._namespace, "--values", "-"]
        given = json.dumps(values, sort_keys=True).encode()
        found = json.loads(_result(self._command(RENDER_SECONDS).run(argv, given)))
        hooks = (f"---\n# Source: {one['path']}\n{one['manifest']}\n" for one in found.get("hooks") or ())
        return rendered_objects("\n".join([found["manifest"], *hooks]))

    def _output(self, argv: list[Any], given: bytes) -> str:
        """Output of `helm *argv*` with the values *given*, for the cluster or a version that the chart allows."""
        if self._cluster:
            return self._template([*argv, *_flags(self._cluster())], given)
        try:
            return self._template(argv, given)
        except BadInput as error:
            refused = error
        for version in versions_near(refused.message):
            try:
                return self._template([*argv, *_flags(Capabilities(version))], given)
            except BadInput as error:
                if not versions_near(error.message):
                    raise
        raise refused

    def _template(self, argv: list[Any], given: bytes) -> str:
        command = SafeCommand(limit_seconds=RENDER_SECONDS, executable=self._settings.helm)
        return _result(command.run(argv, given)).decode()


def _flags(cluster: Capabilities) -> Iterator[str]:
    yield f"--kube-version={cluster.version}"
    yield from (f"--api-versions={served}" for served in cluster.served)


def _result(coroutine: Coroutine[Any, Any, Found]) -> Found:
    """Run *coroutine* to its end; in a thread of its own where the caller's has an event loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
