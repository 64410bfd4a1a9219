"""An export of a record: read as it was written, and verified with what was beside the entries."""

from __future__ import annotations

import pytest

from azora.core.cluster.record import Switch
from azora.core.record.chain import head_of
from azora.core.record.export import Export, export_of, parsed_export
from azora.errors import BadInput
from tests.support.chains import AT, PROMOTION, ROLLBACK, whole

LINES = tuple(whole())
OLD = PROMOTION.model_copy(update={"number": 1})


def exported(lines: tuple[str, ...] = LINES, switches: tuple[Switch, ...] = (OLD, PROMOTION, ROLLBACK)) -> Export:
    return export_of(
        lines, application="azora", environment="production", namespace="azora-production", at=AT, switches=switches,
        live_head=str(head_of(LINES[:3])),
    )  # fmt: skip


def test_file_of_an_export() -> None:
    """A file is read as it was written, byte for byte, and holds."""
    found = parsed_export(exported().text, "file")
    assert found == exported()
    assert found.fault() is None
    assert found.text.splitlines()[1:] == list(LINES)


def test_export_without_an_entry() -> None:
    """An environment whose record has not begun holds; where the live Service names a head, it does not."""
    nothing = export_of((), application="a", environment="e", namespace="n", at=AT, switches=(OLD,), live_head="")
    assert parsed_export(nothing.text, "file").fault() is None
    fault = exported(()).fault()
    assert fault
    assert fault.reason == "the end is missing: the live Service names entry 3, the last one is 0"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        pytest.param('"ada"', '"eve"', "entry 3 was changed: the live Service names another hash for it", id="a byte", marks=pytest.mark.attack("an export of the record with a byte changed", by="azora verify")),
        pytest.param(f"{LINES[-1]}\n", "", "the end is missing: the export's first line names entry 7, the last one is 6", id="the tail", marks=pytest.mark.attack("an export of the record with the tail cut", by="azora verify")),
        pytest.param(f"{LINES[3]}\n", "", "entry 4 is missing: entry 5 stands in its place", id="a line", marks=pytest.mark.attack("an export of the record with a line removed", by="azora verify")),
    ],
)  # fmt: skip
def test_changed_file(old: str, new: str, reason: str) -> None:
    """The first broken link is named."""
    text = exported().text
    assert old in text
    fault = parsed_export(text.replace(old, new), "file").fault()
    assert fault
    assert fault.reason == reason


def test_earlier_head() -> None:
    """A head that somebody kept holds, or is named as the one that does not."""
    assert exported().fault({"yesterday's export": str(head_of(LINES[:5]))}) is None
    fault = exported().fault({"yesterday's export": f"5:{'0' * 64}"})
    assert fault
    assert fault.reason == "entry 5 was changed: yesterday's export names another hash for it"


def test_switch_without_an_entry() -> None:
    """A switch of the live Service that no entry has is named; those from before the record are not."""
    later = ROLLBACK.model_copy(update={"number": 4, "by": "eve"})
    fault = exported(switches=(OLD, PROMOTION, ROLLBACK, later)).fault()
    assert fault
    assert fault.reason == "switch 4 of the live Service (rollback by eve) has no entry"


@pytest.mark.parametrize("text", ["", "{}", "gone\n", LINES[0]], ids=["empty", "no fields", "no JSON", "an entry"])
def test_file_that_is_none(text: str) -> None:
    """Another file is named, with the command that writes one."""
    with pytest.raises(BadInput, match="could not read 'file'") as caught:
        parsed_export(text, "file")
    assert "azora history ENV --export FILE" in caught.value.advice
