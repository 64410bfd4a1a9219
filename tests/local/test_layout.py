"""A node's name decides its place, and no two places meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.errors import BadInput
from azora.local.layout import Layout, known, layout, remember

DERIVED = ("a", "b", "mine", "lab", "node2")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AZORA_SUBNET", "AZORA_PORT_BASE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def ports_of(node: Layout) -> tuple[int, ...]:
    """On the machine's own loopback."""
    return node.ingress_port, node.prefect_port, node.reports_port, node.prometheus_port


@pytest.mark.parametrize(
    ("name", "address", "ports"),
    [
        pytest.param("demo", "10.98.0.2", (8080, 4200, 4280, 4290), id="demo"),
        pytest.param("test", "10.99.0.2", (18080, 14200, 14280, 14290), id="test"),
    ],
)
def test_the_known_nodes_are_where_the_documentation_says(name: str, address: str, ports: tuple[int, ...]) -> None:
    node = layout(name)
    assert node.address == address
    assert ports_of(node) == ports


def test_no_two_nodes_share_a_port_or_a_subnet() -> None:
    nodes = [layout(name) for name in ("demo", "test", *DERIVED)]
    ports = [port for node in nodes for port in ports_of(node)]
    assert len(ports) == len(set(ports))
    assert len({node.network for node in nodes}) == len(nodes)
    assert max(ports) < 65536


def test_asked_for_places_are_taken_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZORA_SUBNET", "10.97.0.0/24")
    monkeypatch.setenv("AZORA_PORT_BASE", "30000")
    node = layout("mine")
    node.state.mkdir(parents=True)
    remember(node)
    monkeypatch.delenv("AZORA_SUBNET")
    assert layout("mine") == node
    assert (node.address, node.ingress_port) == ("10.97.0.2", 38080)


def test_what_is_asked_for_does_not_move_a_known_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZORA_SUBNET", "10.97.0.0/24")
    monkeypatch.setenv("AZORA_PORT_BASE", "30000")
    assert layout("demo").address == "10.98.0.2"


@pytest.mark.parametrize("name", ["", "Demo", "9lives", "a-b", "../etc", "muchtoolong"])
def test_a_name_that_could_not_be_a_name_everywhere_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="could not use"):
        layout(name)


@pytest.mark.parametrize(("subnet", "base"), [("10.97.0.0/16", "1000"), ("10.97.0.0/24", "60000"), ("x", "1000")])
def test_a_place_that_does_not_work_is_refused(monkeypatch: pytest.MonkeyPatch, subnet: str, base: str) -> None:
    monkeypatch.setenv("AZORA_SUBNET", subnet)
    monkeypatch.setenv("AZORA_PORT_BASE", base)
    with pytest.raises(BadInput, match="AZORA_PORT_BASE"):
        layout("mine")


def test_nodes_with_a_state_folder_are_known(home: Path) -> None:
    for name in ("demo", "mine"):
        (home / ".local/state/azora" / name).mkdir(parents=True)
    (home / ".local/state/azora/.demo.lock").touch()
    assert known() == ["demo", "mine"]
