"""Exports of each night: kept, bounded, and each verified against the one before."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.core.cluster.record import Receipt
from azora.errors import BadInput, CheckFailed
from azora.operations.record import export as exports
from azora.operations.record import writing
from azora.operations.record.export import exports_in, keep, read_export
from tests.support.clusters import Remembered
from tests.support.worlds import SERVING_OLD


@pytest.fixture
def cluster() -> Remembered:
    return Remembered(SERVING_OLD)


def receipt(cluster: Remembered, number: int) -> None:
    writing.receipt(cluster, Receipt(number=number, verdict="good"), run="run")


def test_export_of_a_night(cluster: Remembered, tmp_path: Path) -> None:
    """Nothing is written before the record begins; then one file for each head."""
    assert keep(cluster, tmp_path / "production").lines == ()
    for number in (1, 1, 2):
        receipt(cluster, number)
        keep(cluster, tmp_path / "production")
    assert [file.name for file in exports_in(tmp_path / "production")] == ["00000002.jsonl", "00000003.jsonl"]
    assert read_export(exports_in(tmp_path / "production")[-1]).lines == cluster.log.lines()


def test_record_written_again(cluster: Remembered, tmp_path: Path) -> None:
    """A record that somebody wrote again is found by the export before, which stays."""
    receipt(cluster, 1)
    keep(cluster, tmp_path)
    cluster.log.written.clear()
    for number in (7, 8):
        receipt(cluster, number)
    with pytest.raises(CheckFailed, match="entry 2 was changed: the export") as caught:
        keep(cluster, tmp_path)
    assert str(tmp_path) in caught.value.advice
    assert [file.name for file in exports_in(tmp_path)] == ["00000002.jsonl"]


def test_number_of_exports(cluster: Remembered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest exports are kept."""
    monkeypatch.setattr(exports, "KEPT", 3)
    for number in range(9):
        receipt(cluster, number)
        keep(cluster, tmp_path)
    assert [file.name for file in exports_in(tmp_path)] == [f"{number:08}.jsonl" for number in (8, 9, 10)]


def test_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is an error of input, and so is one that is no text."""
    (tmp_path / "image").write_bytes(b"\xff\xfe")
    for name in ("gone", "image"):
        with pytest.raises(BadInput, match=name):
            read_export(tmp_path / name)
