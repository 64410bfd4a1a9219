"""Values that no chart would get are refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from azora.config.application import load_application
from azora.config.environment import load_environment
from azora.config.settings import ROOT, Settings
from azora.errors import BadInput
from azora.operations.checkout import Checkout, must_be_releasable
from tests.support.guestbook import SOURCE
from tests.support.rendering import helm_program

FILES = ROOT / "docs/examples/environments"  # staging, production
VALUES = "deployments/values"


def look(folder: Path, *files: str, values: str = VALUES) -> None:
    """Look at the guestbook with *files* added, as a release to production does."""
    shutil.copytree(SOURCE, folder)
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("book: {title: t}\n")
    text = folder / "deployments/application.yaml"
    text.write_text(text.read_text().replace(f"values: {VALUES}\n", f"values: {values}\n"))
    found = Checkout("0" * 40, folder, load_application(folder))
    settings = Settings(environments=FILES, application="guestbook", helm=helm_program())
    must_be_releasable(found, settings)
    production = load_environment("production", FILES)  # it has values of its own for the stack alone
    list(found.delivery(found.placeholder_release("", "r"), production, settings).values.values())


@pytest.mark.parametrize(
    ("file", "said"),
    [
        pytest.param(f"{VALUES}/guestbok/production.yaml", "'deployments/values/guestbok/production.yaml': no chart reads", id="folder"),
        pytest.param(f"{VALUES}/production.yml", "'deployments/values/production.yml': no chart reads", id="no folder"),
        pytest.param(f"{VALUES}/router/prod.yaml", "there is no production.yaml, and no environment for prod.yaml", id="name"),
        pytest.param(f"{VALUES}/router/production.yml", "Azora reads production.yaml", id="suffix"),
        pytest.param(f"{VALUES}/router/prod.json", "and no environment for prod.json", id="name of a JSON file"),
    ],
)  # fmt: skip
def test_values_that_no_chart_gets(tmp_path: Path, file: str, said: str) -> None:
    """The error names the file."""
    with pytest.raises(BadInput, match=said):
        look(tmp_path / "guestbook", file)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param([], id="nothing of its own"),
        pytest.param([f"{VALUES}/router/README.md", f"{VALUES}/README.md"], id="text for people"),
        pytest.param([f"{VALUES}/guestbook/qa.yaml"], id="of another machine"),
        pytest.param([f"{VALUES}/router/staging.yaml"], id="of another environment"),
    ],
)
def test_values_folder_that_fits(tmp_path: Path, files: list[str]) -> None:
    """Other files are nobody's business."""
    look(tmp_path / "guestbook", *files)


def test_values_beside_other_files(tmp_path: Path) -> None:
    """A folder of values that holds the charts too has files of other kinds."""
    look(tmp_path / "guestbook", "deployments/environments/production.yaml", values="deployments")
