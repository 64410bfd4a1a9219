"""Environments of one cluster with the same namespace or host: a release of one would be the other's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from azora.config.environment import Environment, environments_of_flows, load_environment
from azora.config.identity import of_pipeline
from azora.config.settings import Settings
from azora.errors import BadInput
from azora.gateways.kubernetes.kubeconfig import server_of


def must_be_apart(settings: Settings) -> None:
    """Check the environments of this machine, those of the flows among them. No cluster is asked.

    Two clusters may have the same names. An environment without a kubeconfig here is nobody's neighbour.

    Raises:
        BadInput: a file is missing or wrong, or two environments are the same place.
    """
    found = [load_environment(name, settings.environments) for name in environments_of_flows(settings.environments)]
    servers = {one.name: _server(one, settings) for one in found}
    for one, other in combinations(found, 2):
        if not (servers[one.name] and servers[one.name] == servers[other.name]):
            continue
        if shared := list(_shared(one, other)):
            raise BadInput(
                f"could not tell the environments {one.name!r} and {other.name!r} apart: "
                f"both have the {' and the '.join(shared)} at {servers[one.name]}",
                advice=f"correct their files in {str(settings.environments)!r}",
            )


def _server(environment: Environment, settings: Settings) -> str | None:
    try:
        who = of_pipeline(environment, settings)
        return server_of(who.kubeconfig, who.context)
    except BadInput:
        return None  # said where this environment is released


def _shared(one: Environment, other: Environment) -> Iterator[str]:
    if one.namespace == other.namespace:
        yield f"namespace {one.namespace!r}"
    both = {one.hosts.live, one.hosts.preview} & {other.hosts.live, other.hosts.preview}
    yield from (f"host {host!r}" for host in sorted(both))
