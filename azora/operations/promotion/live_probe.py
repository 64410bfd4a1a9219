"""Probes of an environment through its Ingress: until it answers, and around a switch."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from azora.config.settings import Settings
from azora.config.urls import public_url
from azora.core.checks.probe_result import ProbeResult
from azora.core.cluster.record import Switch
from azora.core.release.delivery import Delivery
from azora.errors import NotReadyYet
from azora.gateways.probe.probe import Probe


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


def _probe(settings: Settings, host: str, *, rate_per_second: float, path: str) -> Probe:
    return Probe(
        public_url(host, settings),
        connect=settings.ingress_address,
        rate_per_second=rate_per_second,
        path=path,
    )


class LiveProbe:
    """Probe of the live address around a switch; lives as long as the promotion's loop."""

    def __init__(self, delivery: Delivery, settings: Settings) -> None:
        self._delivery = delivery
        self._settings = settings
        self._running: Probe | None = None

    def start(self) -> Probe:
        """Begin to count, `probe_per_second` requests a second."""
        environment = self._delivery.environment
        self._running = _probe(
            self._settings,
            environment.hosts.live,
            rate_per_second=environment.probe_per_second,
            path=self._delivery.application.probe,
        ).start()
        return self._running

    def finish(self, entry: Switch) -> ProbeResult:
        """Count until *entry*'s settle time ends; a probe lost with a killed process starts again now."""
        running, since = self._running, entry.at
        if running is None:
            running, since = self.start(), datetime.now(UTC)
        left = since + timedelta(seconds=self._delivery.environment.settle_seconds) - datetime.now(UTC)
        time.sleep(max(0.0, left.total_seconds()))
        self._running = None
        return running.stop()
