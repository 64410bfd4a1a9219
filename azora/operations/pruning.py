"""Pruning, kind by kind: read, decide, remove one after the other. Safe to kill, safe to repeat.

What is needed is looked up after the things themselves: whatever began to need one of them in between is seen.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from azora.config.environment import environments, load_environment
from azora.config.settings import Settings
from azora.core.retention import Decision, Item, Limit, Needs, Unfinished, decisions, needs_of_environment, needs_of_run
from azora.errors import AzoraError, Failed
from azora.gateways.git.export import remove_export
from azora.gateways.images.buildah import kept_layers, nothing_is_built, remove_layer, remove_unfinished
from azora.gateways.images.catalog import images_in_registry, remove_image
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.prefect.old_runs import ended_runs, remove_run, unfinished
from azora.host.child_environment import REGISTRY, child_environment
from azora.host.folders import finish_removals, folders_in, remove
from azora.host.process import run
from azora.host.writes import System, writing
from azora.operations.approval_requests import forget_stale, stale_questions
from azora.operations.built_images import record_of_images
from azora.operations.checkout import checkout
from azora.operations.preview_removal import abandoned_preview, remove_abandoned
from azora.operations.reports.retention import BY_HAND, limit_of_reports, run_folders

SWEEP_TIMEOUT_SECONDS = 900.0
EXPORTS = ("exports", "exports-for-tests", "caches")
UNSWEPT = "registry-unswept"


@dataclass(frozen=True)
class Part:
    """Result for one kind: what was (or would be) removed, what stayed, and the error that stopped it."""

    kind: str
    gone: tuple[Decision, ...] = ()
    kept: tuple[Decision, ...] = ()
    trouble: str = ""

    @property
    def freed_bytes(self) -> int:
        return sum(decision.item.size for decision in self.gone)


@dataclass(frozen=True)
class _Kind:
    name: str
    limit: Limit
    items: Callable[[], list[Item]]
    needs: Callable[[], Needs]
    remove: Callable[[Item], bool]
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    each_alone: bool = False  # what cannot be removed of it says nothing about the next


def prune(settings: Settings, *, dry_run: bool) -> list[Part]:
    """Remove what the settings' limits allow, or only list it; an error of one kind does not stop others."""
    floor = timedelta(hours=settings.keep_at_least_hours)
    return [
        _questions(settings, dry_run=dry_run),
        _previews(settings, dry_run=dry_run),
        *(_pruned(kind, floor, dry_run=dry_run) for kind in _kinds(settings)),
    ]


def _questions(settings: Settings, *, dry_run: bool) -> Part:
    """Approval requests whose run is over or gone: however young, nobody can answer them."""
    gone: list[Decision] = []
    troubles = []
    for name in environments(settings.environments):
        try:
            cluster = connect(load_environment(name, settings.environments), settings)
            stale = stale_questions(cluster.record) if dry_run else forget_stale(cluster, settings)
        except (AzoraError, ValueError) as error:
            troubles.append(str(error))
            continue
        gone += [Decision(Item(f"{name}/{one.run}", one.at), True, "its run is finished or deleted") for one in stale]
    return Part("approval requests", tuple(gone), trouble="\n".join(troubles))


def _previews(settings: Settings, *, dry_run: bool) -> Part:
    """Previews to be removed by policy whose run did not: it was killed, or waited too long."""
    gone: list[Decision] = []
    troubles = []
    for name in environments(settings.environments):
        try:
            cluster = connect(load_environment(name, settings.environments), settings)
            found = abandoned_preview(cluster) if dry_run else remove_abandoned(cluster, settings)
        except (AzoraError, ValueError) as error:
            troubles.append(str(error))
            continue
        gone += [Decision(Item(f"{name}/{found.color}", found.at), True, "its run is over")] if found else []
    return Part("previews", tuple(gone), trouble="\n".join(troubles))


def _pruned(kind: _Kind, floor: timedelta, *, dry_run: bool) -> Part:
    gone: list[Decision] = []
    kept: list[Decision] = []
    troubles: list[str] = []
    try:
        with nullcontext() if dry_run else kind.around():
            items = kind.items()
            for decision in decisions(items, kind.limit, now=datetime.now(UTC), floor=floor, needs=kind.needs()):
                goes = decision.goes and (dry_run or _removed(kind, decision.item, troubles))
                (gone if goes else kept).append(decision)
    except AzoraError as error:
        troubles.append(str(error))
    except (OSError, ValueError) as error:  # a disk that is full, a record that cannot be read
        troubles.append(f"could not prune {kind.name}: {error}")
    return Part(kind.name, tuple(gone), tuple(kept), "\n".join(troubles))


def _removed(kind: _Kind, item: Item, troubles: list[str]) -> bool:
    """Remove *item*; where the next one may still go, an error is noted and not raised."""
    try:
        return kind.remove(item)
    except Failed as error:
        if not kind.each_alone:
            raise
        troubles.append(str(error))
        return False


def _kinds(settings: Settings) -> list[_Kind]:
    """Images last: their registry may be away for a second after them."""
    return [_exports(settings), _reports(settings), _layers(settings), _runs(settings), _images(settings)]


def _exports(settings: Settings) -> _Kind:
    state = settings.state_folder

    def items() -> list[Item]:
        return [item for name in EXPORTS for item in folders_in(state, name, group=name, by_content=False)]

    def remove_unused(item: Item) -> bool:
        return item.at is not None and remove_export(state / item.name, unused_since=item.at)

    return _Kind(
        "exports",
        _limit(settings.keep_exports_days, settings.keep_exports),
        items,
        lambda: _needs(settings),
        remove_unused,
        lambda: _cleared(*(state / name for name in EXPORTS)),
        each_alone=True,
    )


def _reports(settings: Settings) -> _Kind:
    folder = settings.runs_folder

    return _Kind(
        "reports",
        limit_of_reports(settings),
        lambda: run_folders(folder),
        lambda: _needs(settings),
        lambda item: remove(folder / item.name),
        lambda: _cleared(folder, folder / BY_HAND),
        each_alone=True,
    )


def _layers(settings: Settings) -> _Kind:
    @contextmanager
    def alone() -> Iterator[None]:
        with nothing_is_built("drop old layers"):
            remove_unfinished()
            yield

    return _Kind("layers", _limit(settings.keep_layers_days), kept_layers, dict, remove_layer, alone)


def _runs(settings: Settings) -> _Kind:
    limit = _limit(settings.keep_prefect_days, settings.keep_prefect_runs)
    return _Kind(
        "runs",
        limit,
        lambda: ended_runs(application=settings.application),
        lambda: _needs(settings),
        lambda item: remove_run(item.name, application=settings.application),
    )


def _images(settings: Settings) -> _Kind:
    def remove_marked(item: Item) -> bool:
        mark = settings.state_folder / UNSWEPT
        with writing(System.FILES, str(mark)):
            mark.touch()
        gone = remove_image(item, settings)
        record_of_images(settings).forget(item.known_as)
        return gone

    return _Kind(
        "images",
        _limit(settings.keep_images_days, settings.keep_images),
        lambda: images_in_registry(settings),
        lambda: _needs(settings, with_images=True),
        remove_marked,
        lambda: _swept(settings),
    )


def _limit(days: float, count: int | None = None) -> Limit:
    return Limit(timedelta(days=days), count)


@contextmanager
def _cleared(*folders: Path) -> Iterator[None]:
    """Rid of what a killed process was removing. Raises Failed after the block for what stays."""
    troubles = [trouble for folder in folders for trouble in finish_removals(folder)]
    yield
    if troubles:
        raise Failed("\n".join(troubles), advice="remove them by hand, as their owner or root")


@contextmanager
def _swept(settings: Settings) -> Iterator[None]:
    """Free the registry's blobs after the block, including those that a killed process left."""
    yield
    mark = settings.state_folder / UNSWEPT
    if mark.is_file():
        if settings.registry_sweep:
            _sweep(settings.registry_sweep)
        with writing(System.FILES, f"remove {mark}"):
            mark.unlink()


def _sweep(command: str) -> None:
    what = "free the registry's unused blobs"
    with writing(System.REGISTRY, "sweep"):
        env = child_environment(*REGISTRY, "AZORA_*")
        done = run(shlex.split(command), env=env, timeout_seconds=SWEEP_TIMEOUT_SECONDS, what=what)
    if done.returncode:
        raise Failed(f"could not {what}: {done.tail(5)}", advice="the next pruning retries")


def _needs(settings: Settings, *, with_images: bool = False) -> Needs:
    """Needs of every environment and of every unfinished run. Raises where one of them cannot be reached."""
    found: dict[str, str] = {}
    for run_ in unfinished(application=settings.application):
        found |= needs_of_run(run_, _tags(run_, settings) if with_images else ())
    for name in environments(settings.environments):
        found |= _needs_of(connect(load_environment(name, settings.environments), settings))
    return found


def _needs_of(cluster: Cluster) -> Needs:
    pods = cluster.pods()
    images = [
        container["image"]
        for pod in pods
        for kind in ("containers", "initContainers")
        for container in pod["spec"].get(kind) or []
    ]
    return needs_of_environment(cluster.namespace.environment.name, cluster.look(), cluster.record.releases(), images)


def _tags(unfinished_run: Unfinished, settings: Settings) -> list[str]:
    tags = checkout(unfinished_run.commit, settings).tags(settings) if unfinished_run.commit else {}
    return [f"{name}:{tag}" for name, tag in tags.values()]
