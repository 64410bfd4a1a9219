"""Charts that Helm could not record: it would fail at the installation, on staging."""

from __future__ import annotations

import random

from azora.core.release.helm_record import record_fault, stored_bytes

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
