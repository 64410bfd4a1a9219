"""Scrape targets: addresses of an environment's pods, for Prometheus without access to Kubernetes.

The format is that of https://prometheus.io/docs/prometheus/latest/http_sd/.
"""

from __future__ import annotations

from collections.abc import Iterable

from azora.config.json_object import Json

ANNOTATION = "prometheus.io"


def targets(environment: str, pods: Iterable[Json]) -> list[Json]:
    """Target for each running pod with the scrape annotation, with labels `environment` and `pod`."""
    return [_target(environment, pod) for pod in pods if _is_scraped(pod)]


def _is_scraped(pod: Json) -> bool:
    status = pod.get("status") or {}
    return _annotation(pod, "scrape") == "true" and status.get("phase") == "Running" and bool(status.get("podIP"))


def _target(environment: str, pod: Json) -> Json:
    return {
        "targets": [f"{pod['status']['podIP']}:{_annotation(pod, 'port') or '80'}"],
        "labels": {
            "__metrics_path__": _annotation(pod, "path") or "/metrics",
            "environment": environment,
            "pod": pod["metadata"]["name"],
        },
    }


def _annotation(pod: Json, name: str) -> str:
    return str((pod["metadata"].get("annotations") or {}).get(f"{ANNOTATION}/{name}", ""))
