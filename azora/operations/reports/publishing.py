"""Reports of a run for the report server: the results for its index, and uploads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from azora.config.settings import Settings
from azora.core.checks.result_entry import ResultEntry, file_name
from azora.core.report_limits import FILE_BYTES
from azora.core.signed_links import Kind
from azora.gateways.reports.upload import upload
from azora.host.writes import System, writing
from azora.operations.reports.links import address

LIMIT_SECONDS = 300.0
LIFETIME = timedelta(hours=1)


@dataclass(frozen=True)
class Published:
    """Files that links may lead to (None: all), and the error that kept others away."""

    files: frozenset[Path] | None = None
    error: str = ""

    def has(self, file: Path) -> bool:
        return self.files is None or file in self.files


def publish(places: Iterable[Path], settings: Settings) -> Published:
    """Upload *places*, files or whole folders; do nothing where the server reads them itself."""
    if not settings.reports_upload:
        return Published()
    files = sorted({file for place in places for file in _plain(place)})
    good = [file for file in files if file.stat().st_size <= FILE_BYTES]
    addresses = {file: address(file, settings, lifetime=LIFETIME, kind=Kind.UPLOAD) for file in good}
    with writing(System.FILES, f"upload {len(good)} files to {settings.reports_url}"):
        there, error = upload(addresses, limit_seconds=LIMIT_SECONDS)
    return Published(there, error or ("" if good == files else f"a file is larger than {FILE_BYTES // 10**6} MB"))


def _plain(place: Path) -> Iterator[Path]:
    if place.is_symlink():
        return
    if place.is_file():
        yield place
    for folder, _, names in os.walk(place):
        for name in names:
            file = Path(folder, name)
            if file.is_file() and not file.is_symlink() and not name.startswith("."):
                yield file


def keep_result(entry: ResultEntry, key: str, run_folder: Path) -> Path:
    """Write *entry* in one piece; the one before by the same *key* is replaced."""
    file = run_folder / file_name(key)
    unfinished = file.with_name(f".{file.name}")
    with writing(System.FILES, str(file)):
        run_folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(entry.model_dump_json(), encoding="utf-8")
        return unfinished.replace(file)
