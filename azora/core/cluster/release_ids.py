"""Releases by their whole ids, whatever an older version or a label calls them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from azora.core.cluster.state import Stack, World
from azora.core.release.release import whole_id


def with_whole_ids(world: World, remembered: Iterable[str]) -> World:
    """*world* with each release by its whole id, as far as *remembered* or the world itself has it."""
    whole = partial(whole_id, known={*remembered, *_recorded(world)})
    return replace(
        world,
        selected_release=whole(world.selected_release),
        stacks={color: _whole_stack(stack, whole) for color, stack in world.stacks.items()},
        switches=tuple(one.model_copy(update={"release": whole(one.release)}) for one in world.switches),
        proofs=tuple(one.model_copy(update={"release": whole(one.release)}) for one in world.proofs),
    )


def _whole_stack(stack: Stack, whole: partial[str | None]) -> Stack:
    record = stack.record and stack.record.model_copy(update={"release": whole(stack.record.release)})
    return replace(stack, release=whole(stack.release), record=record)


def _recorded(world: World) -> set[str]:
    installed = {stack.record.release for stack in world.stacks.values() if stack.record}
    return installed | {one.release for one in world.switches} | {one.release for one in world.proofs}
