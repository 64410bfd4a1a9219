"""Exports of the record: written each night, and verified against the one before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from azora.core.record.chain import Broken
from azora.core.record.export import Export, export_of, parsed_export
from azora.errors import BadInput, CheckFailed
from azora.gateways.kubernetes.cluster import Cluster
from azora.host.writes import System, writing
from azora.operations.record.writing import add_found

KEPT = 30


def export(cluster: Cluster) -> Export:
    """The record of *cluster* as it is now."""
    switches, live_head = cluster.marks()  # before the entries: each head that is read has its entry then
    namespace = cluster.namespace
    return export_of(
        cluster.log.lines(),
        application=namespace.application,
        environment=namespace.environment.name,
        namespace=namespace.name,
        at=datetime.now(UTC),
        switches=switches,
        live_head=live_head,
    )


def read_export(file: Path) -> Export:
    """Raises BadInput where *file* is none."""
    try:
        text = file.read_bytes().decode()
    except (OSError, ValueError) as error:
        raise BadInput(f"could not read {str(file)!r}: {error}", advice="name the file of an export") from error
    return parsed_export(text, str(file))


def write_export(found: Export, file: Path) -> None:
    """Raises BadInput where *file* cannot be written."""
    try:
        with writing(System.FILES, str(file)):
            file.write_bytes(found.text.encode())
    except OSError as error:
        raise BadInput(f"could not write {str(file)!r}: {error.strerror}", advice="name another file") from error


def fault_of(found: Export, earlier: Path | None = None) -> Broken | None:
    """First fault of an export, also by the head of an *earlier* one."""
    return found.fault({f"the export {earlier}": read_export(earlier).header.head} if earlier else None)


def keep(cluster: Cluster, folder: Path) -> Export:
    """Export the record into *folder*, where its verification finds no fault; the newest exports are kept.

    Raises:
        CheckFailed: the record was changed. The exports of before stay.
    """
    add_found(cluster)
    found, before = export(cluster), exports_in(folder)
    name = cluster.namespace.environment.name
    if fault := fault_of(found, before[-1] if before else None):
        raise CheckFailed(
            f"could not verify the record of {name}: {fault.reason}",
            advice=(
                f"somebody changed the record, or the live Service: compare with the exports in {folder}. "
                "If the namespace was deleted on purpose, move that folder away"
            ),
        )
    if found.lines:
        folder.mkdir(parents=True, exist_ok=True)
        write_export(found, folder / f"{len(found.lines):08}.jsonl")
    for old in before[: max(0, len(before) + 1 - KEPT)]:
        with writing(System.FILES, f"remove {old}"):
            old.unlink(missing_ok=True)
    return found


def exports_in(folder: Path) -> list[Path]:
    """Exports of *folder*, oldest first."""
    return sorted(folder.glob("[0-9]*.jsonl"))
