"""Two environments in one place are refused before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.config.settings import ROOT, Settings
from azora.errors import BadInput
from azora.operations.environment_overlap import must_be_apart


def settings_of(folder: Path, staging: str, production: str, *, clusters: tuple[str, ...] = ("c", "c")) -> Settings:
    """A machine with two environments (namespace, live host) and an account in a cluster for each."""
    for name, place, cluster in zip(("staging", "production"), (staging, production), clusters, strict=False):
        namespace, host = place.split()
        (folder / f"{name}.yaml").write_text(
            f"{{namespace: {namespace}, hosts: {{live: {host}, preview: next.{host}}}}}"
        )
        (folder / f"{name}.kubeconfig").write_text(
            f"{{clusters: [{{name: c, cluster: {{server: 'https://{cluster}/'}}}}], users: [{{name: u, user: {{}}}}],"
            f" contexts: [{{name: x, context: {{cluster: c, user: u}}}}], current-context: x}}"
        )
    return Settings(environments=folder, identities=folder)


@pytest.mark.parametrize(
    ("staging", "production", "said"),
    [
        pytest.param("shop a", "shop b", "both have the namespace 'shop' at https://c", id="one namespace"),
        pytest.param("s a", "p a", "both have the host 'a' and the host 'next.a' at https://c", id="one host"),
        pytest.param("s a", "p next.a", "both have the host 'next.a' at", id="preview of the other"),
    ],
)
def test_environments_in_one_place(tmp_path: Path, staging: str, production: str, said: str) -> None:
    """The error has both names and what they share."""
    with pytest.raises(BadInput, match=f"environments 'production' and 'staging' apart: {said}"):
        must_be_apart(settings_of(tmp_path, staging, production))


def test_environments_of_two_clusters(tmp_path: Path) -> None:
    """Two clusters may have the same names."""
    must_be_apart(settings_of(tmp_path, "shop a", "shop a", clusters=("one", "two")))


def test_environment_without_an_account(tmp_path: Path) -> None:
    """A release to staging does not need production's account."""
    settings = settings_of(tmp_path, "shop a", "shop a")
    (tmp_path / "production.kubeconfig").unlink()
    must_be_apart(settings)


@pytest.mark.parametrize("folder", ["deployments/environments", "docs/examples/environments"])
def test_environments_of_the_repository(tmp_path: Path, folder: str) -> None:
    """The files that come with Azora are apart."""
    known = settings_of(tmp_path, "s a", "p b")
    must_be_apart(known.model_copy(update={"environments": ROOT / folder}))
