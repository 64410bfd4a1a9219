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
    return node.ingress_port, node.prefect_port, node.reports_port, node.viewer_port, node.prometheus_port


@pytest.mark.parametrize(
    ("name", "address", "ports"),
    [
        pytest.param("demo", "10.98.0.2", (8080, 4200, 4280, 4281, 4290), id="demo"),
        pytest.param("test", "10.99.0.2", (18080, 14200, 14280, 14281, 14290), id="test"),
    ],
)
def test_layout_of_the_known_nodes(name: str, address: str, ports: tuple[int, ...]) -> None:
    """Addresses and ports of the known nodes are those of the documentation."""
    node = layout(name)
    assert node.address == address
    assert ports_of(node) == ports


def test_layout_of_many_nodes() -> None:
    """No two nodes share a port or a subnet."""
    nodes = [layout(name) for name in ("demo", "test", *DERIVED)]
    ports = [port for node in nodes for port in ports_of(node)]
    assert len(ports) == len(set(ports))
    assert len({node.network for node in nodes}) == len(nodes)
    assert max(ports) < 65536


def test_layout_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Subnet and ports of the variables are taken and remembered."""
    monkeypatch.setenv("AZORA_SUBNET", "10.97.0.0/24")
    monkeypatch.setenv("AZORA_PORT_BASE", "30000")
    node = layout("mine")
    node.state.mkdir(parents=True)
    remember(node)
    monkeypatch.delenv("AZORA_SUBNET")
    assert layout("mine") == node
    assert (node.address, node.ingress_port) == ("10.97.0.2", 38080)


def test_layout_of_an_existing_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables do not move a known node."""
    monkeypatch.setenv("AZORA_SUBNET", "10.97.0.0/24")
    monkeypatch.setenv("AZORA_PORT_BASE", "30000")
    assert layout("demo").address == "10.98.0.2"


@pytest.mark.parametrize("name", ["", "Demo", "9lives", "a-b", "../etc", "muchtoolong"])
def test_layout_of_a_bad_name(name: str) -> None:
    """A name that is not valid everywhere is refused."""
    with pytest.raises(BadInput, match="could not use"):
        layout(name)


@pytest.mark.parametrize(("subnet", "base"), [("10.97.0.0/16", "1000"), ("10.97.0.0/24", "60000"), ("x", "1000")])
def test_layout_of_a_bad_place(monkeypatch: pytest.MonkeyPatch, subnet: str, base: str) -> None:
    """A subnet or port base that cannot work is refused."""
    monkeypatch.setenv("AZORA_SUBNET", subnet)
    monkeypatch.setenv("AZORA_PORT_BASE", base)
    with pytest.raises(BadInput, match="AZORA_PORT_BASE"):
        layout("mine")


def test_known_nodes(home: Path) -> None:
    """The known nodes are those with a state folder."""
    for name in ("demo", "mine"):
        (home / ".local/state/azora" / name).mkdir(parents=True)
    (home / ".local/state/azora/.demo.lock").touch()
    assert known() == ["demo", "mine"]
