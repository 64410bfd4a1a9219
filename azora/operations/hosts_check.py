"""Check of hosts before a namespace gets its rules: other environments, and what leads there already."""

from __future__ import annotations

from collections.abc import Iterator

from azora.core.gate.hosts import broken_rule, hosts_of
from azora.core.gate.marks import Marks
from azora.errors import Refused
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.kubernetes.routes import marked_namespaces, routes


def must_own_hosts(namespace: Namespace) -> None:
    """Raise Refused where another environment of the cluster has one of the hosts, and with it its users."""
    ours = Marks.of(namespace.environment, namespace.application)
    for other, marks in marked_namespaces(namespace.api).items():
        if other != namespace.name and (shared := set(ours.hosts) & set(marks.hosts)):
            raise Refused(
                f"could not apply the rights of {namespace.environment.name}: the host {min(shared)} belongs to namespace {other}",
                advice="give each environment of a cluster its own hosts; after a change of a file, run `azora rights apply` for it",
            )


def against_the_rules(namespace: Namespace) -> Iterator[str]:
    """Ingresses and routes, a line each, that break the rules of hosts or take users elsewhere."""
    marks = Marks.of(namespace.environment, namespace.application)
    marked = marked_namespaces(namespace.api)
    for found in routes(namespace.api, namespace.name):
        where, name = found["metadata"]["namespace"], f"{found['kind']} {found['metadata']['name']}"
        if where == namespace.name:
            yield from (f"{name}: {broken}" for broken in [broken_rule(marks, found)] if broken)
            continue
        judged = "" if where in marked else ", where no policy judges it"
        for host in set(hosts_of(found)) & set(marks.hosts):
            yield f"{name}: it takes {host} into namespace {where}{judged}"
