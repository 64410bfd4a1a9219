"""Binding of an approval: the facts whose change voids the approval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from azora.config.environment import Environment
from azora.core.cluster.state import World
from azora.core.promotion.goal import Wanted
from azora.core.release.migrations import pending
from azora.core.release.release import digest, shown


@dataclass(frozen=True)
class Bound:
    """Release and environment in their present state.

    `policy` and `router` are digests, `switch` is the number of the last one.
    """

    environment: str
    release: str
    policy: str
    router: str
    active: str | None
    serves: str | None
    switch: int
    migrations: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """64 hex digits: the hash of the plan."""
        return digest(asdict(self))

    def differences(self, later: Bound) -> list[str]:
        """List the differences in *later*, a line each."""
        return [line for name, line in _lines(self, later) if getattr(self, name) != getattr(later, name)]


BOUND: TypeAdapter[Bound] = TypeAdapter(Bound)


def policy_digest(environment: Environment) -> str:
    """SHA-256 (hex) of every rule of the environment's file; who receives notifications is none."""
    return digest(environment.model_dump(mode="json", exclude={"notices"}))


def bound_of(world: World, wanted: Wanted) -> Bound:
    """The binding of an approval for *wanted* while *world* is as it is."""
    stack = world.active_stack
    return Bound(
        environment=wanted.environment,
        release=wanted.release,
        policy=wanted.policy,
        router=wanted.router_digest,
        active=world.active,
        serves=stack.release if stack else None,
        switch=world.last_switch.number if world.last_switch else 0,
        migrations=tuple(one.revision for one in pending(wanted.code, world.serving)) if wanted.code else (),
    )


def _lines(before: Bound, later: Bound) -> Iterator[tuple[str, str]]:
    yield "environment", f"the environment is {later.environment}, not {before.environment}"
    yield "release", f"the release is {shown(later.release)}, not {shown(before.release)}"
    yield "policy", f"the file of {later.environment} changed"
    yield "router", "the router's objects changed"
    yield "serves", f"the active release is {_served(later)}, not {_served(before)}"
    yield "active", f"the active color is {later.active or 'none'}, not {before.active or 'none'}"
    yield "switch", f"the last switch is number {later.switch}, not {before.switch}"
    yield "migrations", f"the migrations to run are {_listed(later)}, not {_listed(before)}"


def _served(bound: Bound) -> str:
    return f"{shown(bound.serves)} ({bound.active})" if bound.active else "nobody"


def _listed(bound: Bound) -> str:
    return ", ".join(bound.migrations) or "none"
