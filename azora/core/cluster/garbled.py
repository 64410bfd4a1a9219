"""Record of an environment, read though somebody garbled it: whoever may write ConfigMaps there can.

A garbled key must neither end a run with a foreign error nor keep users from a rollback. Keys that only report are left out: an approval
or a proof that cannot be read does not count, and a request that cannot be read does not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from azora.core.cluster.record import (
    KEPT,
    MIGRATIONS,
    PROOFS,
    RECEIPTS,
    RELEASES,
    Approval,
    LastRollback,
    PreviewRecord,
    Question,
    StackRecord,
    Switch,
)
from azora.core.cluster.run_counts import RunCounts
from azora.core.record.entry import readable
from azora.core.record.events import Switched
from azora.errors import BadInput

_REPORTS: dict[str, Callable[[str], object]] = {
    "approval": Approval.model_validate_json,
    "question": Question.model_validate_json,
    "preview": PreviewRecord.model_validate_json,
    "proofs": PROOFS.validate_json,
    "receipts": RECEIPTS.validate_json,
    "rollback": LastRollback.model_validate_json,
    "tally": RunCounts.model_validate_json,
}
_NEEDED: dict[str, Callable[[str], object]] = {
    "approval-since": datetime.fromisoformat,
    "blue": StackRecord.model_validate_json,
    "green": StackRecord.model_validate_json,
    "migrating": MIGRATIONS.validate_json,
    "releases": RELEASES.validate_json,
    "version": int,
}


def without_garbled(record: Mapping[str, str], namespace: str) -> dict[str, str]:
    """Copy of the ConfigMap's data in *record* without garbled keys that only report.

    Raises:
        BadInput: another key is garbled; the advice names it.
    """
    found = {key: text for key, text in record.items() if _holds(_REPORTS.get(key.partition(".")[0]), text)}
    if garbled := next((key for key, read in _NEEDED.items() if key in found and not _holds(read, found[key])), None):
        raise BadInput(
            f"could not read the record of {namespace}: its key {garbled!r} is not what Azora wrote",
            advice=f"somebody changed it; restore it from a backup, or remove the key: kubectl -n {namespace} edit configmap azora-record",
        )
    return found


def recorded_switches(lines: Iterable[str]) -> tuple[Switch, ...]:
    """Newest switches in the *lines* of the record's log, where the live Service's own list is garbled."""
    events = (entry.event for entry in readable(lines))
    return tuple(event.switch for event in events if isinstance(event, Switched))[-KEPT:]


def _holds(read: Callable[[str], object] | None, text: str) -> bool:
    try:
        if read:
            read(text)
    except ValueError:  # pydantic's errors are some
        return False
    return True
