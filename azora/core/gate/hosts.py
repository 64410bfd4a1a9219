"""Rules of the policies azora-hosts and azora-routes, for Ingresses and routes that are there already.

The policies judge changes alone. A test compares each rule here with the answer of an API server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from azora.core.gate.marks import Marks

Object = Mapping[str, Any]
_CHALLENGE = re.compile(r"/\.well-known/acme-challenge/[-A-Za-z0-9_]*")
ADDS_ROUTES = (
    "zalando.org/skipper-routes",
    "nginx.ingress.kubernetes.io/server-alias",
    "nginx.ingress.kubernetes.io/server-snippet",
    "nginx.ingress.kubernetes.io/configuration-snippet",
    "nginx.ingress.kubernetes.io/upstream-vhost",
)


def hosts_of(found: Object) -> tuple[str, ...]:
    """Host names of an Ingress or route; empty for one that takes every host."""
    spec = found.get("spec") or {}
    named = (rule.get("host") or "" for rule in spec.get("rules") or ())
    return tuple(host for host in (spec.get("hostnames") or named) if host)


def broken_rule(marks: Marks, found: Object) -> str | None:
    """Rule of *marks* that the Ingress or route *found* breaks, or None."""
    rule = _of_ingress if found["kind"] == "Ingress" else _of_route
    return rule(marks, found)


def _of_ingress(marks: Marks, found: Object) -> str | None:
    spec = found.get("spec") or {}
    rules = spec.get("rules") or ()
    hosts = [rule.get("host") or "" for rule in rules]
    if not rules or spec.get("defaultBackend") or not set(hosts) <= set(marks.hosts):
        return _only(marks)
    live = (rule for rule, host in zip(rules, hosts, strict=True) if host == marks.hosts[0])
    if not all(_leads(path, marks) for rule in live for path in (rule.get("http") or {}).get("paths") or ()):
        return _to_live(marks)
    notes = (found.get("metadata") or {}).get("annotations") or {}
    if added := [key for key in ADDS_ROUTES if key in notes]:
        return f"the annotation {added[0]} adds hosts or routes beside its rules"
    return None


def _leads(path: Mapping[str, Any], marks: Marks) -> bool:
    service = ((path.get("backend") or {}).get("service") or {}).get("name")
    return bool(_CHALLENGE.fullmatch(path.get("path") or "")) or service == marks.application


def _of_route(marks: Marks, found: Object) -> str | None:
    names = hosts_of(found)
    if not names or not set(names) <= set(marks.hosts):
        return _only(marks)
    rules: Iterable[Mapping[str, Any]] = (found.get("spec") or {}).get("rules") or ()
    namespace = (found.get("metadata") or {}).get("namespace")
    if marks.hosts[0] in names and not all(_routes(rule, marks, namespace) for rule in rules):
        return _to_live(marks)
    return None


def _routes(rule: Mapping[str, Any], marks: Marks, namespace: str | None) -> bool:
    """Return True when a rule of a route leads to the live Service alone."""
    to = (
        (one.get("name"), one.get("kind", "Service"), one.get("namespace", namespace))
        for one in rule.get("backendRefs") or ()
    )
    elsewhere = ((one.get("requestRedirect") or {}).get("hostname") for one in rule.get("filters") or ())
    return all(one == (marks.application, "Service", namespace) for one in to) and not any(elsewhere)


def _only(marks: Marks) -> str:
    return f"it names other hosts than {', '.join(marks.hosts)}"


def _to_live(marks: Marks) -> str:
    return f"it leads {marks.hosts[0]} to another place than the live Service {marks.application}"
