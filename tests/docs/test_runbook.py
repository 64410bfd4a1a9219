"""The runbook and its quick reference name what exists: sections for alerts, commands, options.

That the commands do what is written is for tests/node/faults/test_runbook.py.
"""

from __future__ import annotations

import re
import shlex

import pytest
import typer
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from azora.cli.commands import app
from azora.config.settings import ROOT
from tests.drill.runbook import LABELS, QUICK_REFERENCE, RUNBOOK, Block, anchor, blocks, labels, sections
from tests.drill.situations import SITUATIONS

TEXT = RUNBOOK.read_text()
SECTIONS = sections()
IN_THE_RUNBOOK = [command for section in SECTIONS.values() for block in blocks(section) for command in block.commands]
IN_A_SENTENCE = re.findall(r"`((?:azora|kubectl) [^`]+)`", TEXT)
QUICK = QUICK_REFERENCE.read_text()
PAGE_LINES = 60
UsageError = typer.BadParameter.__base__ or Exception  # of the click that typer carries
LINK = re.compile(r"\(DEPLOYMENT-RUNBOOK\.md#([a-z0-9-]+)\)")


def quick_commands() -> list[str]:
    """Those of its blocks and of its table."""
    stand_alone = [command for block in blocks(QUICK) for command in block.commands]
    return [*stand_alone, *re.findall(r"`((?:azora|kubectl) [^`]+)`", QUICK)]


def parse(command: str) -> None:
    """Have typer's own parser read an `azora` command; nothing is run.

    Raises:
        UsageError: there is no such command, argument or option.
    """
    _, *arguments = shlex.split(command, comments=True)
    found = get_command(app)
    context = found.make_context("azora", arguments)
    while isinstance(found, TyperGroup):
        _, sub, rest = found.resolve_command(context, [*context._protected_args, *context.args])
        assert sub is not None
        found, context = sub, sub.make_context(sub.name, rest, parent=context)


def test_links_of_the_alerts() -> None:
    """Each alert links to a section."""
    rules = "".join(file.read_text() for file in (ROOT / "deployments/monitoring/rules").glob("*.yaml"))
    linked = set(re.findall(r"DEPLOYMENT-RUNBOOK\.md#([a-z0-9-]+)", rules))
    assert linked
    assert linked <= set(SECTIONS)


def test_alerts_in_their_sections() -> None:
    """Each alert is named in the section that it links to."""
    for file in (ROOT / "deployments/monitoring/rules").glob("*.yaml"):
        for rule in [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]:
            section = rule["annotations"]["runbook"].partition("#")[2]
            assert f"`{rule['alert']}`" in SECTIONS[section], f"{rule['alert']} leads to {section}"


def test_sections_and_drills() -> None:
    """Each section has a drill, and each drill a section."""
    assert sorted(situation.name for situation in SITUATIONS) == sorted(SECTIONS)


@pytest.mark.parametrize("name", SECTIONS)
def test_parts_of_a_section(name: str) -> None:
    """A section has symptoms, commands, their result and whom to call, in this order."""
    assert list(dict.fromkeys(labels(SECTIONS[name]))) == list(LABELS)
    assert any(not block.may_fail for block in blocks(SECTIONS[name])), "it says nothing to run"


@pytest.mark.parametrize("command", sorted({*IN_THE_RUNBOOK, *quick_commands(), *IN_A_SENTENCE}))
def test_command_with_its_options(command: str) -> None:
    """Each command exists with the options that it is given."""
    program = command.partition(" ")[0]
    assert program in {"azora", "kubectl"}
    if program == "azora":
        parse(command)


@pytest.mark.parametrize(
    "command", ["azora rolback production", "azora status --until-asked", "azora switch production"]
)
def test_command_that_does_not_exist(command: str) -> None:
    """A command that does not exist is found."""
    with pytest.raises(UsageError):
        parse(command)


@pytest.mark.parametrize("command", quick_commands())
def test_quick_reference_commands(command: str) -> None:
    """Each command of the quick reference is in the runbook."""
    assert command in IN_THE_RUNBOOK


def test_quick_reference_rows() -> None:
    """The quick reference has each situation on one page."""
    rows = [line for line in QUICK.splitlines() if line.startswith("| [")]
    assert {link for row in rows for link in LINK.findall(row)} == set(SECTIONS) - {"normal-release"}
    assert all(re.search(r"`(azora|kubectl) [^`]+`[^|]*\|$", row) for row in rows)
    assert len(QUICK.splitlines()) <= PAGE_LINES


def test_links_within_the_runbook() -> None:
    """Each link within the runbook leads to a section."""
    assert set(re.findall(r"\]\(#([a-z0-9-]+)\)", TEXT)) <= set(SECTIONS)


def test_anchor_of_a_heading() -> None:
    """The anchor is the one that GitHub gives."""
    assert anchor("Someone edited the live Service") == "someone-edited-the-live-service"


def test_expected_output_with_dots() -> None:
    """Dots of the runbook stand for any text of the output."""
    block = Block(("azora status",), ("users are on …, but", "kube-apiserver … stopped"))
    answer = "  users are on green, but\n  kube-apiserver           STOPPED\n"
    assert block.missing(answer) == ["kube-apiserver … stopped"]
    assert block.missing(answer.lower()) == []
