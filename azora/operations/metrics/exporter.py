"""Exporter for Prometheus: each scrape looks at every environment, at most once in a few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock

from prometheus_client import Metric
from prometheus_client.registry import Collector

from azora.config.environment import environments, load_environment
from azora.config.settings import Settings
from azora.core.cluster.state import World
from azora.core.metrics import ERRORS, MEASURES, Sample, measured, unreachable
from azora.errors import AzoraError
from azora.gateways.kubernetes.cluster import connect
from azora.operations.metrics.expiry import certificates, disks

KEPT_SECONDS = 4.0
"""Less than anybody's scrape interval; enough that many who ask at once cost the API server one look."""
LOOK_WITHIN_SECONDS = 3.0
"""Prometheus waits 10 s for a scrape: a cluster that does not answer must be told within that."""

CERTIFICATES_KEPT_SECONDS = 600.0

Look = Callable[[str], World]
Expiring = Callable[[str], Iterable[Sample]]


class Exporter(Collector):
    """Exporter that reads *names* by *look*, *certificates* now and then, *disks* each time."""

    def __init__(
        self,
        names: Sequence[str],
        look: Look,
        certificates: Expiring = lambda _: (),
        disks: Callable[[], Iterable[Sample]] = tuple,
    ) -> None:
        self._names, self._look, self._certificates, self._disks = names, look, certificates, disks
        self._errors = dict.fromkeys(names, 0)
        self._lock = Lock()
        self._kept: list[Sample] = []
        self._kept_until = 0.0
        self._expiring: dict[str, tuple[float, list[Sample]]] = {}

    def describe(self) -> list[Metric]:
        """Nothing: a cluster that is away must not keep the exporter from starting."""
        return []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() >= self._kept_until:
                self._kept = list(self._samples())
                self._kept_until = time.monotonic() + KEPT_SECONDS
            kept = self._kept
        yield from families(kept)

    def _samples(self) -> Iterator[Sample]:
        with ThreadPoolExecutor(max(len(self._names), 1)) as side_by_side:
            for found in side_by_side.map(self._of, self._names):
                yield from found
        yield from self._disks()

    def _of(self, name: str) -> list[Sample]:
        """A record that cannot be read is told like a cluster that is away: the exporter itself goes on."""
        try:
            found = list(measured(name, self._look(name), datetime.now(UTC)))
            self._look_at_certificates(name)
        except (AzoraError, ValueError):
            self._errors[name] += 1
            found = [unreachable(name)]
        _, expiring = self._expiring.get(name, (0, []))
        return [*found, *expiring, Sample(ERRORS, self._errors[name], {"environment": name})]

    def _look_at_certificates(self, name: str) -> None:
        until, _ = self._expiring.get(name, (0, []))
        if time.monotonic() >= until:
            self._expiring[name] = (time.monotonic() + CERTIFICATES_KEPT_SECONDS, list(self._certificates(name)))


def families(samples: Iterable[Sample]) -> Iterator[Metric]:
    """Metric families in the client library's form: each metric once, with all its samples."""
    by_name = {measure.name: Metric(measure.name, measure.help, measure.kind) for measure in MEASURES}
    for sample in samples:
        suffix = sample.suffix or sample.measure.exposed.removeprefix(sample.measure.name)
        by_name[sample.measure.name].add_sample(f"{sample.measure.name}{suffix}", sample.labels, sample.value)
    yield from (family for family in by_name.values() if family.samples)


def exporter_of(settings: Settings) -> Exporter:
    """Exporter of all environments; it connects for each read, since an account's token is renewed."""
    limited = settings.model_copy(
        update={"api_timeout_seconds": min(settings.api_timeout_seconds, LOOK_WITHIN_SECONDS)}
    )

    def look(name: str) -> World:
        return connect(load_environment(name, settings.environments), limited).look(with_helm=False)

    return Exporter(
        environments(settings.environments),
        look,
        lambda name: certificates(load_environment(name, settings.environments), limited),
        lambda: disks(settings),
    )
