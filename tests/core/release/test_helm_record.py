"""Charts that Helm could not record: it would fail at the installation, on staging."""

from __future__ import annotations

import base64
import gzip
import json
import random
from typing import Any

import pytest

from azora.core.release.helm_record import record_fault, stored_bytes, stored_manifests

NOISE = random.Random(7).randbytes(1_000_000)  # noqa: S311 - the same in each run


def test_size_of_a_chart() -> None:
    """A chart that compresses well is small, whatever its files weigh."""
    assert record_fault({"templates/a.yaml": b"a: b\n" * 500_000}, [], {}) is None
    assert stored_bytes({"Chart.yaml": b"name: a"}, [{"kind": "Service"}], {"a": 1}) < 400


def test_chart_that_is_too_large() -> None:
    """The error names its largest files, and what to do."""
    fault = record_fault({"files/film.mp4": NOISE, "Chart.yaml": b"name: a"}, [], {})
    assert fault
    assert "would take 1.3 MiB, and a Secret holds 1 MiB" in fault
    assert "files/film.mp4 (977 KiB)" in fault
    assert ".helmignore" in fault


def secret(release: bytes) -> dict[str, Any]:
    return {"data": {"release": base64.b64encode(base64.b64encode(release)).decode()}}


def test_manifests_that_helm_stored() -> None:
    """Manifests of the release and its hooks, each after the comment with its template."""
    hook = {"path": "c/templates/job.yaml", "manifest": "kind: Job"}
    record = {"manifest": "---\n# Source: c/templates/a.yaml\nkind: Service", "hooks": [hook]}
    assert stored_manifests(secret(gzip.compress(json.dumps(record).encode()))) == (
        "---\n# Source: c/templates/a.yaml\nkind: Service\n---\n# Source: c/templates/job.yaml\nkind: Job\n"
    )


@pytest.mark.parametrize(
    "found", [{}, {"data": None}, secret(b"text"), secret(gzip.compress(b"[]")), secret(gzip.compress(b"{"))]
)
def test_record_that_is_none_of_helm(found: dict[str, Any]) -> None:
    """A Secret that somebody wrote by hand is named as such."""
    with pytest.raises(ValueError, match=r"no record of a Helm release|Expecting"):
        stored_manifests(found)
