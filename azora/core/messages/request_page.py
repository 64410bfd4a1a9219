"""Request for an approval as `azora approve` shows it to a person of the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from azora.config.environment import ApprovalPolicy
from azora.core.cluster.state import World
from azora.core.gate.authors import unknown
from azora.core.gate.request import ForPeople
from azora.core.gate.tally import Tally
from azora.core.messages.markdown import cell, code
from azora.core.messages.plan_page import ON_MAIN, format_active, format_limits, format_override
from azora.core.messages.tally_text import left_out, sentence, who_may
from azora.core.promotion.plan import counted
from azora.core.record.events import Commits
from azora.core.release.release import shown

SHOWN_AUTHORS = 10
STAYS = "an approval now stays, and counts when the run is resumed after it"


def page(
    asked: ForPeople,
    world: World,
    tally: Tally,
    policy: ApprovalPolicy,
    *,
    running: Mapping[str, str],
    new: Iterable[str],
    now: datetime,
) -> str:
    """Markdown: the plan from a fresh look at *world*, and whose approval is missing.

    *running*: images of what serves users, by name. *new*: images that Azora did not build and that nobody approved before.
    """
    release, bound = asked.release, asked.bound
    rows = [
        *_warnings(asked, world, now),
        ("active now", format_active(world.active, world.active_stack.title if world.active_stack else "")),
        ("active after the switch", f"{world.preview}: {cell(release.title)}"),
        ("commit", f"`{release.commit}`"),
        ("proof", cell(asked.more.proof)),
        ("on the main branch", ON_MAIN[asked.more.on_main]),
        ("migrations", ", ".join(map(cell, bound.migrations)) or "none to run"),
        ("commits", f"{_number(asked.more.gained)} new, {_number(asked.more.lost)} lost"),
        ("authors", _authors(asked, policy)),
        ("objects", cell(shown(asked.more.objects) or "not rendered")),
        ("approvals", sentence(tally, cell)),
        ("may approve", who_may(policy, cell)),
        ("answer until", f"{asked.until:%Y-%m-%d %H:%M} UTC"),
        ("plan", f"`{shown(asked.plan)}`"),
        ("record", f"`{asked.head.short}`"),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return "\n\n".join(
        [
            f"## {code(release.subject.strip() or release.short)}",
            f"| | {bound.environment} |\n|---|---|\n{table}",
            *(f"**{text}**" for text in map(code, left_out(tally))),
            *_commits("Lost commits", asked.more.lost),
            *_commits("New commits", asked.more.gained),
            *_images(asked, running, list(new)),
        ]
    )


def _warnings(asked: ForPeople, world: World, now: datetime) -> list[tuple[str, str]]:
    """Freeze and overrides in force, first of all."""
    freeze = world.freezes.in_force(now)
    exception = freeze.exception(asked.release.id, asked.run) if freeze else None
    frozen = [("⚠ frozen", format_limits(freeze, exception, STAYS))] if freeze else []
    return [*frozen, *(("⚠ override in force", format_override(one)) for one in world.overrides)]


def _number(commits: Commits) -> str:
    return "unknown" if commits.number is None else str(commits.number)


def _authors(asked: ForPeople, policy: ApprovalPolicy) -> str:
    if not policy.excludes_authors:
        return "may approve here"
    strangers = unknown(asked.more.authors, policy.people)
    text = f"{counted(len(asked.more.authors), 'author')} of the commits may not approve"
    return text + (
        f"; without a user in `people`: {', '.join(map(cell, strangers[:SHOWN_AUTHORS]))}" if strangers else ""
    )


def _commits(title: str, commits: Commits) -> list[str]:
    if not commits.newest:
        return []
    more = (commits.number or 0) - len(commits.newest)
    lines = [f"- {code(text)}" for text in commits.newest] + ([f"- … and {more} more"] if more > 0 else [])
    return [f"### {title}\n\n" + "\n".join(lines)]


def _images(asked: ForPeople, running: Mapping[str, str], new: list[str]) -> list[str]:
    built = asked.release.images
    changed = {name: reference for name, reference in sorted(built.items()) if running.get(name) != reference}
    rows = "\n".join(
        f"| {cell(name)} | {cell(_digest(running.get(name, '')) or 'none')} | {cell(_digest(reference))} |"
        for name, reference in changed.items()
    )
    found = [f"### {counted(len(changed), 'changed image')}"]
    if rows:
        found.append(f"| image | runs now | would run |\n|---|---|---|\n{rows}")
    if new:
        found.append(
            "### Images that Azora did not build, new here\n\n" + "\n".join(f"- {code(image)}" for image in new)
        )
    return found


def _digest(reference: str) -> str:
    return reference.partition("@sha256:")[2][:12]
