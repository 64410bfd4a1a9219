"""A small file per environment and suite: how its cases fared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import ValidationError

from azora.core.checks.case_history import HISTORY, History, after, with_history
from azora.core.checks.suite_result import SuiteResult
from azora.host.writes import System, writing


def remembered(result: SuiteResult, file: Path) -> SuiteResult:
    """*result* with what *file* knows of its cases, which from now on knows this run as well."""
    past = _read(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("wb", dir=file.parent, delete=False) as unfinished:  # another run may read it meanwhile
        unfinished.write(HISTORY.dump_json(after(result, past)))
    with writing(System.FILES, str(file)):
        Path(unfinished.name).replace(file)
    return with_history(result, past)


def histories(folder: Path, hosts: Iterable[str]) -> dict[str, History]:
    """Histories of the cases of each suite that was run against one of *hosts*, by host and suite."""
    files = [file for host in hosts for file in sorted(folder.glob(f"{host}-*.json"))]
    return {file.stem: _read(file) for file in files}


def _read(file: Path) -> History:
    """A file that cannot be read costs the history, never the run."""
    try:
        return HISTORY.validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return {}
