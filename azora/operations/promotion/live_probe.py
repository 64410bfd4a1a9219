"""Probes of an environment through its Ingress: until it answers, and around a switch."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from azora.config.application import FILE, Application, SecretKey
from azora.config.settings import Settings
from azora.config.urls import public_url
from azora.core.checks.probe_result import ProbeResult
from azora.core.cluster.record import Switch
from azora.core.release.delivery import Delivery
from azora.errors import BadInput, CheckFailed, NotReadyYet
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.probe.probe import Probe
from azora.operations.suite_target import secret_value

TRIES = 6
_NOT_IN_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110, 5.5
LOOKED_AT, LOOK_SECONDS = 3, 5.0  # requests, and how long they may take on a machine that is busy


def await_answer(delivery: Delivery, settings: Settings, host: str, *, tries: int = 60) -> None:
    """Wait until all of *host* answers: controller and proxies follow after about a second.

    Raises:
        NotReadyYet: it does not.
    """
    for _ in range(tries):
        probe = _probe(settings, host, rate_per_second=10, path=delivery.application.health).start()
        time.sleep(0.5)
        seen = probe.stop()
        if seen.total and not seen.failed:
            return
        time.sleep(0.5)
    url = public_url(host, settings)
    raise NotReadyYet(
        f"could not reach {url}: {seen.summary()}",
        advice="check the Ingress controller and AZORA_INGRESS_ADDRESS, AZORA_INGRESS_PORT",
    )


def _probe(settings: Settings, host: str, *, rate_per_second: float, **more: Any) -> Probe:  # noqa: ANN401 - as the Probe's
    return Probe(
        public_url(host, settings),
        connect=settings.ingress_address,
        rate_per_second=rate_per_second,
        **more,
    )


def probed(application: Application, namespace: Namespace) -> dict[str, Any]:
    """Arguments of a Probe for *application*, its headers read from their Secrets.

    Raises:
        BadInput: the environment has no such Secret, or no header can have its value.
    """
    asked = application.probe
    headers = {name: _header(namespace, name, where) for name, where in asked.headers.items()}
    return {"path": asked.path, "color_header": asked.color_header, "headers": headers}


def _header(namespace: Namespace, name: str, where: SecretKey) -> str:
    """Value of a header, without the line end that `echo` and editors write after it."""
    key = f"probe.headers.{name}"
    value = secret_value(namespace, where, key).removesuffix("\n").removesuffix("\r")
    if _NOT_IN_A_HEADER.search(value):
        raise BadInput(
            f"could not send the header {name!r}: key {where.key!r} of Secret {where.name!r} in {namespace.name}"
            " has a line end or another control character",
            advice=f"{key} of {FILE} names this key: store one line in it, or correct it",
        )
    return value


def must_answer(delivery: Delivery, settings: Settings, namespace: Namespace, host: str) -> None:
    """Raise CheckFailed where something else than the application answers the probe at *host*."""
    asked = probed(delivery.application, namespace)
    for _ in range(TRIES):
        seen = _looked_at(settings, host, asked)
        if seen.total and not seen.failed:
            return
        time.sleep(0.5)
    raise CheckFailed(
        f"could not prove {delivery.environment.name}: the application does not answer the probe at"
        f" {public_url(host, settings)}{asked['path']}: {seen.summary()}",
        advice=f"in {FILE}, correct `probe`: its path, the headers that it needs, the header in which answers name their color",
    )


def _looked_at(settings: Settings, host: str, asked: dict[str, Any]) -> ProbeResult:
    """A few requests, each of which must be answered by the application."""
    probe = _probe(settings, host, rate_per_second=20, strictly=True, **asked).start()
    deadline = time.monotonic() + LOOK_SECONDS
    while probe.running and probe.so_far().total < LOOKED_AT and time.monotonic() < deadline:
        time.sleep(0.02)
    return probe.stop()


class LiveProbe:
    """Probe of the live address around a switch; lives as long as the promotion's loop."""

    def __init__(self, delivery: Delivery, settings: Settings, namespace: Namespace) -> None:
        self._delivery = delivery
        self._settings = settings
        self._namespace = namespace
        self._running: Probe | None = None

    def start(self) -> Probe:
        """Begin to count, `probe_per_second` requests a second.

        Strictly, where users were answered so before: an older release may have named its color in another header, or not at all.
        """
        self.cancel()
        environment = self._delivery.environment
        asked = probed(self._delivery.application, self._namespace)
        before = _looked_at(self._settings, environment.hosts.live, asked)
        self._running = _probe(
            self._settings,
            environment.hosts.live,
            rate_per_second=environment.probe_per_second,
            strictly=bool(before.total) and not before.failed,
            **asked,
        ).start()
        return self._running

    def cancel(self) -> None:
        """End the probe without a result: nobody watches the switch any more."""
        if self._running:
            self._running.stop()
            self._running = None

    def finish(self, entry: Switch) -> ProbeResult:
        """Count until *entry*'s settle time ends; a probe lost with a killed process starts again now."""
        running, since = self._running, entry.at
        if running is None:
            running, since = self.start(), datetime.now(UTC)
        left = since + timedelta(seconds=self._delivery.environment.settle_seconds) - datetime.now(UTC)
        time.sleep(max(0.0, left.total_seconds()))
        self._running = None
        return running.stop()
