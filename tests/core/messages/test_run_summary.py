"""Summary of a run on a job's page: all of it, in its order, once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from azora.cli import summary as telling
from azora.core.messages.run_summary import Page, summary
from azora.gateways.prefect.runs import Run

ID, URL = "1f2e3d4c-0000-0000-0000-000000000000", "http://prefect/runs/1f2e3d4c"
LINK = f"[Run `1f2e3d4c`]({URL})"
QUESTION = f"The run waits for an approval: [answer on the run's page]({URL})."
PLAN, OTHER_PLAN = Page("production-plan", "plan `aa`"), Page("production-plan", "plan `bb`")
ANSWER, SWITCH = Page("production-answer", "ada approved it"), Page("production-switch", "| failed | **0** |")
WARNINGS = Page("production-warnings", "# ⚠ production\n\n- frozen until tomorrow")
RELEASE, SUITE = Page("release", "# Change the banner"), Page("production-smoke", "6 passed")


@pytest.mark.parametrize(
    ("pages", "ended", "told"),
    [
        pytest.param([], None, [LINK], id="only begun"),
        pytest.param([RELEASE, SUITE], None, [LINK], id="pages that are behind the link"),
        pytest.param([PLAN], None, [LINK, f"plan `aa`\n\n{QUESTION}"], id="a plan comes with where to answer"),
        pytest.param(
            [PLAN, OTHER_PLAN],
            None,
            [LINK, f"plan `aa`\n\n{QUESTION}", f"plan `bb`\n\n{QUESTION}"],
            id="asked again because the plan was void",
        ),
        pytest.param([SWITCH, SWITCH], None, [LINK, SWITCH.text], id="a step that was tried again says it once"),
        pytest.param(
            [PLAN, ANSWER, SWITCH],
            "**Completed**: it runs",
            [LINK, f"plan `aa`\n\n{QUESTION}", ANSWER.text, SWITCH.text, "**Completed**: it runs"],
            id="the whole pipeline",
        ),
        pytest.param([WARNINGS, PLAN], None, [LINK, WARNINGS.text, f"plan `aa`\n\n{QUESTION}"], id="with warnings"),
        pytest.param([], "**Failed**: no", [LINK, "**Failed**: no"], id="failed before its request"),
    ],
)
def test_summary_of_a_run(pages: list[Page], ended: str | None, told: list[str]) -> None:
    """The summary has all pages of a run in their order, each once."""
    assert summary(ID, URL, pages, ended) == told


def test_summary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file only grows, and by what is new."""
    file = tmp_path / "page.md"
    file.write_text("from an earlier step\n\n")
    found: list[Page] = []
    monkeypatch.setattr(telling, "pages", lambda _id: found)
    page = telling.Summary(file)
    seen = [file.read_text()]
    for new, kind in ((PLAN, "PAUSED"), (ANSWER, "RUNNING"), (SWITCH, "COMPLETED"), (SWITCH, "COMPLETED")):
        found.append(new)
        page.tell(Run(ID, "release 1f2e3d4", kind.title(), kind, "it runs", URL))
        seen.append(file.read_text())
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
    told = [LINK, PLAN.text, QUESTION, ANSWER.text, SWITCH.text, "**Completed**: `it runs`"]
    assert seen[-1] == "".join(f"{part}\n\n" for part in ["from an earlier step", *told])
