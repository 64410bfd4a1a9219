"""A commit whose chart takes production's host, released to staging: a real API server and Helm."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from azora.config.environment import Environment, load_environment
from azora.config.settings import Settings
from azora.errors import AzoraError, BadInput, Refused
from azora.gateways.git.repository import resolve
from azora.gateways.kubernetes.gate import mark
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.kubernetes.rbac import let_in
from azora.operations.checkout import checkout
from azora.operations.promotion.context import Context
from azora.operations.promotion.factory import context_of
from azora.operations.promotion.rehearsal import rehearse
from tests.support.api_server import ApiServer
from tests.support.attacks import component_of
from tests.support.gated import gated, ingress
from tests.support.guestbook import SOURCE, environment_file, make_repository
from tests.support.rendering import helm_program
from tests.support.repositories import Repository, at

NAME = "chart-hosts"


@pytest.fixture(scope="module")
def production(server: ApiServer) -> Environment:
    """An environment with the gate on; staging's policies come with it."""
    return gated(server, name=f"{NAME}-production").environment


@pytest.fixture
def staging(server: ApiServer, production: Environment, tmp_path: Path) -> Environment:
    """An environment without approvals, after `azora rights apply`."""
    assert production
    (tmp_path / "staging.yaml").write_text(environment_file(f"{NAME}-{uuid4().hex[:8]}", "staging"))
    found = load_environment("staging", tmp_path)
    let_in(found, server.api(), server.folder)
    mark(Namespace(server.api(), found, "guestbook"))
    return found


def released(server: ApiServer, staging: Environment, folder: Path, host: str, chart: str) -> Context:
    """A release whose *chart* has an Ingress of *host*, on its way to staging with staging's account."""
    repository = Repository(make_repository(folder / "guestbook", SOURCE), made=True)
    found = yaml.safe_dump(ingress(host, to="guestbook", called="taken"))
    repository.commit(f"deployments/charts/{chart}/templates/taken.yaml", found, "Serve more hosts")
    here = {"state": folder / "state", "identities": server.folder}
    settings: Settings = at(repository, node="none", application="guestbook", helm=helm_program(), **here)
    commit = resolve("main", settings)
    release = checkout(commit.sha, settings).placeholder_release(commit.subject, "registry.example")
    return context_of(staging, release, run="run", settings=settings)


@pytest.mark.attack("a commit's chart takes production's host, on staging", by="policy azora-hosts")
@pytest.mark.parametrize("chart", ["guestbook", "router"])
def test_host_of_production(
    server: ApiServer, staging: Environment, production: Environment, tmp_path: Path, chart: str
) -> None:
    """The run ends before it installs anything, and names the Ingress, its hosts and the policy."""
    context = released(server, staging, tmp_path, production.hosts.live, chart)
    context.first_look()
    with pytest.raises(BadInput) as refused:
        rehearse(context, context.cluster.look())
    said = refused.value.message
    assert component_of(said) == "policy azora-hosts"
    assert said.startswith("could not install into staging: the cluster would refuse\n  Ingress taken of guestbook")
    assert f"an Ingress of {staging.namespace} names its own hosts only: {staging.hosts.live}" in said
    assert "name only the hosts of the environment's file" in refused.value.advice


@pytest.mark.attack(
    "Helm installs a chart that takes production's host, with staging's account", by="policy azora-hosts"
)
def test_host_of_production_by_helm(
    server: ApiServer, staging: Environment, production: Environment, tmp_path: Path
) -> None:
    """A pipeline that forgot to look first is refused by the cluster."""
    context = released(server, staging, tmp_path, production.hosts.live, "router")
    chart, values = context.router_for(context.cluster.look().preview)
    with pytest.raises(AzoraError) as refused:
        context.install("guestbook", chart, values, timeout_seconds=20, wait=False)
    assert isinstance(refused.value, Refused)
    assert component_of(refused.value.message) == "policy azora-hosts"


def test_hosts_of_staging(server: ApiServer, staging: Environment, tmp_path: Path) -> None:
    """An Ingress of its own hosts is let through."""
    context = released(server, staging, tmp_path, staging.hosts.live, "router")
    rehearse(context, context.cluster.look())
