"""The example application without a cluster: its own tests and smoke cases, run as the pipeline does."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from azora.config.application import load_application
from azora.config.settings import ROOT
from azora.gateways.suites.pytest_runner import run_suite, run_unit_tests

GUESTBOOK = ROOT / "docs/examples/guestbook"
APPLICATION = load_application(GUESTBOOK)


@pytest.mark.parametrize("service", APPLICATION.services, ids=lambda service: service.name)
def test_unit_tests_of_the_services(service: Any, tmp_path: Path) -> None:
    """Each service passes its own tests."""
    export = tmp_path / "export"
    shutil.copytree(GUESTBOOK, export)
    log = tmp_path / "log"
    run_unit_tests(service.name, list(service.test), export, log=log)
    assert "Ran 0 tests" not in log.read_text()


@contextmanager
def served(respond: Any) -> Iterator[str]:
    """host:port of a service on loopback."""
    server = importlib.import_module("serving").Server(respond, port=0)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("release", "passes"), [("3f2a1c9b0d4e", True), ("another", False)])
def test_smoke_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, passes: bool) -> None:
    """The smoke cases fail on another release than the expected one."""
    monkeypatch.syspath_prepend(str(GUESTBOOK / "src"))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    store, front = (importlib.import_module(f"{name}.app") for name in ("store", "front"))
    for name, value in {"COLOR": "blue", "RELEASE": "3f2a1c9b0d4e"}.items():
        monkeypatch.setenv(name, value)
    with served(store.respond) as behind, served(front.respond) as address:
        monkeypatch.setenv("STORE_URL", f"http://{behind}")
        result = run_suite(
            GUESTBOOK / APPLICATION.suites.folder("smoke"),
            url="http://guestbook.localhost:8080",
            connect=address,
            release=release,
            color="blue",
            report_folder=tmp_path,
            workers=0,
        )
    assert [case.outcome for case in result.cases].count("passed") == (3 if passes else 2)
    assert result.ok is passes
