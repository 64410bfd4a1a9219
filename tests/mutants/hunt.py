"""Run all eighteen cases against the platform with one thing wrong in it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import NullPool, create_engine, text

from azora.config.settings import ROOT
from azora.core.checks.junit import cases_of
from tests.mutants.mutations import SERVICES, Mutation

SUITES = ("tests/e2e", "tests/smoke")
CASES = 18
TRIAL_COURSES = "edu.courses WHERE slug LIKE 'trial-%'"
LEFT = ("auth.accounts", TRIAL_COURSES, "edu.enrollments", "pay.cart_items", "pay.orders", "pay.order_items")


class Hunt:
    """A local platform, of which one service at a time is a mutant."""

    def __init__(self, processes: Any, secret: str, folder: Path) -> None:
        self._processes: Any = processes
        self._secret = secret
        self._folder = folder
        self._mutated: str | None = None
        self._count = 0

    def red(self, mutation: Mutation | None) -> list[str]:
        """Names of the cases that fail with *mutation*; with None, in the platform as it is."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        if self._mutated and (mutation is None or mutation.service != self._mutated):
            self._run(self._mutated, SERVICES)
        if mutation:
            self._run(mutation.service, mutation.build(folder / "services"))
        self._mutated = mutation.service if mutation else None
        seen = self._failed(folder / "report.xml", SUITES)
        expected = {mutation.case} if mutation else set()
        if not seen or {_case(name) for name in seen} == expected:
            return sorted(map(_case, seen))
        return sorted(map(_case, self._failed(folder / "again.xml", seen)))  # a busy machine is no mutant

    def left(self) -> dict[str, int]:
        """Number of rows that each table still has of the runs' people and courses.

        Nobody else ever was on this platform.
        """
        engine = create_engine(self._processes.database_url, poolclass=NullPool)
        with engine.connect() as connection:
            counts = {table: text(f"SELECT count(*) FROM {table}") for table in LEFT}  # noqa: S608 - our own names
            return {table: connection.execute(count).scalar_one() for table, count in counts.items()}

    def _run(self, service: str, folder: Path) -> None:
        self._processes.start(service, folder)
        self._processes.wait(service, "/healthz")

    def _failed(self, report: Path, selection: Sequence[str]) -> list[str]:
        """The cases of *selection* that fail, by their names in full."""
        options = [
            "-q",
            "-n",
            "0",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            "--tb=line",
            f"--azora-url={self._processes.address}",
        ]
        options += ["-p", "azora.gateways.suites.pytest_plugin", f"--junitxml={report}", "-o", "junit_family=xunit1"]
        options += ["--screenshot=off", "--video=off", "--tracing=off"]  # nobody looks at a mutant's
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *selection],
            cwd=ROOT,
            env=env | {"SUITE_SECRET": self._secret},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        tests = cases_of(report.read_text()) if report.is_file() else ()
        assert len(tests) == (CASES if selection is SUITES else len(selection)), f"{done.stdout}\n{done.stderr}"
        return [test.name for test in tests if test.outcome != "passed"]


def _case(name: str) -> str:
    return name.partition("::")[2].replace("[chromium]", "")


def _local() -> ModuleType:
    """services/local.py, which belongs to no package, running the services with their own interpreter."""
    spec = importlib.util.spec_from_file_location("platform_on_loopback", SERVICES / "local.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    uv = next(map(str, Path.home().glob(".cache/azora/uv-*/bin/uv")), "uv")
    command = [uv, "run", "--locked", "--project", "services", "python", "-c", "import sys; print(sys.executable)"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=_environment())
    module.PYTHON = found.stdout.strip()
    return module


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}


@contextmanager
def hunting() -> Iterator[Hunt]:
    """The platform on loopback, for as long as the block lasts."""
    local = _local()
    with ExitStack() as stack:
        logs, folder = (Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2))
        processes = stack.enter_context(local.platform(logs, local.free_port(), {}))
        yield Hunt(processes, local.TRIALS_TOKEN, folder)
