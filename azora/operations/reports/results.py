"""Writes the result of a suite beside its reports, for the index."""

from __future__ import annotations

from pathlib import Path

from azora.core.checks.result_entry import ResultEntry, file_name
from azora.host.writes import System, writing


def keep_result(entry: ResultEntry, key: str, run_folder: Path) -> Path:
    """Write *entry* in one piece; the one before by the same *key* is replaced."""
    file = run_folder / file_name(key)
    unfinished = file.with_name(f".{file.name}")
    with writing(System.FILES, str(file)):
        run_folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(entry.model_dump_json(), encoding="utf-8")
        return unfinished.replace(file)
