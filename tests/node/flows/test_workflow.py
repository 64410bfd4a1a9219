"""The workflow `deploy` on the node, run as its file says.

test_workflow_checks.py tests its first job.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.support import pipeline
from tests.support.workflow import Known, run_job

pytestmark = pytest.mark.usefixtures("served_book")


@pytest.fixture
def known() -> Known:
    """Values that GitHub would put in place of an expression; one that is not here fails the test."""
    return {
        "vars.PREFECT_API_URL": os.environ["PREFECT_API_URL"],
        "secrets.PREFECT_API_AUTH_STRING": os.environ["PREFECT_API_AUTH_STRING"],
        "inputs.fresh && '--fresh' || '--no-fresh'": "--no-fresh",
    }


def test_rejection(known: Known, tmp_path: Path) -> None:
    """A rejection ends the workflow red, and its page says so."""
    known["needs.checks.outputs.commit"] = pipeline.commit()
    assert run_job("release", known, tmp_path)[0] == 0
    pipeline.reject(pipeline.run_called(known["needs.release.outputs.run"]))
    code, page = run_job("promote", known, tmp_path)
    assert code == 1
    assert "**Rejected**" in page


def test_approval(known: Known, tmp_path: Path) -> None:
    """An approval brings the commit to production; the pages carry plan, link and counts."""
    known["needs.checks.outputs.commit"] = pipeline.a_proved_commit()
    before = pipeline.world("production")

    code, page = run_job("release", known, tmp_path)
    assert code == 0
    waiting = pipeline.run_called(known["needs.release.outputs.run"])
    assert waiting.waits
    assert f"| active after the switch | {before.preview}:" in page
    assert waiting.url in page
    assert pipeline.world("production").active is before.active

    answer = threading.Timer(5, pipeline.approve, [waiting])
    answer.start()
    code, page = run_job("promote", known, tmp_path)
    answer.join()
    assert code == 0
    assert pipeline.world("production").active is before.preview
    assert "| failed | **0** |" in page
    assert "**Completed**" in page
