"""The documentation's pages: reachable, linked to what exists, complete lists of what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from azora.cli.commands import MODULES
from azora.config.settings import ROOT
from azora.core.promotion.next_step import Step
from tests.drill.runbook import anchor

OUTSIDE_THE_SITE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "services/README.md"]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    return CODE.sub("", (ROOT / page).read_text())


def anchors(page: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text()), re.MULTILINE)}


def test_navigation() -> None:
    """Each page of docs/ is in the site's navigation."""
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    listed = set(re.findall(r"\b([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert pages == listed


@pytest.mark.parametrize("page", OUTSIDE_THE_SITE)
def test_links_outside_the_site(page: str) -> None:
    """Each link leads to a file that exists, and to a heading of that file; `make docs` checks the pages of the site."""
    links = LINK.findall(text_of(page))
    for path, heading in links:
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), path
        assert not heading or heading in anchors(target), f"{path}#{heading}"


def test_commands() -> None:
    """Each command of `azora` has a row in docs/command-line.md."""
    rows = set(re.findall(r"`azora (\w+)", text_of("docs/command-line.md")))
    assert rows >= set(MODULES)


def test_steps_of_a_promotion() -> None:
    """Each step has a heading in docs/promotion-steps.md, in order, by the name that the run's page shows."""
    headings = re.findall(r"^## \d+\. (.+)$", text_of("docs/promotion-steps.md"), re.MULTILINE)
    steps = [step.value.lower() for step in Step]
    assert [heading.lower() for heading in headings if heading.lower() in steps] == steps
