"""The table of attacks in the documentation is that of the tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

from azora.config.settings import ROOT
from tests.support.attacks import BEGIN, END, Attack, component_of, summary, table, with_part

LIVE = "could not change it: services is forbidden: ValidatingAdmissionPolicy 'azora-live' with binding 'azora-live' denied"
TRIED = [Attack("a switch", "policy azora-live"), Attack("a secret", "RBAC"), Attack("a line", "RBAC")]


def test_table_of_attacks() -> None:
    """Both pages have what the marked tests say; `bin/attacks` writes it."""
    done = subprocess.run(
        [sys.executable, "bin/attacks", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("message", "component"),
    [
        pytest.param(LIVE, "policy azora-live", id="a policy"),
        pytest.param('secrets is forbidden: User "x" cannot list resource "secrets"', "RBAC", id="no right"),
        pytest.param('User "x" is attempting to grant RBAC permissions not currently held', "RBAC", id="more rights"),
        pytest.param("ConfigMap is immutable", "API server", id="another rule"),
    ],
)
def test_component_of_a_message(message: str, component: str) -> None:
    """The component comes from the message that was really seen."""
    assert component_of(message) == component


def test_parts_of_the_pages() -> None:
    """Rows and counts are in Markdown, between the two marks."""
    assert table(TRIED[:1]) == "| attempt | refused by |\n|---|---|\n| a switch | policy azora-live |"
    assert summary(TRIED).endswith("| RBAC | 2 |\n| policy azora-live | 1 |")
    page = f"before\n\n{BEGIN}\n\nold\n\n{END}\nafter\n"
    assert with_part(page, "new") == page.replace("old", "new")
