"""Safety rules: what may serve users, and what may be installed beside what serves them."""

from __future__ import annotations

from azora.core.cluster.state import Stack, World
from azora.core.colors import Color
from azora.core.release.migrations import Code, Migration, breaking, past, together
from azora.core.release.release import shown
from azora.errors import Refused


def may_serve(world: World, color: Color) -> str | None:
    """Why the stack of *color* must not get users, or None when it may (promise P3)."""
    stack = world.stack(color)
    return _not_proved(world, stack) or outdated(world, stack)


def must_know_helm(world: World, where: str) -> None:
    """Raise Refused where a user without Helm's Secrets would install something in *where*."""
    if not world.helm_is_known:
        raise Refused(
            f"could not install a release in {where}: this user may not read Helm's Secrets",
            advice="let the pipeline do it: start the flow, or run the command on the worker's machine without AZORA_KUBECONFIG",
        )


def drifted(world: World) -> str | None:
    """Difference between the live Service or its stack and the log of switches; None without drift."""
    last, live = world.last_switch, world.active_stack
    if last is None:
        return None
    sent = f"switch {last.number} sent users to {last.to}, release {shown(last.release)}"
    if world.has_drifted:
        release = f", release {shown(world.selected_release)}" if world.selected_release else ""
        return f"{sent}, and the live Service selects {world.active or 'no color'}{release}"
    if live and live.wanted and live.release != last.release:
        return f"{sent}, and the {live.color} stack runs {shown(live.release) or 'several releases'}"
    return None


def was_approved(world: World, release: str) -> bool:
    """Return True when *release* got users here by an approval, or before the environment required any."""
    first = next((switch.at for switch in world.switches if switch.approval), None)
    since = world.approval_since or first
    return any(
        switch.release == release and (switch.approval is not None or since is None or switch.at < since)
        for switch in world.switches
    )


def may_be_installed(world: World, release: Code) -> str | None:
    """Reason why *release* must not be installed beside the active color, or None.

    Its migrations run first.
    """
    if world.active and (contract := breaking(release, world.serving)):
        return f"migration {contract.revision} would break the active release: {_why(world, contract)}"
    if contract := past(release, world.ran):
        return f"it was made without migration {contract.revision}, a contract that the database holds"
    return None


def _why(world: World, contract: Migration) -> str:
    if world.serving is None:
        return f"it is a contract, and the record does not list {contract.contracts} for that release"
    return f"it is a contract, and release {shown(world.serving.release)} does not have {contract.contracts}, which it follows"


def outdated(world: World, stack: Stack) -> str | None:
    """Why the code of *stack* does not fit the database any more, or None."""
    contract = past(stack.known, together(world.ran, world.migrating))
    if contract is None:
        return None
    ran = "ran later" if contract in world.ran else "may have run in a failed install"
    return (
        f"the {stack.color} stack runs {shown(stack.release)}, made without migration {contract.revision}, "
        f"a contract that {ran}"
    )


def _not_proved(world: World, stack: Stack) -> str | None:
    if stack.helm is None and world.helm_is_known:
        return f"no {stack.color} stack is installed"
    if not stack.is_ready:
        missing = {
            name: f"{stack.ready.get(name, 0)}/{count}"
            for name, count in stack.wanted.items()
            if stack.ready.get(name, 0) < count or count == 0
        }
        return f"the {stack.color} stack is not ready: {missing or 'it has no desired pods'}"
    if not stack.is_proved:
        return f"the {stack.color} stack runs {shown(stack.release)}, which is not proved here"
    return None
