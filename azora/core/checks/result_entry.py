"""Result of a suite for the index of reports: small JSON beside the report, written by the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from azora.core.checks.suite_result import SuiteResult

PREFIX = "result-"
MOST_BYTES = 64_000
MOST_FILES = 50


class ResultEntry(BaseModel):
    """One line of the index. `files` are the reports by kind, relative to the run's folder."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_name: str = Field(max_length=500)
    application: str = Field(max_length=500)
    title: str = Field(max_length=500)
    ok: bool
    summary: str = Field(max_length=500)
    at: AwareDatetime
    files: Mapping[str, str] = Field(default={}, max_length=MOST_FILES)

    @property
    def file_names(self) -> dict[str, PurePosixPath]:
        """Files inside of the run's folder."""
        found = {kind: PurePosixPath(file) for kind, file in self.files.items()}
        return {kind: file for kind, file in found.items() if file.parts and ".." not in file.parts and file.root == ""}


def entry_of(
    result: SuiteResult, title: str, *, run_name: str, application: str, run_folder: str, at: datetime
) -> ResultEntry:
    """Entry of *result*, whose files are below *run_folder*."""
    files = {kind: PurePosixPath(file) for kind, file in result.files.items()}
    below = {kind: str(file.relative_to(run_folder)) for kind, file in files.items() if file.is_relative_to(run_folder)}
    return ResultEntry(
        run_name=run_name,
        application=application,
        title=title,
        ok=result.ok,
        summary=result.summary(),
        at=at,
        files=dict(islice(below.items(), MOST_FILES)),
    )


def file_name(key: str) -> str:
    return f"{PREFIX}{key}.json"


def is_entry(name: str) -> bool:
    return name.startswith(PREFIX) and name.endswith(".json")
