"""The pipeline's log: what each line has, what none has, a small file, the fields in docs and Kibana."""

from __future__ import annotations

import json
import logging
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import flow, task
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.context import TaskRunContext
from prefect.logging.loggers import flow_run_logger, task_run_logger

from azora.cli.output import note
from azora.config.settings import Settings
from azora.host import log_file as logs
from azora.host.log_file import LogFile, about, by_hand, log_file
from tasks.logs import LOGGERS, OfARun
from tests.support.logs import IS, SERVICES_ALONE, documented, flat, kibana, query, used
from tests.support.releases import BASE

RUN = UUID("0fb5bc5d-90e8-4bc5-8a4f-0d0b4c3f2a11")
FLOW_RUN = FlowRun(id=RUN, name="release abc1234", flow_id=RUN)
TASK_RUN = TaskRun(name="production: switch users", flow_run_id=RUN, task_key="switch", dynamic_key="0")


@flow(name="release")
def a_flow() -> None: ...


@task
def a_task() -> None: ...


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return log_file(Settings(state=tmp_path))


@pytest.fixture
def log(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File that Prefect's loggers of runs write to, as in a process in which a run began.

    They do not write to Prefect's API as well.
    """
    handler = LogFile(file)
    handler.addFilter(OfARun())
    for name in LOGGERS:
        monkeypatch.setattr(logging.getLogger(name), "handlers", [handler])
    return file


@contextmanager
def given(**parameters: object) -> Iterator[None]:
    """Inside a task that was given these."""
    context = TaskRunContext.model_construct(task=a_task, task_run=TASK_RUN, parameters=parameters)
    token = TaskRunContext.__var__.set(context)
    try:
        yield
    finally:
        TaskRunContext.__var__.reset(token)


def of_the_flow() -> Any:
    return flow_run_logger(FLOW_RUN, a_flow)


def of_the_task() -> Any:
    return task_run_logger(TASK_RUN, a_task, FLOW_RUN, a_flow)


def lines(file: Path) -> list[dict[str, Any]]:
    return [flat(json.loads(line)) for line in file.read_text().splitlines()]


def test_line_of_a_task(log: Path) -> None:
    """The line has the run, the task and the fields that the task was given."""
    with given(environment="production", release=BASE):
        of_the_task().info("users go to %s", "blue", extra=about(color="blue"))
    (line,) = lines(log)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("@timestamp"))
    assert line == {
        "message": "users go to blue",
        "log.level": "info",
        "log.logger": "prefect.task_runs",
        "ecs.version": "1.6.0",
        "service.name": "pipeline",
        "service.environment": "production",
        "service.version": BASE.label,
        "labels.color": "blue",
        "labels.run": str(RUN),
        "labels.run_name": "release abc1234",
        "labels.flow": "release",
        "labels.task": "production: switch users",
    }


def test_line_of_prefect(log: Path) -> None:
    """Prefect's own line of a task has the environment, too."""
    of_the_task().info("Finished in state Completed()")
    (line,) = lines(log)
    assert (line["service.environment"], line["labels.task"]) == ("production", "production: switch users")


def test_line_after_the_release(log: Path) -> None:
    """Each line after the release's has the release."""
    of_the_flow().info("Beginning")
    of_the_flow().info("release 1f2e", extra=about(release="1f2e"))
    of_the_task().info("Finished in state Completed()")
    assert [line.get("service.version") for line in lines(log)] == [None, "1f2e", "1f2e"]


def test_line_of_an_error(log: Path) -> None:
    """The line has the error's type, its traceback and its cause, without secrets."""
    error = RuntimeError("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30")
    error.__cause__ = ConnectionRefusedError("postgresql://azora:p4ss@db/azora")
    of_the_task().error("Task run failed", exc_info=error)
    (line,) = lines(log)
    assert (line["log.level"], line["error.type"]) == ("error", "RuntimeError")
    assert "ConnectionRefusedError" in line["error.stack_trace"]
    assert not re.search("p4ss|eyJhbGciOiJIUzI1NiJ9", log.read_text())


def test_line_of_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command's line has the person who ran it."""
    monkeypatch.setattr("azora.cli.output.settings", lambda: Settings(state=tmp_path))
    note("users are back on 100% blue", environment="production", release="1f2e", color="blue", by="ada")
    (line,) = lines(tmp_path / "log/pipeline.log")
    line.pop("@timestamp")
    assert line == {
        "message": "users are back on 100% blue",
        "log.level": "info",
        "log.logger": "azora.cli",
        "ecs.version": "1.6.0",
        "service.name": "pipeline",
        "service.environment": "production",
        "service.version": "1f2e",
        "labels.color": "blue",
        "user.name": "ada",
    }


# -- its file


def _write(file: Path, name: str, count: int) -> None:
    logger = by_hand(file)
    for number in range(count):
        logger.info("%s %d", name, number)


def test_file_with_several_writers(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that rotate the file at once lose no line and keep it small."""
    monkeypatch.setattr(logs, "MOST_BYTES", 20_000)
    monkeypatch.setattr(logs, "OLD_FILES", 20)
    names = ("a", "b", "c")
    processes = [multiprocessing.get_context("fork").Process(target=_write, args=(file, name, 300)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    files = sorted(file.parent.glob("pipeline.log*"))
    assert len(files) > 3
    assert all(one.stat().st_size < 21_000 for one in files)
    said = [line["message"] for one in files for line in lines(one)]
    assert sorted(said) == sorted(f"{name} {number}" for name in names for number in range(300))


def test_file_with_old_files(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two old files are kept."""
    monkeypatch.setattr(logs, "MOST_BYTES", 2_000)
    _write(file, "a", 200)
    assert sorted(one.name for one in file.parent.glob("pipeline.log*")) == [
        "pipeline.log",
        "pipeline.log.1",
        "pipeline.log.2",
    ]
    assert lines(file)[-1]["message"] == "a 199"


def test_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The run goes on without the lines, and one error is printed."""
    (tmp_path / "log").write_text("in the way")
    _write(tmp_path / "log/pipeline.log", "a", 3)
    assert capsys.readouterr().err == f"could not write {tmp_path / 'log/pipeline.log'}: File exists\n"


# -- who reads it


@pytest.fixture
def of_a_run(log: Path) -> list[dict[str, Any]]:
    """Lines of a run, and one of a person."""
    with given(environment="production", release=BASE, color="blue"):
        of_the_task().info("users go to blue")
        of_the_task().error("Task run failed", exc_info=ValueError("no"))
    by_hand(log).info("rolled back", extra=about(by="ada"))
    return lines(log)


def test_fields_in_the_documentation(of_a_run: list[dict[str, Any]]) -> None:
    """The documented fields are those of the lines, with their types."""
    fields = documented()
    assert {name for line in of_a_run for name in line} == {name for name in fields if not SERVICES_ALONE.match(name)}
    for line in of_a_run:
        assert all(IS[fields[name]](value) for name, value in line.items())


@pytest.mark.parametrize("saved", list(kibana()), ids=lambda saved: saved["id"])
def test_fields_in_kibana(saved: dict[str, Any], of_a_run: list[dict[str, Any]]) -> None:
    """Kibana's saved objects use documented fields that a run's lines have."""
    asked = {field for field in used(saved) if not SERVICES_ALONE.match(field)}
    assert asked
    for field in asked:
        assert any(field in line for line in of_a_run), field
        assert field in documented()


@pytest.mark.parametrize("saved", [one for one in kibana() if one["type"] == "search"], ids=lambda saved: saved["id"])
def test_kibana_view_of_a_run(saved: dict[str, Any]) -> None:
    """The view filters lines of runs and shows run and task."""
    assert "labels.run: *" in query(saved)
    assert {"labels.run", "labels.task"} <= set(saved["attributes"]["columns"])
