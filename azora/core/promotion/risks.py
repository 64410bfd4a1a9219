"""Risks of a promotion that its approver reads before anything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from azora.core.cluster.record import Switch
from azora.core.promotion.plan import Plan, counted
from azora.core.release.release import shown


@dataclass(frozen=True)
class Risk:
    """One fact that speaks against an approval, and what follows from it."""

    title: str
    detail: str = ""


@dataclass(frozen=True)
class Seen:
    """Facts beside the plan.

    *restarts*: workloads of the databases whose pods are replaced. *by_color*: objects that differ between the colors.
    *policy_of*: number of the last promotion, where the environment's file was another one. *rolled_back*: users are where a rollback
    sent them. *flaky*: cases that failed at first. *unknown*: what could not be read, with the reason.
    """

    restarts: tuple[str, ...] = ()
    by_color: tuple[str, ...] = ()
    policy_of: int | None = None
    rolled_back: Switch | None = None
    flaky: int = 0
    unknown: tuple[str, ...] = ()


def risks_of(plan: Plan, seen: Seen) -> tuple[Risk, ...]:
    """Risks of *plan*, the worst ones first."""
    return (
        *_in_force(plan),
        *_lasting(plan, seen),
        *_of_rules(plan, seen),
        *_of_commits(plan, seen),
        *map(_unknown, seen.unknown),
    )


def _in_force(plan: Plan) -> Iterator[Risk]:
    """Acts of people that hold now."""
    if freeze := plan.freeze:
        yield Risk(
            f"{plan.environment} is frozen until {freeze.until:%Y-%m-%d %H:%M} UTC", f"by {freeze.by}: {freeze.reason}"
        )
    for one in plan.overrides:
        yield Risk("An override of the gate is in force", f"{one.where}, by {one.by}: {one.reason}")


def _lasting(plan: Plan, seen: Seen) -> Iterator[Risk]:
    """Risks that a rollback does not undo."""
    if contracts := [one.revision for one in plan.migrations if one.phase == "contract"]:
        yield Risk(
            "No rollback to the active release",
            f"contract migration {', '.join(contracts)} removes what the active release uses; correct errors by a newer release",
        )
    if seen.restarts:
        yield Risk("Databases restart", f"before the preview is installed, for both colors: {', '.join(seen.restarts)}")


def _of_rules(plan: Plan, seen: Seen) -> Iterator[Risk]:
    if seen.policy_of is not None:
        yield Risk(
            f"The rules of {plan.environment} changed since the last promotion",
            f"its file is another one than at switch {seen.policy_of}, or this is a newer Azora",
        )
    if seen.by_color:
        yield Risk(
            "Objects differ by color",
            f"the chart renders more than the color's name differently for {plan.preview}: {', '.join(seen.by_color)}",
        )
    if plan.router_changes:
        yield Risk("The router changes", "users reach the release through other objects: its chart, values or hosts")


def _of_commits(plan: Plan, seen: Seen) -> Iterator[Risk]:
    if plan.on_main is False:
        yield Risk("The commit is not on the main branch")
    if plan.on_main is None:
        yield Risk("It is unknown whether the commit is on the main branch")
    if plan.lost is None:
        yield Risk("Commits that users would lose are unknown", "the commit of the active release is unknown")
    elif plan.lost:
        yield Risk(
            f"{counted(len(plan.lost), 'commit')} that users would lose", "the release is older, or of another branch"
        )
    if seen.rolled_back:
        back = seen.rolled_back
        yield Risk(
            "Users were rolled back",
            f"switch {back.number}, {back.at:%Y-%m-%d %H:%M} UTC, to release {shown(back.release)}",
        )
    if plan.proof is None:
        yield Risk("No stage has proved the release")
    if seen.flaky:
        yield Risk(f"{counted(seen.flaky, 'flaky case')}", "failed at first, and passed at a second try")


def _unknown(what: str) -> Risk:
    return Risk("Not everything could be read", what)
