"""What users meet around a switch: the probe that counts it, and the receipt it leaves."""

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

_probes: dict[str, Probe] = {}


def await_answer(delivery: Delivery, settings: Settings, host: str, *, tries: int = 60) -> None:
    """Wait until all of *host* answers: controller and proxies learn of pods in their own time, about a second a try.

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


def start_probe(delivery: Delivery, settings: Settings) -> None:
    """Begin to count what users of the environment meet; `finish_probe` ends it."""
    rate, path = delivery.environment.probe_per_second, delivery.application.probe
    live = delivery.environment.hosts.live
    _probes[delivery.run] = _probe(settings, live, rate_per_second=rate, path=path).start()


def _probe(settings: Settings, host: str, *, rate_per_second: float, path: str) -> Probe:
    return Probe(
        public_url(host, settings),
        connect=settings.ingress_address,
        rate_per_second=rate_per_second,
        path=path,
    )


def finish_probe(delivery: Delivery, entry: Switch, settings: Settings) -> ProbeResult:
    """What the probe saw until the settle time after *entry* was over. Lost with a killed process: then from now on."""
    since = entry.at
    if delivery.run not in _probes:
        start_probe(delivery, settings)
        since = datetime.now(UTC)
    left = since + timedelta(seconds=delivery.environment.settle_seconds) - datetime.now(UTC)
    time.sleep(max(0.0, left.total_seconds()))
    return _probes.pop(delivery.run).stop()
