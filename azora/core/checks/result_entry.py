"""Result of a suite for the index of reports: small JSON beside the report, written by the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from azora.core.checks.suite_result import Case, Outcome, SuiteResult

PREFIX = "result-"
MOST_BYTES = 256_000
MOST_FILES = 50
MOST_CASES = 200
MOST_LETTERS = 200  # of a case's name
ORDER: tuple[Outcome, ...] = ("failed", "flaky", "skipped", "passed")


class CaseEntry(BaseModel):
    """One case of a suite; `seconds` is the wall clock."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(max_length=MOST_LETTERS)
    outcome: Outcome
    seconds: float


class ResultEntry(BaseModel):
    """One line of the index. `files` are the reports by kind, relative to the run's folder.

    `cases` are those that failed first, then flaky, skipped and passed ones; empty in files older than this field.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_name: str = Field(max_length=500)
    application: str = Field(max_length=500)
    title: str = Field(max_length=500)
    ok: bool
    summary: str = Field(max_length=500)
    at: AwareDatetime
    files: Mapping[str, str] = Field(default={}, max_length=MOST_FILES)
    cases: tuple[CaseEntry, ...] = Field(default=(), max_length=MOST_CASES)
    more_cases: int = 0

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
        cases=tuple(map(_case, sorted(result.cases, key=lambda case: ORDER.index(case.outcome))[:MOST_CASES])),
        more_cases=max(len(result.cases) - MOST_CASES, 0),
    )


def _case(found: Case) -> CaseEntry:
    return CaseEntry(name=found.name[:MOST_LETTERS], outcome=found.outcome, seconds=found.seconds)


def file_name(key: str) -> str:
    return f"{PREFIX}{key}.json"


def is_entry(name: str) -> bool:
    return name.startswith(PREFIX) and name.endswith(".json")
