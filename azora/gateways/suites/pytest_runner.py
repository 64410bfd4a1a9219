"""Runs of a release's cases: suites against a deployed platform, unit tests of its services."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from azora.core.checks.junit import cases_of
from azora.core.checks.suite_result import Case, SuiteResult, after_second_try, report_of
from azora.core.retention import bytes_told
from azora.errors import CheckFailed, Failed, TestsFailed
from azora.gateways.suites.playwright import video_browsers, with_pictures
from azora.host.child_environment import PACKAGES, child_environment
from azora.host.folders import erase
from azora.host.process import Completed, run
from azora.host.sandbox import Sandbox, interpreter
from azora.host.strangers import take_back
from azora.redaction import redacted

SECRET = "SUITE_SECRET"  # noqa: S105 - the variable's name
NOTHING_COLLECTED = 5  # https://docs.pytest.org/en/stable/reference/exit-codes.html
MOST_BYTES = 50_000_000  # of a file with results
_RAN = (0, 1)


@dataclass(frozen=True)
class _Run:
    folder: Path
    report: Path
    options: tuple[str, ...]
    timeout_seconds: float
    variables: Sequence[str]
    sandbox: Sandbox | None
    secret: str | None = field(default=None, repr=False)

    @property
    def files(self) -> dict[str, Path]:
        return {
            "html": self.report / "report.html",
            "junit": self.report / "junit.xml",
            "json": self.report / "report.json",
            "log": self.report / "pytest.log",
        }


def run_suite(
    folder: Path,
    *,
    url: str,
    report_folder: Path,
    connect: str | None = None,
    release: str | None = None,
    color: str | None = None,
    workers: int = 1,
    timeout_seconds: float = 900.0,
    second_try: bool = False,
    variables: Sequence[str] = (),
    secret: str | None = None,
    sandbox: Sandbox | None = None,
) -> SuiteResult:
    """Run the cases in *folder* against *url*, dialling *connect* where given, and say what each did.

    Writes report.html (one file), junit.xml, report.json (`azora.core.checks.suite_result.report_of`), pytest.log and, for failed browser cases, screenshot, video and
    trace to *report_folder*. The cases find *secret* in the variable SUITE_SECRET. With *second_try* failed cases run once more, by themselves: what passes then is `flaky`.
    Raises Failed where no verdict came out: no cases, a broken collection, no end within the limit.
    """
    began = time.monotonic()
    asked = {"url": url, "connect": connect, "expect-release": release, "expect-color": color}
    options = tuple(part for key, value in asked.items() if value for part in (f"--azora-{key}", value))
    folder, report_folder = folder.resolve(), report_folder.resolve()
    at_once = ("-n", str(workers if workers > 1 else 0))
    first = _Run(folder, report_folder, (*options, *at_once), timeout_seconds, variables, sandbox, secret)
    cases = _cases(first, [str(folder)])
    failed = [case.name for case in cases if case.outcome == "failed"]
    if failed and second_try:
        by_itself = replace(first, report=report_folder / "second-try", options=(*options, "-n", "0"))
        erase(by_itself.report)
        cases = after_second_try(cases, _cases(by_itself, failed))
    result = SuiteResult(cases, round(time.monotonic() - began, 3), first.files)
    erase(first.files["json"])  # a case may have put something else there
    first.files["json"].write_text(redacted(json.dumps(report_of(result, report_folder), indent=1)))
    return result


def run_unit_tests(
    name: str,
    command: Sequence[str],
    export: Path,
    *,
    log: Path,
    variables: Sequence[str] = (),
    timeout_seconds: float = 900.0,
    sandbox: Sandbox | None = None,
) -> None:
    """Run a service's own tests at the root of *export*, in *sandbox*.

    They have *variables* of this process, too.

    Raises TestsFailed with the last lines of *log*.
    """
    environment, program = child_environment(*PACKAGES, *variables), command[0]
    if sandbox:
        shared = export.with_name(f".tmp-{export.name}")  # uv of two services makes one environment of one export
        inside = replace(sandbox, readable=interpreter(), writable=(export,), temporary=shared)
        command, environment = inside.command(command, export, environment["PATH"]), inside.environment(environment)
    done = run(
        command,
        cwd=export,
        env=environment,
        timeout_seconds=timeout_seconds,
        what=f"test {name!r}",
        log=log,
        yields=True,
        called=program,
    )
    if done.returncode:
        raise TestsFailed(f"could not pass the tests of {name!r}: {done.tail()}", advice=f"see {log}")


def _cases(suite: _Run, selection: list[str]) -> tuple[Case, ...]:
    suite.report.mkdir(parents=True, exist_ok=True)
    if suite.sandbox:
        take_back(suite.report)  # an attempt that was killed may have left links
    for left in (suite.files["junit"], suite.files["json"], suite.files["html"], suite.report / "pictures"):
        erase(left)  # an earlier attempt's
    if not _is_file(suite.files["log"]):
        erase(suite.files["log"])
    try:
        done = _pytest(suite, selection)
    finally:
        if suite.sandbox:
            take_back(suite.report)
    if done.returncode not in _RAN or not suite.files["junit"].exists():
        raise _no_verdict(suite, done)
    cases = _read(suite)
    if not cases:
        raise _no_verdict(suite, done)
    if done.returncode and not any(case.outcome == "failed" for case in cases):
        raise Failed(
            f"could not run the cases in {suite.folder}: no case failed, but pytest exited with {done.returncode}: {done.tail()}",
            advice=f"see {suite.files['log']}",
        )
    return with_pictures(cases, suite.report / "pictures")


def _read(suite: _Run) -> tuple[Case, ...]:
    file = suite.files["junit"]
    try:
        return cases_of(_content(file))
    except ValueError as error:
        raise Failed(f"could not read {file}: {error}", advice=f"see {suite.files['log']}") from None


def _content(file: Path) -> str:
    """Read *file*, which the cases' process wrote. Raises ValueError for what is no file of usual size."""
    if not _is_file(file):
        raise ValueError("it is not a file")
    if (size := file.stat().st_size) > MOST_BYTES:
        raise ValueError(f"it has {bytes_told(size)}, more than {bytes_told(MOST_BYTES)}")
    return file.read_text(encoding="utf-8")


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _pytest(suite: _Run, selection: list[str]) -> Completed:
    files = suite.files
    options = [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",  # a suite runs in its own order, whatever is installed beside Azora
        "-p",
        "azora.gateways.suites.pytest_plugin",
        "--tb=short",
        "-rfE",
        "--color=no",
    ]
    options += [f"--rootdir={suite.folder}", f"--confcutdir={suite.folder}", "-c", str(_configuration(suite))]
    options += [f"--html={files['html']}", "--self-contained-html", f"--junitxml={files['junit']}"]
    options += ["-o", "junit_family=xunit1", "-o", "junit_duration_report=total"]  # the family that has properties
    options += ["--screenshot=only-on-failure", "--tracing=retain-on-failure", f"--output={suite.report / 'pictures'}"]
    browsers = video_browsers()
    options += ["--video=retain-on-failure"] if browsers else []
    env = child_environment(*PACKAGES, *suite.variables) | {
        "PYTHONDONTWRITEBYTECODE": "1"
    }  # nothing goes into the export
    env |= browsers
    env |= {SECRET: suite.secret} if suite.secret else {}
    command = [sys.executable, "-m", "pytest", *options, *suite.options, *selection]
    if suite.sandbox:
        readable = (*suite.sandbox.readable, *interpreter(), *map(Path, browsers.values()))
        inside = replace(suite.sandbox, readable=readable, writable=(suite.report,))
        command, env = inside.command(command, suite.folder, env["PATH"]), inside.environment(env)
    return run(
        command,
        cwd=suite.folder,
        env=env,
        timeout_seconds=suite.timeout_seconds,
        what=f"run the cases in {suite.folder}",
        log=files["log"],
        called="pytest",
    )


def must_pass(result: SuiteResult, where: str) -> None:
    """Raise CheckFailed, naming the cases, unless all passed."""
    if result.ok:
        return
    names = "\n".join(f"  {case.name}: {(case.message or case.outcome).splitlines()[0]}" for case in result.failures())
    raise CheckFailed(f"could not prove {where}: {result.summary()}\n{names}", advice="the run's page links the report")


def _configuration(suite: _Run) -> Path:
    """The suite's own pytest.ini or an empty one; never the pipeline's pyproject.toml above it."""
    own = suite.folder / "pytest.ini"
    if own.is_file():
        return own
    empty = suite.report / "pytest.ini"
    erase(empty)
    empty.write_text("[pytest]\n")
    return empty


def _no_verdict(suite: _Run, done: Completed) -> Failed:
    log = suite.files["log"]
    if done.returncode == NOTHING_COLLECTED or (done.returncode in _RAN and suite.files["junit"].is_file()):
        return Failed(
            f"could not run the cases in {suite.folder}: the suite has no cases",
            advice="commit cases, see application.yaml",
        )
    return Failed(
        f"could not run the cases in {suite.folder}: pytest exited with {done.returncode}: {done.tail()}",
        advice=f"see {log}",
    )
