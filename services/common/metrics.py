"""Metrics of a process for Prometheus: requests, errors, durations, and how full its pools are.

Every series carries `service`, `color` and `release` as constant labels. An info metric to join with would be the
convention for what describes a process, but a process has one color and one release for life, so the labels make no
series more; and around a switch, which is when somebody looks, a join loses the last minutes of the pods that have gone:
their info series ends with them, while `sum by (release) (rate(http_requests_total[5m]))` still has their requests.

Conventions: https://prometheus.io/docs/practices/naming/. No label takes a value that a visitor chooses.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import anyio.to_thread
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common.settings import ServiceSettings

# They would double the series, to say when a counter began: the process's own start says that.
disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@dataclass(frozen=True)
class Usage:
    """Usage of a pool at this moment.

    *idle*: open, but not in use. None: the pool has no such number.
    """

    in_use: int
    limit: int
    idle: int | None = None
    waiting: int | None = None


Pool = Callable[[], Usage]


def threads() -> Usage:
    """Those that run what is not async; a request that finds none waits. Asked on the event loop."""
    found = anyio.to_thread.current_default_thread_limiter().statistics()
    return Usage(found.borrowed_tokens, int(found.total_tokens), waiting=found.tasks_waiting)


class _Pools(Collector):
    """The gauges of the pools, read when they are asked for."""

    def __init__(self, pools: Mapping[str, Pool]) -> None:
        self._pools = pools

    def describe(self) -> list[Metric]:
        """Nothing: the registry would have to ask the pools for it, before there is an event loop."""
        return []

    def collect(self) -> Iterator[Metric]:
        in_use = GaugeMetricFamily("service_pool_in_use", "Places of a pool that are taken.", labels=["pool"])
        limit = GaugeMetricFamily("service_pool_limit", "Most places of a pool.", labels=["pool"])
        idle = GaugeMetricFamily("service_pool_idle", "Connections that are open and not in use.", labels=["pool"])
        waiting = GaugeMetricFamily("service_pool_waiting", "Requests that wait for a place.", labels=["pool"])
        for name, pool in self._pools.items():
            usage = pool()
            in_use.add_metric([name], usage.in_use)
            limit.add_metric([name], usage.limit)
            if usage.idle is not None:
                idle.add_metric([name], usage.idle)
            if usage.waiting is not None:
                waiting.add_metric([name], usage.waiting)
        yield from (in_use, limit, idle, waiting)


class _Labelled(Collector):
    """Metrics of *registry*, each series with *labels* in addition."""

    def __init__(self, registry: CollectorRegistry, labels: Mapping[str, str]) -> None:
        self._registry = registry
        self._labels = labels

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            labelled = copy.copy(family)
            labelled.samples = [one._replace(labels={**one.labels, **self._labels}) for one in family.samples]
            yield labelled


class Metrics:
    """Those of the service *service*; each process has one."""

    def __init__(self, service: str, settings: ServiceSettings, pools: Mapping[str, Pool]) -> None:
        registry = CollectorRegistry()
        for standard in (ProcessCollector, PlatformCollector, GCCollector):
            standard(registry=registry)
        registry.register(_Pools({"threads": threads, **pools}))
        self._in_flight = Gauge(
            "http_requests_in_flight", "Requests that are being answered, without the operational ones.",
            registry=registry,
        )  # fmt: skip
        self._requests = Counter(
            "http_requests", "Requests answered, by the status of the answer.", ["method", "route", "status"],
            registry=registry,
        )  # fmt: skip
        self._duration = Histogram(
            "http_request_duration_seconds", "From a request to the end of its answer.", ["method", "route"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        identity = {"service": service, "color": settings.azora_color, "release": settings.azora_release}
        self._exposed = _Labelled(registry, identity)

    def began(self) -> None:
        self._in_flight.inc()

    def ended(self) -> None:
        self._in_flight.dec()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer; *route* is a template, never a path."""
        known = method if method in _METHODS else "(other)"
        self._requests.labels(known, route, status).inc()
        self._duration.labels(known, route).observe(seconds)

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._exposed)
